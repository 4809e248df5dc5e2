use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll, Waker, ready};

use rustix::net::{SendFlags, send};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

/// The way out of one connection, as its worker's outbox knows it.
pub(super) struct Line {
    /// `None` only while it is dropped.
    half: Option<OwnedWriteHalf>,
    /// How many of its letters lie in the outbox.
    posted: Cell<usize>,
    jam: RefCell<Option<Jam>>,
}

/// What stands between the next byte and the kernel.
enum Jam {
    /// Bytes that it did not take at once; nothing is written behind them before they have gone.
    Left {
        rest: Box<[u8]>,
        sent: usize,
        owner: Option<Waker>,
    },
    /// The connection has ended.
    Broken(ErrorKind),
}

/// What has become of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is out, or never will be; or it waits behind another one.
    Done,
    /// The rest of it has to be sent, once the kernel takes more: [`Line::poll_rest`].
    InPart,
}

// === impl Line ===

impl Line {
    pub(super) fn new(half: OwnedWriteHalf) -> Self {
        Self {
            half: Some(half),
            posted: Cell::new(0),
            jam: RefCell::default(),
        }
    }

    /// Whether something of it lies in the outbox.
    pub(super) fn has_posted(&self) -> bool {
        self.posted.get() > 0
    }

    pub(super) fn posted(&self) {
        self.posted.update(|posted| posted + 1);
    }

    /// Until all that was taken out of the outbox is the kernel's.
    pub(super) fn poll_clear(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.jam.borrow_mut() {
            None => Poll::Ready(Ok(())),
            Some(Jam::Broken(kind)) => Poll::Ready(Err((*kind).into())),
            Some(Jam::Left { owner, .. }) => {
                *owner = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Sends one letter, which is no longer in the outbox. An error is told to whoever writes next; whoever reads finds it out by
    /// that.
    pub(super) fn send(&self, letter: &[u8]) -> Sent {
        self.posted.update(|posted| posted.saturating_sub(1));
        if self.jam.borrow().is_some() {
            self.add(letter);
            return Sent::Done;
        }
        let sent = match self.try_write(letter) {
            Ok(sent) if sent == letter.len() => return Sent::Done,
            Ok(sent) => sent,
            Err(error) if is_passing(&error) => 0,
            Err(error) => {
                self.break_off(error.kind());
                return Sent::Done;
            }
        };
        let rest = letter.get(sent..).unwrap_or_default().into();
        let (sent, owner) = (0, None);
        self.jam.replace(Some(Jam::Left { rest, sent, owner }));
        Sent::InPart
    }

    /// Sends what was left of a letter. Ready when nothing is left, or the connection has ended.
    pub(super) fn poll_rest(&self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match ready!(self.poll_ready(cx)).and_then(|()| self.try_rest()) {
                Ok(sent) if self.has_gone(sent) => return Poll::Ready(()),
                Ok(_) => {}
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    self.break_off(error.kind());
                    return Poll::Ready(());
                }
            }
        }
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()
            .map_or(Poll::Ready(Err(GONE.into())), |tcp| tcp.poll_write_ready(cx))
    }

    fn try_rest(&self) -> io::Result<usize> {
        match &*self.jam.borrow() {
            Some(Jam::Left { rest, sent, .. }) => self.try_write(rest.get(*sent..).unwrap_or_default()),
            Some(Jam::Broken(kind)) => Err((*kind).into()),
            None => Ok(0),
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let tcp = self.tcp().ok_or(GONE)?;
        let sent = tcp.try_io(Interest::WRITABLE, || Ok(send(tcp, bytes, QUIETLY)?));
        match sent? {
            0 if !bytes.is_empty() => Err(ErrorKind::WriteZero.into()),
            written => Ok(written),
        }
    }

    /// So much more of the rest is out. Whether that was all; its owner can go on then.
    fn has_gone(&self, more: usize) -> bool {
        let mut jam = self.jam.borrow_mut();
        if let Some(Jam::Left { rest, sent, .. }) = &mut *jam {
            *sent += more;
            if *sent < rest.len() {
                return false;
            }
        }
        let over = jam.take();
        drop(jam);
        wake(over);
        true
    }

    fn break_off(&self, kind: ErrorKind) {
        let before = self.jam.replace(Some(Jam::Broken(kind)));
        wake(before);
    }

    /// One letter that comes behind what is left of another.
    fn add(&self, letter: &[u8]) {
        if let Some(Jam::Left { rest, .. }) = &mut *self.jam.borrow_mut() {
            *rest = [rest, letter].concat().into();
        }
    }

    fn tcp(&self) -> Option<&TcpStream> {
        self.half.as_ref().map(AsRef::as_ref)
    }
}

impl Drop for Line {
    /// A half that is dropped ends its direction by itself, which is a system call more for each connection; the other half's end is
    /// the end of both.
    fn drop(&mut self) {
        if let Some(half) = self.half.take() {
            half.forget();
        }
    }
}

/// What has not gone out may hold a workspace's token.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// Whether the kernel will take it later.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn wake(jam: Option<Jam>) {
    if let Some(Jam::Left {
        owner: Some(owner), ..
    }) = jam
    {
        owner.wake();
    }
}

const GONE: ErrorKind = ErrorKind::NotConnected;

/// To somebody who has gone there is no signal: Apple's systems are told that once for each socket, by whoever made it.
#[cfg(not(target_vendor = "apple"))]
const QUIETLY: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const QUIETLY: SendFlags = SendFlags::empty();
