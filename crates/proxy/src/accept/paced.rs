use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::patience::Patience;
use crate::settings::Settings;

/// A connection that may rest for so long between two requests, whose requests must show their whole head soon after
/// their first byte, and whose client must take what is sent to it.
///
/// hyper has one timer for both waiting for a request and reading its head, and makes a new one for each. A client may
/// rest for a minute between two requests, but must not take a minute over one head. For clients that do not read,
/// hyper has none.
pub(super) struct Paced<IO> {
    io: IO,
    pace: Pace,
    /// Whether anything was written that has not been flushed.
    is_unflushed: bool,
    /// With a client that has nothing to ask at present, while all is kept ready for its next request.
    resting: Patience,
    /// With the same client afterwards.
    dozing: Patience,
    /// With a head that is unfinished.
    head: Patience,
    /// With a client that takes nothing of what is ready for it.
    writing: Patience,
}

/// Where a connection stands; shared between its socket and its requests.
#[derive(Clone, Debug)]
pub(super) struct Pace(Rc<Cell<Place>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Resting,
    InHead,
    InRequest,
    Late,
    Drowsy,
}

/// How long a connection that waits for its next request keeps all ready for it. Longer than most pauses within one piece of
/// work of a client's, and short beside the minutes for which clients keep what they no longer use.
pub(super) const AWAKE: Duration = Duration::from_secs(3);

// === impl Pace ===

impl Pace {
    /// A head has been read.
    pub(super) fn request_started(&self) {
        self.0.set(Place::InRequest);
    }

    /// The next byte begins a head.
    pub(super) fn request_ended(&self) {
        self.0.set(Place::Resting);
    }

    /// Whether nothing of a request has come that is unanswered.
    pub(super) fn rests(&self) -> bool {
        matches!(self.0.get(), Place::Resting | Place::Drowsy)
    }

    /// Whether a request has been read, or its head at least, and its whole answer not yet handed over.
    pub(super) fn is_in_request(&self) -> bool {
        self.0.get() == Place::InRequest
    }

    /// Whether it has rested for so long that nothing need be kept ready, and all that was said has been sent.
    pub(super) fn is_drowsy(&self) -> bool {
        self.0.get() == Place::Drowsy
    }

    /// Whether the connection ended as a head did not.
    pub(super) fn was_late(&self) -> bool {
        self.0.get() == Place::Late
    }
}

// === impl Paced ===

impl<IO> Paced<IO> {
    pub(super) fn new(io: IO, settings: &Settings) -> (Self, Pace) {
        let pace = Pace(Rc::new(Cell::new(Place::Resting)));
        let awake = AWAKE.min(settings.idle_timeout);
        let paced = Self {
            io,
            pace: pace.clone(),
            is_unflushed: false,
            resting: Patience::new(awake),
            dozing: Patience::new(settings.idle_timeout.saturating_sub(awake)),
            head: Patience::new(settings.header_timeout),
            writing: Patience::new(settings.body_idle_timeout),
        };
        (paced, pace)
    }

    /// Whether what should have come by now has not.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        match self.pace.0.get() {
            // Its client may still be reading; that has a patience of its own.
            Place::Resting if self.is_unflushed => false,
            Place::Resting => {
                if self.resting.poll_exhausted(cx).is_pending() {
                    return false;
                }
                self.pace.0.set(Place::Drowsy);
                self.dozing.poll_exhausted(cx).is_ready()
            }
            Place::Drowsy => self.dozing.poll_exhausted(cx).is_ready(),
            Place::InHead => self.head.poll_exhausted(cx).is_ready(),
            _ => false,
        }
    }

    /// Something has come: a rest is over, and a head is still to be finished in its own time.
    fn moved(&mut self) {
        if self.pace.rests() {
            self.pace.0.set(Place::InHead);
            self.resting.moved();
            self.dozing.moved();
            self.head.moved();
        }
    }
}

impl<IO: AsyncWrite + Unpin> Paced<IO> {
    /// One step of writing; an error once the client has taken nothing for too long.
    fn write<T>(
        &mut self,
        cx: &mut Context<'_>,
        step: impl FnOnce(Pin<&mut IO>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let polled = step(Pin::new(&mut self.io), cx);
        if polled.is_ready() {
            self.writing.moved();
            return polled;
        }
        ready!(self.writing.poll_exhausted(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client does not read",
        )))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Paced<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.io).poll_read(cx, buf);
        if polled.is_pending() {
            return if this.is_late(cx) {
                this.pace.0.set(Place::Late);
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            } else {
                Poll::Pending
            };
        }
        ready!(polled)?;
        if buf.filled().len() > before {
            this.moved();
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Paced<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.is_unflushed = true;
        this.write(cx, |io, cx| io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = this.write(cx, AsyncWrite::poll_flush);
        if polled.is_ready() {
            this.is_unflushed = false;
        }
        // A request may end with its answer's head. hyper then does not read again before something comes, so this is
        // where the time for resting begins; the next reading finds out that it is over.
        let _ = this.is_late(cx);
        polled
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().write(cx, AsyncWrite::poll_shutdown)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.is_unflushed = true;
        this.write(cx, |io, cx| io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
