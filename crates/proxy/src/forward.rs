//! Pooled connections to the workspaces, HTTP/1.1 for all but gRPC: one set of pools per worker, so that no request waits for another core.

mod body;
mod connect;
mod error;
mod h2;
mod last_word;
mod link;
mod pool;
mod shared;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::body::{Progress, RequestBody};
use crate::counters::Counters;
use crate::drain::Tasks;
use crate::route::{Workspace, WorkspaceUrl};
use crate::settings::Settings;
use body::{Hold, Idleness};
use connect::connect;
use pool::{Lease, Pool};
use shared::SharedPool;

pub(crate) use body::{UpstreamBody, UpstreamBodyError};
pub(crate) use connect::ConnectError;
pub(crate) use error::ForwardError;

/// A rewritten request, and the workspace that it is for.
#[derive(Debug)]
pub(crate) struct Forward {
    /// Where to.
    pub(crate) workspace: Arc<Workspace>,
    /// What: origin-form target, under the workspace's token.
    pub(crate) request: Request<RequestBody>,
    /// Whether it must be a new connection: one that was kept has just failed it, and others may be as old.
    pub(crate) afresh: bool,
}

/// The workspaces as one `tower::Service`: a request in, the head of the response and its stream out.
#[derive(Clone, Debug)]
pub(crate) struct Upstream(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// In the order of the workspaces.
    lanes: Vec<Lane>,
    connect_timeout: Duration,
    first_byte_timeout: Option<Duration>,
    body_idle_timeout: Option<Duration>,
    counters: Arc<Counters>,
    tasks: Tasks,
}

/// The connections to one workspace.
#[derive(Clone, Debug)]
struct Lane {
    to: WorkspaceUrl,
    pool: Pool,
    shared: SharedPool,
}

/// How a request that was given to a connection ended.
enum Sent {
    Answered(Response<UpstreamBody>),
    /// The connection had died before a byte was written: the request is whole and may be given to another one.
    Unsent(Request<RequestBody>),
}

// === impl Upstream ===

impl Upstream {
    /// No connections yet, to none. They will run as `tasks`.
    pub(crate) fn new(counters: Arc<Counters>, tasks: Tasks) -> Self {
        Self(Arc::new(Inner {
            lanes: Vec::new(),
            connect_timeout: Duration::ZERO,
            first_byte_timeout: None,
            body_idle_timeout: None,
            counters,
            tasks,
        }))
    }

    /// For these workspaces. Those that are where they were, proved in the same way, keep their connections.
    pub(crate) fn for_workspaces(&self, workspaces: &[Arc<Workspace>], settings: &Settings) -> Self {
        let idle = settings.upstream_idle_timeout;
        let lane = |workspace: &Arc<Workspace>| {
            let to = &workspace.url;
            let kept = self.0.lanes.iter().find(|lane| lane.to.is_same(to));
            kept.map_or_else(|| Lane::new(to, idle), |lane| lane.kept_for(idle))
        };
        Self(Arc::new(Inner {
            lanes: workspaces.iter().map(lane).collect(),
            connect_timeout: settings.connect_timeout,
            first_byte_timeout: settings.first_byte_timeout,
            body_idle_timeout: settings.upstream_body_idle_timeout,
            counters: Arc::clone(&self.0.counters),
            tasks: self.0.tasks.clone(),
        }))
    }

    /// Closes what has been idle for too long; a worker calls it now and then, so that a quiet pool empties too.
    pub(crate) fn close_idle(&self) {
        for lane in &self.0.lanes {
            lane.pool.close_idle();
            lane.shared.close_idle();
        }
    }
}

impl tower::Service<Forward> for Upstream {
    type Response = Response<UpstreamBody>;
    type Error = ForwardError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ForwardError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ForwardError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, forward: Forward) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            match forward.request.version() {
                Version::HTTP_2 => inner.forward_h2(forward).await,
                _ => inner.forward(forward).await,
            }
        })
    }
}

// === impl Lane ===

impl Lane {
    fn new(to: &WorkspaceUrl, idle: Duration) -> Self {
        Self {
            to: to.clone(),
            pool: Pool::new(idle),
            shared: SharedPool::new(idle),
        }
    }

    /// The same, unless its connections are to rest for another time from now on.
    fn kept_for(&self, idle: Duration) -> Self {
        if self.pool.idle_timeout() == idle {
            self.clone()
        } else {
            Self::new(&self.to, idle)
        }
    }
}

// === impl Inner ===

impl Inner {
    fn lane(&self, workspace: &Workspace) -> Result<&Lane, ForwardError> {
        let lane = self.lanes.get(workspace.index);
        lane.ok_or(ForwardError::Connect(ConnectError::UnknownWorkspace))
    }

    async fn forward(
        &self,
        Forward {
            workspace,
            mut request,
            afresh,
        }: Forward,
    ) -> Result<Response<UpstreamBody>, ForwardError> {
        let pool = &self.lane(&workspace)?.pool;
        frame(&mut request);
        while !afresh && let Some(lease) = pool.take() {
            self.counters.upstream_reused();
            match self.send(lease, request).await.map_err(ForwardError::on_reused)? {
                Sent::Answered(response) => return Ok(response),
                Sent::Unsent(returned) => request = returned,
            }
        }
        // Boxed: connecting is rare and its state is large, while every request in flight pays for this future.
        let lease = Box::pin(self.connect(pool, &workspace)).await?;
        match self.send(lease, request).await? {
            Sent::Answered(response) => Ok(response),
            Sent::Unsent(_) => Err(ForwardError::Connect(ConnectError::ClosedAtOnce)),
        }
    }

    async fn connect(&self, pool: &Pool, workspace: &Workspace) -> Result<Lease, ForwardError> {
        let connected = timeout(self.connect_timeout, connect(&workspace.url)).await;
        let link = connected
            .map_err(|_| ConnectError::TimedOut(self.connect_timeout))
            .flatten()?;
        self.counters.upstream_opened();
        Ok(pool.lease(link))
    }

    async fn send(&self, mut lease: Lease, request: Request<RequestBody>) -> Result<Sent, ForwardError> {
        let progress = request.body().progress();
        let answer = lease.link().send(request);
        match self.before_deadline(answer, &progress).await? {
            Ok(response) => {
                let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
                // An upload that goes on must not wait until the client reads the answer, nor a tunnel for a body.
                if switched || !progress.is_over() {
                    lease.link().hand_over(&self.tasks);
                }
                let idle = self.idleness(progress);
                let hold = Hold::Alone(lease, self.tasks.clone());
                Ok(Sent::Answered(response.map(|body: Incoming| {
                    if switched {
                        UpstreamBody::switched(body, hold)
                    } else {
                        UpstreamBody::new(body, hold, idle)
                    }
                })))
            }
            Err(mut failed) => match failed.take_message() {
                Some(request) => Ok(Sent::Unsent(request)),
                None => Err(ForwardError::from_hyper(failed.into_error())),
            },
        }
    }

    fn idleness(&self, progress: Arc<Progress>) -> Option<Idleness> {
        self.body_idle_timeout.map(|limit| Idleness::new(limit, progress))
    }

    /// The clock for the first byte starts anew whenever a part of the request body has moved: an upload may last for hours.
    async fn before_deadline<F: Future>(
        &self,
        answer: F,
        progress: &Progress,
    ) -> Result<F::Output, ForwardError> {
        let Some(patience) = self.first_byte_timeout else {
            return Ok(answer.await);
        };
        let mut answer = std::pin::pin!(answer);
        let mut moved = progress.bytes();
        loop {
            if let Ok(answered) = timeout(patience, &mut answer).await {
                return Ok(answered);
            }
            let now = progress.bytes();
            if now == moved {
                return Err(ForwardError::TimedOut(patience));
            }
            moved = now;
        }
    }
}

/// RFC 9112 section 6.1: a body of unknown length goes up in chunks, whatever the method. hyper would leave out that of a
/// GET.
fn frame(request: &mut Request<RequestBody>) {
    let body = request.body();
    if !body.is_end_stream() && body.size_hint().exact().is_none() {
        let chunked = HeaderValue::from_static("chunked");
        request.headers_mut().insert(header::TRANSFER_ENCODING, chunked);
    }
}
