//! Interim responses (RFC 9110 section 15.2) on a client's connection of HTTP/1.1.
//!
//! hyper's server can send none but `100 Continue`. So they are put beneath it, between what it writes: only while a
//! request waits for its answer, only where hyper has nothing half written, and the answer waits until they are out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is to be said on one connection before its next answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Prompter(Rc<Stage>);

#[derive(Debug, Default)]
struct Stage {
    /// Counts requests; what is said for one that is over is not heard.
    act: Cell<u64>,
    is_open: Cell<bool>,
    /// Whether there may be a line in the script; asked with every flush, and nearly always there is none.
    has_lines: Cell<bool>,
    script: RefCell<Script>,
}

#[derive(Debug, Default)]
struct Script {
    lines: VecDeque<Bytes>,
    /// The connection, which reads its script whenever hyper has written all that it had, and when there is a line.
    reader: Option<Waker>,
    /// A final answer that waits for the script's end.
    finale: Option<Waker>,
}

/// One request's leave to be answered in parts: whole interim heads, until its final answer.
#[derive(Clone, Debug)]
pub(crate) struct Interim(Option<Cue>);

#[derive(Clone, Debug)]
struct Cue {
    prompter: Prompter,
    act: u64,
}

/// A connection that speaks from its script where hyper pauses.
pub(super) struct Prompted<IO> {
    io: IO,
    prompter: Prompter,
    /// Who was named as the script's reader.
    reader: Option<Waker>,
    /// What has been begun.
    line: Bytes,
}

// === impl Prompter ===

impl Prompter {
    /// For the request that has just been read.
    pub(super) fn cue(&self) -> Interim {
        let act = self.0.act.get() + 1;
        self.0.act.set(act);
        self.0.is_open.set(true);
        let prompter = self.clone();
        Interim(Some(Cue { prompter, act }))
    }

    /// What comes next, as far as it is written.
    fn next(&self) -> Option<Bytes> {
        if !self.0.has_lines.get() {
            return None;
        }
        let mut script = self.0.script.borrow_mut();
        let next = script.lines.pop_front();
        if next.is_none() {
            self.0.has_lines.set(false);
            if let Some(finale) = script.finale.take() {
                finale.wake();
            }
        }
        next
    }
}

// === impl Interim ===

impl Interim {
    /// For a protocol or a version without them, and where they were heard already.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Whether there is anybody who might hear.
    pub(crate) fn is_possible(&self) -> bool {
        self.0.is_some()
    }

    /// A whole head. Nobody hears it once the request is over, nor while the client is far behind.
    pub(crate) fn say(&self, head: impl Into<Bytes>) {
        let Some(cue) = &self.0 else { return };
        let stage = &*cue.prompter.0;
        let mut script = stage.script.borrow_mut();
        let is_heard = stage.act.get() == cue.act && stage.is_open.get();
        if !is_heard || script.lines.len() >= MOST_LINES {
            return;
        }
        script.lines.push_back(head.into());
        stage.has_lines.set(true);
        if let Some(reader) = &script.reader {
            reader.wake_by_ref();
        }
    }

    /// Resolves once nothing stands between what was said and the final answer. Nothing is heard any more.
    pub(crate) async fn end(&self) {
        if let Some(cue) = &self.0 {
            poll_fn(|cx| cue.poll_end(cx)).await;
        }
    }
}

// === impl Cue ===

impl Cue {
    fn poll_end(&self, cx: &Context<'_>) -> Poll<()> {
        self.prompter.0.is_open.set(false);
        if !self.prompter.0.has_lines.get() {
            return Poll::Ready(());
        }
        let mut script = self.prompter.0.script.borrow_mut();
        if script.lines.is_empty() {
            return Poll::Ready(());
        }
        script.finale = Some(cx.waker().clone());
        Poll::Pending
    }
}

// === impl Prompted ===

impl<IO> Prompted<IO> {
    pub(super) fn new(io: IO, prompter: Prompter) -> Self {
        Self {
            io,
            prompter,
            reader: None,
            line: Bytes::new(),
        }
    }
}

impl<IO: AsyncWrite + Unpin> Prompted<IO> {
    /// A head that has been begun is ended before anything else is written.
    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.line.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.line))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.line.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// From now on, this task is woken when there is a line: most often it was the last time, too.
    fn attend(&mut self, cx: &Context<'_>) {
        if !self
            .reader
            .as_ref()
            .is_some_and(|reader| reader.will_wake(cx.waker()))
        {
            self.reader = Some(cx.waker().clone());
            let mut script = self.prompter.0.script.borrow_mut();
            script.reader.clone_from(&self.reader);
        }
    }

    /// hyper flushes when it has nothing left to write: whatever it wrote before is whole.
    fn poll_script(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.attend(cx);
        ready!(self.poll_line(cx))?;
        while let Some(line) = self.prompter.next() {
            self.line = line;
            ready!(self.poll_line(cx))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Prompted<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Prompted<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_line(cx))?;
        Pin::new(&mut this.io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_script(cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_line(cx))?;
        Pin::new(&mut this.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

/// Heads that wait for a client that does not read. They are hints and signs of life: the first ones say most, and those
/// beyond them are dropped.
const MOST_LINES: usize = 16;

#[cfg(test)]
mod tests;
