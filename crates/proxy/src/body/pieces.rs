use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::{Body, BodyError};

/// A body that comes in pieces of at most so many bytes: whoever takes it can be seen to move with each, and what was
/// not taken is still in our hands.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    body: Body,
    /// Of the workspace's last part.
    rest: Bytes,
    most: usize,
}

// === impl Pieces ===

impl Pieces {
    pub(crate) fn new(body: Body, most: usize) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            most,
        }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)?) {
                Some(frame) if frame.is_data() => this.rest = frame.into_data().unwrap_or_default(),
                other => return Poll::Ready(other.map(Ok)),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(this.most));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, mut hint) = (self.rest.len() as u64, self.body.size_hint());
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}
