//! HTTP/1.1 with a workspace (RFC 9112): one connection for one request at a time, in the task of that request.
//!
//! The codec is our own, as it is on the way of every request: a fifth of all that a request takes was that of a general
//! client, with its queues, its wakers and its own idea of when a connection can be used again. What it reads it splits into
//! lines; names and values are judged by `http`'s own types; and what cannot be read in one way alone is refused.

mod answer;
mod chunks;
mod dry;
mod exchange;
mod fault;
mod framing;
mod link;
mod pool;
mod request;
mod response;
mod spare;
mod unread;
mod upload;
mod wire;

use std::rc::Rc;

use http::{HeaderMap, Response, StatusCode};
use tokio::time::timeout;

use super::connect::connect_h1;
use super::error::BrokenConnection;
use super::{ConnectError, Forward, ForwardError, Inner, UpstreamBody};
use crate::route::Workspace;
use crate::{relay, spare_fields};
use exchange::{Exchange, Unanswered};
use framing::Framing;
use pool::Lease;
use response::Head;

pub(super) use answer::Answer;
pub use dry::{Answer as WholeAnswer, read_answer};
pub(crate) use fault::Fault;
pub(super) use link::Link;
pub(crate) use link::Tunnel;
pub(super) use pool::Pool;
pub(super) use wire::Wire;

impl Inner {
    /// On a connection that has served before, or on a new one.
    pub(super) fn forward_h1(
        self: Rc<Self>,
        forward: Forward,
    ) -> impl Future<Output = Result<Response<UpstreamBody>, ForwardError>> {
        let Forward {
            workspace,
            head,
            body,
            interim,
            afresh,
        } = forward;
        // Taken apart before: an `async fn` has room for its arguments and for what they are made of.
        async move {
            let pool = &self.lane(&workspace)?.pool;
            let hears = |status, headers| relay::interim(&interim, &workspace, status, headers);
            let mut exchange = Exchange::new(&head, body, hears);
            // All of it is in the exchange now.
            spare_fields::give_back(head);
            while !afresh && let Some(mut lease) = pool.take() {
                self.counters.upstream_reused();
                match exchange.on(lease.link(), self.first_byte_timeout).await {
                    Ok(head) => return self.answered(exchange, lease, head),
                    Err(Unanswered::Unsent) => {}
                    Err(other) => return Err(ForwardError::from(other).on_reused()),
                }
            }
            // Boxed: connecting is rare and its state is large, while every request in flight pays for this future.
            let mut lease = Box::pin(self.connect_h1(pool, &workspace)).await?;
            let head = exchange.on(lease.link(), self.first_byte_timeout).await?;
            self.answered(exchange, lease, head)
        }
    }

    async fn connect_h1(&self, pool: &Pool, workspace: &Workspace) -> Result<Lease, ForwardError> {
        let connected = timeout(self.connect_timeout, connect_h1(&workspace.url)).await;
        let link = connected
            .map_err(|_| ConnectError::TimedOut(self.connect_timeout))
            .flatten()?;
        self.counters.upstream_opened();
        Ok(pool.lease(Box::new(link)))
    }

    fn answered<H: Fn(StatusCode, HeaderMap)>(
        &self,
        exchange: Exchange<H>,
        lease: Lease,
        head: Head,
    ) -> Result<Response<UpstreamBody>, ForwardError> {
        let framing = Framing::of(&head.parts, exchange.asks_for_head_only)
            .map_err(BrokenConnection::from)
            .map_err(ForwardError::Broke)?;
        let idle = self.idleness(&exchange.progress);
        let answer = Answer::new(lease, framing, head.persists, exchange.upload, &self.tasks);
        Ok(Response::from_parts(head.parts, UpstreamBody::h1(answer, idle)))
    }
}

impl From<Unanswered> for ForwardError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Unsent => Self::Connect(ConnectError::ClosedAtOnce),
            Unanswered::RequestBody(error) => Self::from_body(error),
            Unanswered::TimedOut(limit) => Self::TimedOut(limit),
            Unanswered::Connection(fault) => Self::Broke(fault.into()),
        }
    }
}
