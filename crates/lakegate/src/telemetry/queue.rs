use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use super::access::Stamp;
use super::notes::{Notes, What};

/// Lines on their way to a place that may be slow. Whoever has one to tell never waits for it: what finds no room is
/// dropped and counted. Cheap to clone.
///
/// All that comes in a moment is written together. A queue that wakes its thread for every line costs a busy worker more
/// than all else that it does for a request: two switches of context where they share a core.
#[derive(Clone, Debug)]
pub(super) struct Queue(Arc<Shared>);

/// The thread that empties a [`Queue`]. Dropped, it writes what is there and ends, or is left behind where it stands.
#[derive(Debug)]
pub(super) struct Scribe {
    queue: Queue,
    /// Nothing is ever sent: the other end goes with the thread.
    ended: Receiver<()>,
}

#[derive(Debug)]
struct Shared {
    /// Held for one copy of what is left, or for the exchange of a full buffer with an empty one.
    waiting: Mutex<Waiting>,
    /// Told when there is something for a thread that sleeps, and at the end.
    stirred: Condvar,
    dropped: AtomicUsize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The last few. Memory that was written to a moment ago is still at hand: what went at once to where thousands are
    /// gathered, which nobody has touched since they last were, took its worker longer than to write it.
    fresh: Notes,
    /// All before them.
    notes: Notes,
    /// Whether nothing has come for a while, so that whoever adds something has to say so.
    is_asleep: bool,
    is_closed: bool,
}

/// What is written next.
#[derive(Debug)]
struct Page<W> {
    text: Vec<u8>,
    /// Those of which something is in it.
    lines: usize,
    /// How many bytes of a piece have been written before it.
    begun: usize,
    out: W,
}

/// How long lines may wait for others: shorter than anybody who watches a log can see.
const GATHERING: Duration = Duration::from_millis(10);

/// How long the process waits at its end for lines that nobody takes: a full pipe must not keep it alive.
const PARTING: Duration = Duration::from_secs(1);

/// What may wait to be written, in bytes: about 10,000 lines, which is some tenths of a second of a busy gateway.
const ROOM: usize = 4 * 1024 * 1024;

/// How many bytes are gathered where they are at hand: some 20 requests.
const FRESH: usize = 8 * 1024;

/// What a buffer keeps for what comes next once a burst is over, in bytes.
const KEPT: usize = 256 * 1024;

/// How many bytes of lines are written at a time: they are still at hand then. Where there are more, each piece ends where a multiple
/// of it does, in the midst of a line if need be: a pipe holds as much, and Linux keeps a file in blocks as large as what is written,
/// if that begins and ends where such a block does, and takes a third less time for it.
const PAGE: usize = 64 * 1024;

// === impl Queue ===

impl Queue {
    /// A queue before `out`, and the thread between the two.
    ///
    /// Without a thread, which the operating system may refuse, every line is dropped and counted.
    pub(super) fn before(out: impl Write + Send + 'static) -> (Self, Scribe) {
        let queue = Self(Arc::new(Shared {
            waiting: Mutex::default(),
            stirred: Condvar::new(),
            dropped: AtomicUsize::new(0),
        }));
        let (end, ended) = channel();
        let (named, source) = (
            thread::Builder::new().name("lakegate-log".to_owned()),
            queue.clone(),
        );
        if named.spawn(move || source.empty_into(out, end)).is_err() {
            queue.waiting().is_closed = true;
        }
        let scribe = Scribe {
            queue: queue.clone(),
            ended,
        };
        (queue, scribe)
    }

    /// What one more line is to be made of, and the text that belongs to it.
    pub(super) fn add(&self, what: What, text: &[u8]) {
        let mut waiting = self.waiting();
        if !waiting.has_room() {
            self.0.dropped.fetch_add(1, Relaxed);
            return;
        }
        waiting.add(what, text);
        let is_asleep = std::mem::take(&mut waiting.is_asleep);
        drop(waiting);
        if is_asleep {
            self.0.stirred.notify_one();
        }
    }

    /// One more line, whole.
    pub(super) fn add_line(&self, line: &[u8]) {
        self.add(What::Line, line);
    }

    /// Whether its thread waits to be woken.
    #[cfg(test)]
    pub(super) fn is_asleep(&self) -> bool {
        self.waiting().is_asleep
    }

    /// How many lines were dropped: there was no room, or they could not be written.
    pub(super) fn dropped(&self) -> usize {
        self.0.dropped.load(Relaxed)
    }

    fn empty_into(&self, out: impl Write, _end: Sender<()>) {
        let (mut notes, mut stamp) = (Notes::default(), Stamp::default());
        let mut page = Page::before(out);
        while self.next(&mut notes) {
            for line in notes.lines() {
                line.render(&mut stamp, &mut page.text);
                page.lines += 1;
                self.count_lost(page.write_pieces());
            }
            self.count_lost(page.write_rest());
            notes.clear(KEPT);
        }
    }

    fn count_lost(&self, written: Result<(), usize>) {
        if let Err(lost) = written {
            self.0.dropped.fetch_add(lost, Relaxed);
        }
    }

    /// Waits for something and for what follows at once, and takes it all; `false` at the end.
    ///
    /// While there is always more it looks by itself, and nobody has to wake it: it sleeps once for each time that it has written.
    fn next(&self, notes: &mut Notes) -> bool {
        let mut waiting = self.gathered(self.waiting());
        if waiting.is_empty() {
            waiting = self.gathered(self.stirred(waiting));
        }
        waiting.take(notes);
        !notes.is_empty()
    }

    /// After a while, or at the end.
    fn gathered<'a>(&self, waiting: MutexGuard<'a, Waiting>) -> MutexGuard<'a, Waiting> {
        let waited = self
            .0
            .stirred
            .wait_timeout_while(waiting, GATHERING, |waiting| !waiting.is_closed);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// When there is something, or at the end.
    fn stirred<'a>(&self, mut waiting: MutexGuard<'a, Waiting>) -> MutexGuard<'a, Waiting> {
        waiting.is_asleep = true;
        let stirred = self
            .0
            .stirred
            .wait_while(waiting, |waiting| waiting.is_asleep && !waiting.is_closed);
        stirred.unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Waiting ===

impl Waiting {
    fn has_room(&self) -> bool {
        !self.is_closed && self.notes.size() + self.fresh.size() < ROOM
    }

    fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.fresh.is_empty()
    }

    fn add(&mut self, what: What, text: &[u8]) {
        self.fresh.add(what, text);
        if self.fresh.size() >= FRESH {
            self.notes.append(&mut self.fresh);
        }
    }

    /// All of it. `notes` is empty, and used for what follows.
    fn take(&mut self, notes: &mut Notes) {
        self.notes.append(&mut self.fresh);
        std::mem::swap(&mut self.notes, notes);
    }
}

// === impl Page ===

impl<W: Write> Page<W> {
    fn before(out: W) -> Self {
        Self {
            text: Vec::new(),
            lines: 0,
            begun: 0,
            out,
        }
    }

    /// All pieces that are whole. An error is how many lines are lost.
    fn write_pieces(&mut self) -> Result<(), usize> {
        while self.begun + self.text.len() >= PAGE {
            self.write(PAGE - self.begun)?;
        }
        Ok(())
    }

    /// All that is left, in one piece. An error is how many lines are lost.
    fn write_rest(&mut self) -> Result<(), usize> {
        self.write(self.text.len())
    }

    fn write(&mut self, length: usize) -> Result<(), usize> {
        let piece = self.text.get(..length).unwrap_or_default();
        let written = self.out.write_all(piece).and_then(|()| self.out.flush());
        self.begun = (self.begun + length) % PAGE;
        let lines = std::mem::take(&mut self.lines);
        if written.is_ok() {
            self.text.drain(..length);
            // Pieces are looked for behind every line: what is left is the rest of one, and is lost if that is.
            self.lines = usize::from(!self.text.is_empty());
        } else {
            // A line may have been left half written: what follows begins on one of its own.
            self.text.clear();
            self.text.push(b'\n');
        }
        written.map_err(|_| lines)
    }
}

/// One event is one `write`: that is how `tracing_subscriber` hands them over.
impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add_line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

// === impl Scribe ===

impl Drop for Scribe {
    fn drop(&mut self) {
        self.queue.waiting().is_closed = true;
        self.queue.0.stirred.notify_one();
        // An error either way: the thread has ended, or nobody waits for it any longer.
        let _ = self.ended.recv_timeout(PARTING);
    }
}
