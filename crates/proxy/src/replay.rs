//! A second try, for the two things that it can mend: a connection that the workspace closed while the request was on its way,
//! and an answer by which it does not take the token that was put into the request.

use std::rc::Rc;

use exchange::{AccessToken, ExchangeError, ExchangeRequest, Grant};
use http::header::{self, HeaderName};
use http::{Response, StatusCode, request};
use http_body::Body as _;
use identity::Identity;
use tower::{Service, ServiceExt as _};

use crate::accept::Interim;
use crate::body::RequestBody;
use crate::forward::UpstreamBody;
use crate::{Failure, Forward, ForwardError, Workspace, spare_fields};

/// What to ask for should the workspace refuse the token that was given. Put together only then: nearly every request does without.
pub(crate) struct Again<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) grant: &'a Grant,
    pub(crate) given: AccessToken,
}

/// Forwards; and where the workspace refuses the token, asks `swap` for another one, which is what `again` says, and forwards
/// once more. Before that, once more as well where a connection that had been kept open ended without an answer.
///
/// Both are for requests that may be repeated; all others are told what happened, and the next request has a new connection
/// and the new token. How often a token is exchanged anew is bounded by `swap`, which then gives the same one again.
///
/// # Errors
/// Those of the upstream. That no other token is to be had is none: the workspace's answer stands.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` has room for its arguments twice, and moves them from one to the other"
)]
pub(crate) fn forward<S, U>(
    (mut upstream, swap): (U, &S),
    forward: Forward,
    workspace: &Rc<Workspace>,
    again: Option<Again<'_>>,
) -> impl Future<Output = Result<Response<UpstreamBody>, Failure>>
where
    S: Service<ExchangeRequest, Response = AccessToken, Error = ExchangeError> + Clone,
    U: Service<Forward, Response = Response<UpstreamBody>, Error = ForwardError>,
{
    async move {
        let copy = Copy::of(&forward);
        let mut answered = upstream.ready().await?.call(forward).await;
        if let (Err(ForwardError::Stale(_)), Some(copy)) = (&answered, &copy) {
            let forward = Forward {
                afresh: true,
                ..copy.clone().whole(workspace)
            };
            // Boxed: it is rare and its state is large, while every request in flight pays for this future.
            answered = Box::pin(async { upstream.ready().await?.call(forward).await }).await;
        }
        let is_refused = matches!(&answered, Ok(response) if refuses_token(response));
        let Some(again) = again.filter(|_| is_refused) else {
            if let Some(copy) = copy {
                copy.let_go();
            }
            return Ok(answered?);
        };
        // So is this.
        Box::pin(async move {
            let mut swap = swap.clone();
            let other = async { swap.ready().await?.call(again.request()).await }.await;
            match (other, copy) {
                (Ok(other), Some(copy)) if !other.is_same(&again.given) => {
                    let forward = copy.under(&other).whole(workspace);
                    Ok(upstream.ready().await?.call(forward).await?)
                }
                _ => Ok(answered?),
            }
        })
        .await
    }
}

// === impl Again ===

impl Again<'_> {
    fn request(&self) -> ExchangeRequest {
        let request = ExchangeRequest::new(self.identity.clone(), self.grant.clone());
        request.instead_of(self.given.clone())
    }
}

/// A request that may be sent once more: nothing of it is a body, and its method promises that twice is as good as once
/// (RFC 9110 section 9.2.2). Interim responses to it are not relayed.
#[derive(Clone)]
struct Copy(Rc<request::Parts>);

// === impl Copy ===

impl Copy {
    fn of(forward: &Forward) -> Option<Self> {
        let is_repeatable = forward.head.method.is_idempotent() && forward.body.is_end_stream();
        is_repeatable.then(|| Self(Rc::clone(&forward.head)))
    }

    fn under(self, token: &AccessToken) -> Self {
        let mut head = Rc::unwrap_or_clone(self.0);
        head.headers.insert(header::AUTHORIZATION, token.header());
        Self(Rc::new(head))
    }

    /// There will be no second time.
    fn let_go(self) {
        spare_fields::give_back(self.0);
    }

    fn whole(self, workspace: &Rc<Workspace>) -> Forward {
        Forward {
            workspace: Rc::clone(workspace),
            head: self.0,
            body: RequestBody::none(),
            interim: Interim::none(),
            afresh: false,
        }
    }
}

/// 401; or the 403 with which many of Databricks' APIs say the same, and which its reason tells from a lack of permission.
fn refuses_token<B>(response: &Response<B>) -> bool {
    match response.status() {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => {
            let reason = response.headers().get(&REASON_PHRASE);
            reason.is_some_and(|reason| reason.as_bytes().starts_with(INVALID_TOKEN))
        }
        _ => false,
    }
}

static REASON_PHRASE: HeaderName = HeaderName::from_static("x-databricks-reason-phrase");
const INVALID_TOKEN: &[u8] = b"Invalid access token";
