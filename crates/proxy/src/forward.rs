//! Pooled connections to the workspaces, HTTP/1.1 for all but gRPC: one set of pools per worker, so that no request waits for another core.

mod body;
mod connect;
mod error;
mod h1;
mod h2;
mod idleness;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Response, Version, request};

use crate::accept::Interim;
use crate::body::{Progress, RequestBody};
use crate::counters::Counters;
use crate::drain::Tasks;
use crate::patience::Patience;
use crate::route::{Workspace, WorkspaceUrl};
use crate::settings::Settings;
use h1::Pool;
use h2::SharedPool;
use idleness::Idleness;

pub(crate) use body::{UpstreamBody, UpstreamBodyError};
pub(crate) use connect::ConnectError;
pub(crate) use error::ForwardError;
pub(crate) use h1::Tunnel;
pub use h1::{WholeAnswer, read_answer};

/// A rewritten request, and the workspace that it is for.
#[derive(Debug)]
pub(crate) struct Forward {
    /// Where to.
    pub(crate) workspace: Rc<Workspace>,
    /// What: origin-form target, under the workspace's token. Shared with whoever may have to say it again.
    pub(crate) head: Rc<request::Parts>,
    /// What comes with it.
    pub(crate) body: RequestBody,
    /// Who hears what the workspace says before its answer.
    pub(crate) interim: Interim,
    /// Whether it must be a new connection: one that was kept has just failed it, and others may be as old.
    pub(crate) afresh: bool,
}

/// The workspaces as one `tower::Service`: a request in, the head of the response and its stream out.
#[derive(Clone, Debug)]
pub(crate) struct Upstream(Rc<Inner>);

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

// === impl Upstream ===

impl Upstream {
    /// No connections yet, to none. They will run as `tasks`.
    pub(crate) fn new(counters: Arc<Counters>, tasks: Tasks) -> Self {
        Self(Rc::new(Inner {
            lanes: Vec::new(),
            connect_timeout: Duration::ZERO,
            first_byte_timeout: None,
            body_idle_timeout: None,
            counters,
            tasks,
        }))
    }

    /// For these workspaces. Those that are where they were, proved in the same way, keep their connections.
    pub(crate) fn for_workspaces(&self, workspaces: &[Rc<Workspace>], settings: &Settings) -> Self {
        let idle = settings.upstream_idle_timeout;
        let lane = |workspace: &Rc<Workspace>| {
            let to = &workspace.url;
            let kept = self.0.lanes.iter().find(|lane| lane.to.is_same(to));
            kept.map_or_else(|| Lane::new(to, idle), |lane| lane.kept_for(idle))
        };
        Self(Rc::new(Inner {
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
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ForwardError>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ForwardError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, forward: Forward) -> Self::Future {
        let inner = Rc::clone(&self.0);
        match forward.head.version {
            Version::HTTP_2 => Box::pin(inner.forward_h2(forward)),
            _ => Box::pin(inner.forward_h1(forward)),
        }
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

    fn idleness(&self, request: &Progress) -> Option<Idleness> {
        self.body_idle_timeout
            .map(|limit| Idleness::new(Patience::new(limit), request.clone()))
    }
}
