//! What stands between a client's bytes and hyper, and lets only one reading of them through.
//!
//! hyper is lenient where RFC 9112 allows it: a bare LF ends a line, a second `Transfer-Encoding` is one more coding, a
//! `Content-Length` beside it is dropped unseen, a fragment is cut off the target. Each of these is a place where what
//! stands before or behind the gateway may read something else; afterwards, nobody can see any more that there was a
//! choice. So the choice is refused here, on the bytes themselves.

mod grammar;
mod word;

use std::cell::{Cell, OnceCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::sequel::Sequel;
use grammar::Grammar;

/// A connection on which nothing is read but requests that every server reads alike.
///
/// From the first byte that has no place in such a request, hyper sees [`UNREADABLE`] instead of what was sent: it
/// answers 400 when that answer's turn has come, closes, and has never met the bytes behind it.
pub(super) struct Guarded<IO> {
    io: IO,
    grammar: Grammar,
    /// After a refusal, what is still to be shown of [`UNREADABLE`].
    instead: Option<&'static [u8]>,
    verdict: Verdict,
    /// Once this is told, what comes is a tunnel's, and none of ours to read.
    sequel: Sequel,
}

/// What the guard of a connection thinks of what it has read, for whoever is to act on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict(Rc<Findings>);

#[derive(Debug, Default)]
struct Findings {
    fault: OnceCell<&'static str>,
    /// Whether the last byte was not the last of a request.
    is_amid: Cell<bool>,
}

/// The client's side of an HTTP/1.1 connection as hyper sees it, with nothing in it but requests that every server reads
/// alike.
///
/// Public so that anybody can try any bytes without a socket; the fuzz target `guard` does.
pub fn guarded<IO: AsyncRead + AsyncWrite + Unpin>(io: IO) -> impl AsyncRead + AsyncWrite + Unpin {
    Guarded::new(io, Sequel::default())
}

// === impl Verdict ===

impl Verdict {
    /// What was found fault with, once something was.
    pub(super) fn fault(&self) -> Option<&'static str> {
        self.0.fault.get().copied()
    }

    /// Whether all that was read were whole requests, so that the next byte begins another.
    pub(super) fn is_between_requests(&self) -> bool {
        self.fault().is_none() && !self.0.is_amid.get()
    }
}

// === impl Guarded ===

impl<IO> Guarded<IO> {
    pub(super) fn new(io: IO, sequel: Sequel) -> Self {
        Self {
            io,
            grammar: Grammar::default(),
            instead: None,
            verdict: Verdict::default(),
            sequel,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }

    /// Cuts `buf` at the first byte after `before` that is refused.
    fn check(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if let Err(refusal) = self.grammar.read(fresh) {
            tracing::debug!(
                fault = refusal.fault,
                "a request that can be read in more than one way"
            );
            // The first stays: nothing is read behind it.
            let _ = self.verdict.0.fault.set(refusal.fault);
            buf.set_filled(before + refusal.at);
            self.instead = Some(UNREADABLE);
        }
        self.verdict.0.is_amid.set(!self.grammar.is_between());
    }

    /// As much as there is room for; at its end, nothing, which is the end of the connection.
    fn show(instead: &mut &'static [u8], buf: &mut ReadBuf<'_>) {
        let (now, later) = instead.split_at(instead.len().min(buf.remaining()));
        buf.put_slice(now);
        *instead = later;
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Guarded<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.sequel.is_told() {
            // Who was refused before the workspace agreed gets no tunnel out of it.
            return match this.instead {
                None => Pin::new(&mut this.io).poll_read(cx, buf),
                Some(_) => Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
            };
        }
        if this.instead.is_none() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
            this.check(buf, before);
        }
        if let Some(instead) = &mut this.instead {
            Self::show(instead, buf);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Guarded<IO> {
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

/// An error to every state of every HTTP/1.1 parser: NUL is allowed nowhere but in a body's data, a bare LF not in a
/// chunk's extension, where NUL might pass; and the empty line ends the wait of a parser that looks for it first.
const UNREADABLE: &[u8] = b"\0\n\r\n\r\n";

#[cfg(test)]
mod tests;
