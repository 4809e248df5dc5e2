use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A connection whose requests must show their whole head soon after their first byte.
///
/// hyper has one timer for both waiting for a request and reading its head. A client may rest for a minute between two
/// requests, but must not take a minute over one head; so hyper's timer watches the rest, and this one the head.
pub(super) struct Paced<IO> {
    io: IO,
    pace: Pace,
    header_timeout: Duration,
    /// Set while a head is unfinished.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// Where a connection stands; shared between its socket and its requests, on one thread.
#[derive(Clone, Debug)]
pub(super) struct Pace(Arc<AtomicU8>);

const RESTING: u8 = 0;
const IN_HEAD: u8 = 1;
const IN_REQUEST: u8 = 2;

// === impl Pace ===

impl Pace {
    /// A head has been read.
    pub(super) fn request_started(&self) {
        self.0.store(IN_REQUEST, Relaxed);
    }

    /// The next byte begins a head.
    pub(super) fn request_ended(&self) {
        self.0.store(RESTING, Relaxed);
    }
}

// === impl Paced ===

impl<IO> Paced<IO> {
    pub(super) fn new(io: IO, header_timeout: Duration) -> (Self, Pace) {
        let pace = Pace(Arc::new(AtomicU8::new(RESTING)));
        (
            Self {
                io,
                pace: pace.clone(),
                header_timeout,
                deadline: None,
            },
            pace,
        )
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.pace.0.load(Relaxed) != IN_HEAD {
            self.deadline = None;
            return false;
        }
        let deadline = Instant::now() + self.header_timeout;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        deadline.as_mut().poll(cx).is_ready()
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Paced<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.io).poll_read(cx, buf);
        if polled.is_pending() {
            return if this.is_late(cx) {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            } else {
                Poll::Pending
            };
        }
        ready!(polled)?;
        if buf.filled().len() > before && this.pace.0.load(Relaxed) == RESTING {
            this.pace.0.store(IN_HEAD, Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Paced<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
