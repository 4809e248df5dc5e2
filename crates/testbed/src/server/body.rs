use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};

/// The body of a fake's answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A body that is made piece by piece: `None` ends it.
pub(crate) trait BodyFrames: Send + Unpin + 'static {
    /// The next piece.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;

    /// How many bytes are left, if that is known: it becomes the `Content-Length`.
    fn remaining(&self) -> Option<u64> {
        None
    }

    fn into_body(self) -> Body
    where
        Self: Sized,
    {
        Frames(self).boxed_unsync()
    }
}

pub(crate) fn empty() -> Body {
    Empty::new().boxed_unsync()
}

pub(crate) fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).boxed_unsync()
}

/// So many zero bytes, streamed.
pub(crate) fn zeros(length: u64) -> Body {
    Zeros(length).into_body()
}

struct Frames<T>(T);

struct Zeros(u64);

impl<T: BodyFrames> http_body::Body for Frames<T> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.get_mut()
            .0
            .poll_next(cx)
            .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.remaining() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .remaining()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl BodyFrames for Zeros {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let piece = usize::try_from(self.0).map_or(PIECE.len(), |left| left.min(PIECE.len()));
        self.0 -= piece as u64;
        Poll::Ready((piece > 0).then(|| Bytes::from_static(PIECE).slice(..piece)))
    }

    fn remaining(&self) -> Option<u64> {
        Some(self.0)
    }
}

static PIECE: &[u8] = &[0; 64 * 1024];
