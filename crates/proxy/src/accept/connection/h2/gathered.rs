use std::cell::RefCell;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Sends the frames of several answers at once, if they are ready at once.
///
/// The codec above flushes after every part of a body that it has not copied. Each answer would be a TLS record and a system call
/// of its own. So what is written waits here until the connection's task has had its turn, in which the frames of
/// every stream that had something to say were written; or until there is enough for a TLS record.
///
/// Seen from above, writing and flushing are over when something waits here. That it goes out is what [`Outlet::drive`] sees to.
pub(super) struct Gathered<IO>(Rc<RefCell<Gathering<IO>>>);

/// The other handle, for the task that polls the connection.
pub(super) struct Outlet<IO>(Rc<RefCell<Gathering<IO>>>);

struct Gathering<IO> {
    io: IO,
    waiting: Vec<u8>,
    /// How much of it has been sent.
    sent: usize,
    /// Whether something was sent that the layers below may hold back.
    to_flush: bool,
}

/// Where a TLS record ends (RFC 8446 section 5.1).
const ENOUGH: usize = 16 * 1024;

// === impl Gathered ===

impl<IO> Gathered<IO> {
    pub(super) fn new(io: IO) -> (Self, Outlet<IO>) {
        let gathering = Rc::new(RefCell::new(Gathering {
            io,
            waiting: Vec::new(),
            sent: 0,
            to_flush: false,
        }));
        (Self(Rc::clone(&gathering)), Outlet(gathering))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Gathered<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.borrow_mut().io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Gathered<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_take(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_take(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathering = self.0.borrow_mut();
        ready!(gathering.poll_send(cx))?;
        Pin::new(&mut gathering.io).poll_shutdown(cx)
    }
}

// === impl Outlet ===

impl<IO: AsyncWrite + Unpin> Outlet<IO> {
    /// Polls `connection` to its end, and sends after each turn what it has written.
    pub(super) async fn drive<C>(&self, mut connection: Pin<&mut C>) -> io::Result<()>
    where
        C: Future<Output = hyper::Result<()>>,
    {
        std::future::poll_fn(|cx| {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended.map_err(io::Error::other));
            }
            match self.0.borrow_mut().poll_send(cx) {
                Poll::Ready(Err(broken)) => Poll::Ready(Err(broken)),
                Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

// === impl Gathering ===

impl<IO: AsyncWrite + Unpin> Gathering<IO> {
    /// Keeps what there is room for. A whole frame of a long body is not copied, but sent after what was there before.
    fn poll_take(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        if self.waiting.len() + length > ENOUGH {
            ready!(self.poll_write_out(cx))?;
        }
        if length > ENOUGH {
            self.to_flush = true;
            return Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        }
        for buf in bufs {
            self.waiting.extend_from_slice(buf);
        }
        Poll::Ready(Ok(length))
    }

    /// Ready once the layer below has taken and sent everything.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(cx))?;
        if self.to_flush {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.to_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.waiting.get(self.sent..) {
            self.to_flush = true;
            let sent = ready!(Pin::new(&mut self.io).poll_write(cx, rest))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        // A connection that rests holds no memory for it.
        (self.waiting, self.sent) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
