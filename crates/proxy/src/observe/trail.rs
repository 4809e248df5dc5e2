use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use identity::Identity;
use tokio::time::Instant;

use super::{AccessRecord, AccessSink, Outcome, Unread};
use crate::body::{Progress, RequestBody};
use crate::counters::{Count, Counters};
use crate::failure::Dialect;
use crate::limits::Places;
use crate::rewrite::Visit;
use crate::route::{Host, Workspace};
use crate::{Body, Failure, RequestId, moment};

/// Watches the requests of one worker.
#[derive(Clone)]
pub(crate) struct Observer(Rc<Eyes>);

struct Eyes {
    counters: Arc<Counters>,
    /// Shared with all other workers.
    places: Places,
    sink: Arc<dyn AccessSink>,
    /// Ids are this worker's random half and a count.
    id_prefix: u64,
    ids: Count,
}

/// What one request leaves behind on its way. It is told at the end, or when the request is dropped on the way.
pub(crate) struct Trail {
    observer: Observer,
    id: RequestId,
    client: SocketAddr,
    secure: bool,
    method: Method,
    /// How the caller reads errors.
    dialect: Dialect,
    target: Option<PathAndQuery>,
    user_agent: Option<HeaderValue>,
    started: Instant,
    workspace: Option<Rc<Workspace>>,
    /// Who asks, once that was verified.
    identity: Option<Identity>,
    /// Nobody is known: a token of Databricks' own has been passed on unjudged.
    passed_through: bool,
    swapped_after: Option<Duration>,
    answered_after: Option<Duration>,
    status: Option<StatusCode>,
    failure: Option<&'static str>,
    cause: Option<String>,
    progress: Progress,
    response_bytes: u64,
    tunnelled: Option<Progress>,
    stage: Stage,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begun,
    /// It has a place among those in flight, which it gives back when it is over.
    Admitted,
    /// It was told of.
    Over,
}

/// What moves through a tunnel, counted while it does.
pub(crate) struct Traffic {
    /// From the client.
    pub(crate) up: Progress,
    /// To the client.
    pub(crate) down: Progress,
}

// === impl Observer ===

impl Observer {
    pub(crate) fn new(
        counters: Arc<Counters>,
        places: Places,
        sink: Arc<dyn AccessSink>,
        id_prefix: u64,
    ) -> Self {
        Self(Rc::new(Eyes {
            counters,
            places,
            sink,
            id_prefix,
            ids: Count::default(),
        }))
    }

    /// A request of this client was refused before there was anything to watch.
    pub(crate) fn refused(&self, client: SocketAddr, why: Unread) {
        let record = why.record(client);
        self.0.counters.failed(record.failure);
        self.0.sink.refused(&record);
    }

    /// Starts to watch a request.
    pub(crate) fn watch(&self, request: &Request<RequestBody>, client: SocketAddr, secure: bool) -> Trail {
        self.0.counters.request_started();
        let count = self.0.ids.next();
        Trail {
            observer: self.clone(),
            id: RequestId::new(u128::from(self.0.id_prefix) << 64 | u128::from(count)),
            client,
            secure,
            method: request.method().clone(),
            dialect: Dialect::of(request),
            target: request.uri().path_and_query().cloned(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
            started: moment::anew(),
            workspace: None,
            identity: None,
            passed_through: false,
            swapped_after: None,
            answered_after: None,
            status: None,
            failure: None,
            cause: None,
            progress: request.body().progress(),
            response_bytes: 0,
            tunnelled: None,
            stage: Stage::Begun,
        }
    }
}

// === impl Trail ===

impl Trail {
    /// The scheme by which the client reached the gateway.
    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The two ends of the client's connection.
    pub(crate) fn visit(&self, host: Host) -> Visit {
        Visit {
            scheme: self.scheme(),
            host,
            client: self.client.ip(),
        }
    }

    /// RFC 9110 section 9.3.2: the answer has no content, whatever its head says.
    pub(crate) fn wants_head_only(&self) -> bool {
        self.method == Method::HEAD
    }

    /// Takes one of `most` places among the requests in flight, until it is over.
    ///
    /// # Errors
    /// When all are taken.
    pub(crate) fn admit(&mut self, most: usize) -> Result<(), Failure> {
        self.observer.0.places.take(most)?;
        self.stage = Stage::Admitted;
        Ok(())
    }

    pub(crate) fn routed(&mut self, workspace: &Rc<Workspace>) {
        self.workspace = Some(Rc::clone(workspace));
    }

    /// Keeps who asks, for the access log, and lends it to what comes next.
    pub(crate) fn authenticated(&mut self, identity: Identity) -> &Identity {
        self.identity.insert(identity)
    }

    /// Whose request it is, once that was verified.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    pub(crate) fn passed_through(&mut self) {
        self.passed_through = true;
        self.observer.0.counters.passed_through();
    }

    pub(crate) fn swapped(&mut self) {
        // Exactly: a signature may have been verified meanwhile.
        self.swapped_after = Some(moment::anew().saturating_duration_since(self.started));
    }

    /// The response that the client gets, whichever way the journey ended.
    pub(crate) fn answer(&mut self, journey: Result<Response<Body>, Failure>) -> Response<Body> {
        let response = journey.unwrap_or_else(|failure| {
            self.failed(&failure);
            failure.answer_in(self.dialect, self.id)
        });
        let after = moment::now().saturating_duration_since(self.started);
        self.answered_after = Some(after);
        self.status = Some(response.status());
        self.observer.0.counters.answered(response.status(), after);
        response
    }

    fn failed(&mut self, failure: &Failure) {
        self.observer.0.counters.failed(failure.reason());
        self.failure = Some(failure.reason());
        self.cause = failure.is_ours_to_mend().then(|| chain(failure));
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.response_bytes += bytes as u64;
    }

    /// From here on, the answer is a tunnel.
    pub(crate) fn tunnelled(&mut self) -> Traffic {
        Traffic {
            up: self.progress.go_on().clone(),
            down: self.tunnelled.insert(Progress::begun()).clone(),
        }
    }

    /// Tells the counters and the access log; once.
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        let eyes = &self.observer.0;
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Begun => {}
            Stage::Admitted => eyes.places.give_back(),
            Stage::Over => return,
        }
        let request_bytes = self.progress.bytes();
        let response_bytes = self.response_bytes + self.tunnelled.as_ref().map_or(0, Progress::bytes);
        eyes.counters
            .request_ended(request_bytes, response_bytes, outcome != Outcome::ClientLeft);
        let ended = moment::now();
        eyes.sink.record(&AccessRecord {
            request_id: self.id,
            client: self.client,
            method: &self.method,
            path: self.target.as_ref().map_or("", PathAndQuery::path),
            user_agent: self.user_agent.as_ref().map(HeaderValue::as_bytes),
            workspace: self.workspace.as_ref().map(|workspace| workspace.name.as_str()),
            identity: self.identity.as_ref(),
            passed_through: self.passed_through,
            status: self.status,
            failure: self.failure,
            cause: self.cause.as_deref(),
            request_bytes,
            response_bytes,
            swapped_after: self.swapped_after,
            answered_after: self.answered_after,
            duration: ended.saturating_duration_since(self.started),
            ended,
            outcome,
        });
    }
}

impl Drop for Trail {
    /// A safety net: hyper drops a request when its client leaves, and nothing else says so.
    fn drop(&mut self) {
        self.finish(Outcome::ClientLeft);
    }
}

// === impl Traffic ===

impl Traffic {
    /// All of it.
    pub(crate) fn bytes(&self) -> u64 {
        self.up.bytes() + self.down.bytes()
    }
}

/// A failure and all its causes, on one line.
fn chain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut source = std::error::Error::source(failure);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
