use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::body::Hold;
use super::connect::connect_h2;
use super::shared::{Seat, SharedPool};
use super::{ConnectError, Forward, ForwardError, Inner, Sent, UpstreamBody};
use crate::body::RequestBody;
use crate::route::Workspace;

impl Inner {
    /// HTTP/2, where the rewrite asked for it: on a connection that others use too.
    pub(super) async fn forward_h2(
        &self,
        Forward {
            workspace,
            mut request,
            ..
        }: Forward,
    ) -> Result<Response<UpstreamBody>, ForwardError> {
        let pool = &self.lane(&workspace)?.shared;
        while let Some(seat) = pool.take() {
            self.counters.upstream_reused();
            match self.send_h2(seat, request).await? {
                Sent::Answered(response) => return Ok(response),
                Sent::Unsent(returned) => request = returned,
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
        match self.before_deadline(answer, &progress).await? {
            Ok(response) => {
                let hold = Hold::Among { _seat: seat };
                let idle = self.idleness(Arc::clone(&progress));
                Ok(Sent::Answered(
                    response.map(|body: Incoming| UpstreamBody::new(body, hold, idle)),
                ))
            }
            Err(mut failed) => match failed.take_message() {
                Some(request) => Ok(Sent::Unsent(request)),
                None => Err(ForwardError::from_stream(failed.into_error(), &progress)),
            },
        }
    }
}
