use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::paced::Pace;
use crate::drain::Drain;
use crate::patience::Patience;

/// A connection of HTTP/1.1 that a drain ends only between two requests, and without a reset.
///
/// hyper's own shutdown closes a resting connection at once, and forgets a head of which a part has come. A request that
/// crosses it on the way then meets a socket that is closed, and the kernel resets the connection: the client cannot know
/// what became of it. Here the connection seems to end to hyper when it rests and nothing comes; and what comes even later is
/// read to no purpose, so that the client finds an orderly end, after which it may ask again elsewhere (RFC 9112 sections
/// 9.3.1 and 9.6).
pub(super) struct Parting<IO> {
    io: IO,
    pace: Pace,
    drain: Drain,
    /// Whether the client has ever said a word.
    has_spoken: bool,
    /// With a client that may be about to ask, once the drain has started.
    word: Option<Patience>,
    /// With a client that has been told the end and has not ended its own half.
    end: Option<Patience>,
}

/// For the first request of a client that has just been accepted: it connected because it has something to ask.
pub(super) const FIRST_WORD: Duration = Duration::from_secs(1);

/// For one more request on a connection that was kept: it may be under way already. Longer than most ways are.
const LAST_WORD: Duration = Duration::from_millis(100);

/// The same for what comes although the end was told.
const LINGERING: Duration = Duration::from_millis(250);

// === impl Parting ===

impl<IO> Parting<IO> {
    pub(super) fn new(io: IO, pace: Pace, drain: Drain) -> Self {
        Self {
            io,
            pace,
            drain,
            has_spoken: false,
            word: None,
            end: None,
        }
    }

    /// Whether nobody asks anything here that the drain should wait for.
    fn may_end(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.drain.has_started() || !self.pace.rests() {
            return false;
        }
        let limit = if self.has_spoken { LAST_WORD } else { FIRST_WORD };
        let word = self.word.get_or_insert_with(|| Patience::new(limit));
        word.poll_exhausted(cx).is_ready()
    }
}

impl<IO: AsyncRead + Unpin> Parting<IO> {
    /// Reads what nobody wants any more, until the client ends or has had its time.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let end = self.end.get_or_insert_with(|| Patience::new(LINGERING));
        let mut scraps = [0; 1024];
        while end.poll_exhausted(cx).is_pending() {
            let mut scraps = ReadBuf::new(&mut scraps);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut scraps));
            if read.is_err() || scraps.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Parting<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_read(cx, buf);
        if polled.is_ready() {
            this.has_spoken = true;
            return polled;
        }
        if this.may_end(cx) {
            // Nothing was read, which is how an end is told.
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Parting<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // A request ends with the last part of its answer, and hyper reads again only when something comes. So this is where the
        // wait for one more word begins; the next reading finds out that it is over.
        let _ = this.may_end(cx);
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.end.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            // In the middle of a request, or in a tunnel, what the client says is others' business.
            if !this.drain.leads_away() || !this.pace.rests() {
                return Poll::Ready(Ok(()));
            }
        }
        this.poll_linger(cx).map(Ok)
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

#[cfg(test)]
mod tests;
