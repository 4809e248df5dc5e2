use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::Response;
use hyper::body::Incoming;

use super::auth::Denial;
use super::call::Call;
use super::credential::Grant;
use super::refusal::Refusal;
use super::tokens::Claims;
use super::workspace::Workspace;
use super::{discovery, reply, routes, token_endpoint};
use crate::Faults;
use crate::server::{Body, Handler, Head};

/// A request that has been counted and recorded.
pub(super) enum Arrival {
    Token(Result<Grant, Refusal>),
    Call(Call, Result<Arc<Claims>, Denial>),
}

impl Handler for Workspace {
    type Arrival = Arrival;

    async fn arrive(self: &Arc<Self>, head: Head, body: Incoming) -> Arrival {
        if token_endpoint::is_at(head.path()) {
            self.token_calls.fetch_add(1, Ordering::Relaxed);
            return Arrival::Token(self.judge(&head, body).await);
        }
        let caller = self.caller(&head);
        self.count_denial(&head, &caller);
        let head = Arc::new(head);
        let identity = caller.as_ref().ok().map(|claims| claims.identity.clone());
        let body_bytes = self.records.add(&head, identity);
        Arrival::Call(Call::new(head, body, body_bytes), caller)
    }

    async fn answer(self: &Arc<Self>, arrival: Arrival) -> Response<Body> {
        reply::stamp(match arrival {
            Arrival::Token(verdict) => self.grant(verdict),
            Arrival::Call(call, caller) => routes::answer(self, call, caller).await,
        })
    }

    /// Even a request that is too malformed to be answered must not carry a JWT.
    fn unanswered(&self, head: &Head) {
        if !token_endpoint::is_at(head.path()) {
            self.count_denial(head, &self.caller(head));
        }
    }

    fn max_streams(&self) -> u32 {
        self.settings.max_streams.unwrap_or(100)
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }
}

// === impl Workspace ===

impl Workspace {
    fn count_denial(&self, head: &Head, caller: &Result<Arc<Claims>, Denial>) {
        let counter = match caller {
            Err(Denial::Leaked) => &self.leaked_jwts,
            Err(Denial::ExpiredToken) => &self.expired_tokens,
            // Anybody may ask for these.
            Err(Denial::Anonymous) if discovery::is_at(head.path()) => return,
            Err(Denial::Anonymous | Denial::UnknownToken | Denial::Ambiguous) => &self.strangers,
            Ok(_) | Err(Denial::RevokedToken) => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
