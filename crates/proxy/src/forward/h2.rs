//! HTTP/2 with a workspace (RFC 9113), for gRPC: few connections, which many requests share.

mod shared;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::connect::connect_h2;
use super::idleness::Idleness;
use super::{ConnectError, Forward, ForwardError, Inner, UpstreamBody};
use crate::body::{Progress, RequestBody};
use crate::patience::Patience;
use crate::route::Workspace;

pub(super) use shared::{MOST_STREAMS, Seat, SharedPool, StreamLimit};

/// How a request that was given to a connection ended.
enum Sent {
    Answered(Response<UpstreamBody>),
    /// The connection had died before a byte was written: the request is whole and may be given to another one.
    Unsent(Box<Request<RequestBody>>),
}

impl Inner {
    /// HTTP/2, where the rewrite asked for it: on a connection that others use too.
    pub(super) async fn forward_h2(
        self: Rc<Self>,
        Forward {
            workspace,
            head,
            body,
            ..
        }: Forward,
    ) -> Result<Response<UpstreamBody>, ForwardError> {
        let pool = &self.lane(&workspace)?.shared;
        let mut request = Request::from_parts(Rc::unwrap_or_clone(head), body);
        while let Some(seat) = pool.take() {
            self.counters.upstream_reused();
            match self.send_h2(seat, request).await? {
                Sent::Answered(response) => return Ok(response),
                Sent::Unsent(returned) => request = *returned,
            }
        }
        let seat = Box::pin(self.connect_h2(pool, &workspace)).await?;
        match self.send_h2(seat, request).await? {
            Sent::Answered(response) => Ok(response),
            Sent::Unsent(_) => Err(ForwardError::Connect(ConnectError::ClosedAtOnce)),
        }
    }

    /// Waiting for somebody else's attempt counts as connecting: it is the same wait.
    async fn connect_h2(&self, pool: &SharedPool, workspace: &Workspace) -> Result<Seat, ForwardError> {
        let connecting = async {
            let _turn = pool.turn().await;
            if let Some(seat) = pool.take() {
                return Ok(seat);
            }
            let (sender, limit) = connect_h2(&workspace.url, &self.tasks).await?;
            self.counters.upstream_opened();
            Ok(pool.add(sender, limit))
        };
        let connected = timeout(self.connect_timeout, connecting).await;
        Ok(connected
            .map_err(|_| ConnectError::TimedOut(self.connect_timeout))
            .flatten()?)
    }

    async fn send_h2(&self, seat: Seat, request: Request<RequestBody>) -> Result<Sent, ForwardError> {
        let progress = request.body().progress();
        let answer = seat.sender().try_send_request(request);
        match self.in_time(answer, &progress).await? {
            Ok(response) => {
                let idle = self.idleness(&progress);
                Ok(Sent::Answered(
                    response.map(|body: Incoming| UpstreamBody::h2(body, seat, idle)),
                ))
            }
            Err(mut failed) => match failed.take_message() {
                Some(request) => Ok(Sent::Unsent(Box::new(request))),
                None => Err(ForwardError::from_stream(failed.into_error(), &progress)),
            },
        }
    }

    /// The clock for the first byte starts anew whenever a part of the request body has moved: an upload may last for hours.
    async fn in_time<F: Future>(&self, answer: F, progress: &Progress) -> Result<F::Output, ForwardError> {
        let Some(limit) = self.first_byte_timeout else {
            return Ok(answer.await);
        };
        let mut idleness = Idleness::new(Patience::new(limit), progress.clone());
        let mut answer = pin!(answer);
        poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Ok(answer)),
            Poll::Pending => idleness
                .poll_exhausted(cx)
                .map(|limit| Err(ForwardError::TimedOut(limit))),
        })
        .await
    }
}
