mod pieces;
mod progress;

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::forward::{UpstreamBody, UpstreamBodyError};
use crate::linger::Lingering;
use crate::patience::Patience;
use crate::rewrite;
use crate::settings::Settings;
use crate::upgrade::Switch;

pub(crate) use pieces::Pieces;
pub(crate) use progress::Progress;

/// A response body: the gateway's own few bytes, or a workspace's stream.
#[derive(Debug, Default)]
pub(crate) struct Body(Kind);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Empty,
    /// Boxed: few answers are, and each would have room for it.
    Full(Box<Bytes>),
    Upstream(UpstreamBody),
    /// What follows the head is no body.
    Switch(Box<Switch>),
}

/// A stream that broke before its end; the connection is closed, so that nobody takes the part for the whole.
#[derive(Debug, thiserror::Error)]
#[error("the workspace's answer broke off")]
pub(crate) struct BodyError(#[source] UpstreamBodyError);

/// A request body on its way to the workspace: counted, never gathered, and given up when it stands still.
#[derive(Debug)]
pub(crate) struct RequestBody {
    incoming: Lingering,
    came: u64,
    progress: Progress,
    patience: Patience,
    most: Option<u64>,
}

/// Why a request body does not come to its end. What was forwarded of it is recognisably a part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestBodyError {
    /// The client left, or what it sent is no HTTP.
    #[error("it broke off or is malformed")]
    Broke(#[source] hyper::Error),
    /// The client sent nothing for so long.
    #[error("nothing of it came for {} s", .0.as_secs())]
    Stalled(Duration),
    /// It is longer than is allowed here.
    #[error("it is longer than {0} bytes")]
    TooLarge(u64),
}

/// The client's part in a request body's end before its time: [`RequestBodyError`] without its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortfall {
    Broke,
    Stalled(Duration),
    TooLarge(u64),
}

// === impl Body ===

impl Body {
    /// These bytes.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Full(Box::new(bytes.into())))
    }

    pub(crate) fn upstream(body: UpstreamBody) -> Self {
        Self(Kind::Upstream(body))
    }

    pub(crate) fn switch(switch: Switch) -> Self {
        Self(Kind::Switch(Box::new(switch)))
    }

    /// What follows the head: a body, or the end of HTTP on this connection.
    pub(crate) fn into_switch(self) -> Result<Switch, Self> {
        match self.0 {
            Kind::Switch(switch) => Ok(*switch),
            kind => Err(Self(kind)),
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Empty | Kind::Switch(_) => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(&mut **bytes);
                self.0 = Kind::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Kind::Upstream(body) => Pin::new(body)
                .poll_frame(cx)
                .map_ok(|frame| filtered(frame, rewrite::response_trailers))
                .map_err(BodyError),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty | Kind::Switch(_) => true,
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Upstream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty | Kind::Switch(_) => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Upstream(body) => body.size_hint(),
        }
    }
}

// === impl RequestBody ===

impl RequestBody {
    pub(crate) fn new(incoming: Lingering, settings: &Settings) -> Self {
        let progress = if incoming.is_end_stream() {
            Progress::none()
        } else {
            Progress::begun()
        };
        Self {
            incoming,
            came: 0,
            progress,
            patience: Patience::new(settings.body_idle_timeout),
            most: settings.max_body_size,
        }
    }

    /// Nothing at all.
    pub(crate) fn none() -> Self {
        Self {
            incoming: Lingering::none(),
            came: 0,
            progress: Progress::none(),
            patience: Patience::new(Duration::ZERO),
            most: None,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    fn count(&mut self, frame: &Frame<Bytes>) -> Result<(), RequestBodyError> {
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        self.came += bytes;
        self.progress.add(bytes);
        match self.most {
            Some(most) if self.came > most => Err(RequestBodyError::TooLarge(most)),
            _ => Ok(()),
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let this = &mut *self;
        let Poll::Ready(polled) = Pin::new(&mut this.incoming).poll_frame(cx) else {
            ready!(this.patience.poll_exhausted(cx));
            this.incoming.give_up();
            let stalled = RequestBodyError::Stalled(this.patience.limit());
            return Poll::Ready(Some(Err(this.progress.fell_short(stalled))));
        };
        this.patience.moved();
        Poll::Ready(polled.map(|frame| {
            let counted = frame
                .map_err(RequestBodyError::Broke)
                .and_then(|frame| this.count(&frame).map(|()| frame));
            counted
                .map(|frame| filtered(frame, rewrite::request_trailers))
                .map_err(|error| this.progress.fell_short(error))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Trailers are judged as headers are; data is not looked at.
fn filtered(mut frame: Frame<Bytes>, filter: fn(&mut HeaderMap)) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        filter(trailers);
    }
    frame
}
