use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection to a workspace that is heard out after it has ceased to listen.
///
/// A workspace may answer before an upload has ended, and close: a part that is on its way then is met with a reset, and the
/// next one with an error. hyper gives up at that, although the answer has come and only waits to be read. Here, writing
/// seems to go on, to no purpose; and reading, which comes before the next writing, finds the answer, or the end.
#[derive(Debug)]
pub(super) struct LastWord<IO> {
    io: IO,
    /// Whether the workspace takes nothing any more.
    is_deaf: bool,
}

impl<IO> LastWord<IO> {
    pub(super) fn new(io: IO) -> Self {
        Self { io, is_deaf: false }
    }

    /// One step of writing, which `unheard` stands for once nobody listens.
    fn step<T>(
        &mut self,
        unheard: T,
        step: impl FnOnce(&mut IO) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if !self.is_deaf {
            let polled = step(&mut self.io);
            self.is_deaf = matches!(&polled, Poll::Ready(Err(error)) if is_its_end(error));
            if !self.is_deaf {
                return polled;
            }
        }
        Poll::Ready(Ok(unheard))
    }
}

/// Whether it is the workspace that has ended the connection.
fn is_its_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

impl<IO: AsyncRead + Unpin> AsyncRead for LastWord<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for LastWord<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut()
            .step(buf.len(), |io| Pin::new(io).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = parts.iter().map(|part| part.len()).sum();
        self.get_mut()
            .step(all, |io| Pin::new(io).poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().step((), |io| Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().step((), |io| Pin::new(io).poll_shutdown(cx))
    }
}
