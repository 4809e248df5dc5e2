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
///
/// `None`: there is nothing to it, as to most. What others need has a box, so that a request is small wherever it is handed on.
#[derive(Debug)]
pub(crate) struct RequestBody(Option<Box<Upload>>);

#[derive(Debug)]
struct Upload {
    incoming: Lingering,
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
        let upload = |incoming| Upload {
            incoming,
            progress: Progress::begun(),
            patience: Patience::new(settings.body_idle_timeout),
            most: settings.max_body_size,
        };
        Self((!incoming.is_end_stream()).then(|| Box::new(upload(incoming))))
    }

    /// Nothing at all.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn progress(&self) -> Progress {
        self.0
            .as_ref()
            .map_or(Progress::none(), |upload| upload.progress.clone())
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let Some(upload) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = ready!(upload.poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            frame
                .map(|frame| filtered(frame, rewrite::request_trailers))
                .map_err(|error| upload.progress.fell_short(error))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|upload| upload.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let none = || SizeHint::with_exact(0);
        self.0
            .as_ref()
            .map_or_else(none, |upload| upload.incoming.size_hint())
    }
}

// === impl Upload ===

impl Upload {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let Poll::Ready(polled) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            ready!(self.patience.poll_exhausted(cx));
            self.incoming.give_up();
            return Poll::Ready(Some(Err(RequestBodyError::Stalled(self.patience.limit()))));
        };
        self.patience.moved();
        Poll::Ready(polled.map(|frame| {
            let frame = frame.map_err(RequestBodyError::Broke)?;
            self.count(&frame)?;
            Ok(frame)
        }))
    }

    fn count(&self, frame: &Frame<Bytes>) -> Result<(), RequestBodyError> {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        self.progress.add(bytes as u64);
        match self.most {
            Some(most) if self.progress.bytes() > most => Err(RequestBodyError::TooLarge(most)),
            _ => Ok(()),
        }
    }
}

/// Trailers are judged as headers are; data is not looked at.
fn filtered(mut frame: Frame<Bytes>, filter: fn(&mut HeaderMap)) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        filter(trailers);
    }
    frame
}
