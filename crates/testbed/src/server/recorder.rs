use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::Head;
use super::framing::Framing;
use crate::Fault;
use crate::locked::Locked;

/// A connection that remembers the heads it carried and can be told to write slowly.
pub(super) struct Recorder<T> {
    transport: T,
    framing: Framing,
    wire: Wire,
    /// The wait before the next byte of a dripping answer.
    pause: Option<Pin<Box<Sleep>>>,
}

/// What the connection and the requests on it tell each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Wire(Arc<Locked<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    heads: VecDeque<Head>,
    drip: Option<Duration>,
    surrendered: Option<Fault>,
    switched: Option<OnUpgrade>,
}

// === impl Wire ===

impl Wire {
    /// The head of the next request, in the order of arrival. An earlier request's dripping ends here.
    pub(super) fn next_head(&self) -> Option<Head> {
        let mut notes = self.0.lock();
        notes.drip = None;
        notes.heads.pop_front()
    }

    /// One byte each time `interval` passes, from now until the next request.
    pub(super) fn drip(&self, interval: Duration) {
        self.0.lock().drip = Some(interval);
    }

    /// Asks for the connection to be taken out of hyper's hands and misused.
    pub(super) fn surrender(&self, fault: Fault) {
        self.0.lock().surrendered = Some(fault);
    }

    /// The connection leaves HTTP after the answer that is being made.
    pub(super) fn switch(&self, upgrade: OnUpgrade) {
        self.0.lock().switched = Some(upgrade);
    }

    /// What the connection has become, if it has left HTTP.
    pub(super) fn switched(&self) -> Option<OnUpgrade> {
        self.0.lock().switched.take()
    }

    /// What the connection was surrendered to, if it was.
    pub(super) fn surrendered(&self) -> Option<Fault> {
        self.0.lock().surrendered.take()
    }
}

// === impl Recorder ===

impl<T> Recorder<T> {
    pub(super) fn new(transport: T, wire: Wire) -> Self {
        Self {
            transport,
            framing: Framing::Head(Vec::new()),
            wire,
            pause: None,
        }
    }

    pub(super) fn into_transport(self) -> T {
        self.transport
    }

    /// Ready when the next byte may be written, which uses the pause up.
    fn poll_pause(&mut self, cx: &mut Context<'_>, interval: Duration) -> Poll<()> {
        let pause = self
            .pause
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(interval)));
        ready!(pause.as_mut().poll(cx));
        self.pause = None;
        Poll::Ready(())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Recorder<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.transport).poll_read(cx, buf))?;
        let wire = &this.wire;
        let read = buf.filled().get(before..).unwrap_or_default();
        this.framing
            .feed(read, |head| wire.0.lock().heads.push_back(head));
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Recorder<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let drip = this.wire.0.lock().drip;
        let Some(interval) = drip else {
            return Pin::new(&mut this.transport).poll_write(cx, buf);
        };
        ready!(this.poll_pause(cx, interval));
        Pin::new(&mut this.transport).poll_write(cx, buf.get(..1).unwrap_or(buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(cx)
    }
}
