use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines on their way to a place that may be slow. Whoever adds one never waits for it: a line that finds no room is
/// dropped and counted. Cheap to clone.
///
/// All lines of a moment go out in one write. A queue that wakes its thread for every line costs a busy worker more
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
    /// Held for one copy of a line, or for the exchange of a full buffer with an empty one.
    waiting: Mutex<Waiting>,
    /// Told when there is something where there was nothing, and at the end.
    stirred: Condvar,
    dropped: AtomicUsize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The last few. Memory that was written to a moment ago is still at hand: a line that went at once to where thousands are
    /// gathered, which nobody has touched since they last were, took its worker longer than to write it.
    fresh: Vec<u8>,
    /// All before them.
    lines: Vec<u8>,
    count: usize,
    is_closed: bool,
}

/// How long lines may wait for others: shorter than anybody who watches a log can see.
const GATHERING: Duration = Duration::from_millis(10);

/// How long the process waits at its end for lines that nobody takes: a full pipe must not keep it alive.
const PARTING: Duration = Duration::from_secs(1);

/// What may wait to be written, in bytes: about 8,000 lines, which is some tenths of a second of a busy gateway.
const ROOM: usize = 4 * 1024 * 1024;

/// How many bytes are gathered where they are at hand: some 20 lines.
const FRESH: usize = 8 * 1024;

/// What a buffer keeps for the next lines once a burst is over, in bytes.
const KEPT: usize = 256 * 1024;

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

    /// One more line, whole.
    pub(super) fn add(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if !waiting.has_room_for(line) {
            self.0.dropped.fetch_add(1, Relaxed);
            return;
        }
        let was_empty = waiting.count == 0;
        waiting.add(line);
        drop(waiting);
        if was_empty {
            self.0.stirred.notify_one();
        }
    }

    /// How many lines were dropped: there was no room, or they could not be written.
    pub(super) fn dropped(&self) -> usize {
        self.0.dropped.load(Relaxed)
    }

    fn empty_into(&self, mut out: impl Write, _end: Sender<()>) {
        let mut lines = Vec::new();
        while let Some(count) = self.next(&mut lines) {
            if out.write_all(&lines).and_then(|()| out.flush()).is_err() {
                self.0.dropped.fetch_add(count, Relaxed);
            }
            // A burst that lasts needs the room again at once.
            if lines.len() <= KEPT {
                lines.shrink_to(KEPT);
            }
            lines.clear();
        }
    }

    /// Waits for lines and for those that follow at once, and takes them all; `None` at the end.
    fn next(&self, lines: &mut Vec<u8>) -> Option<usize> {
        let stirred = &self.0.stirred;
        let waiting = stirred
            .wait_while(self.waiting(), |waiting| waiting.count == 0 && !waiting.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        let (mut waiting, _) = stirred
            .wait_timeout_while(waiting, GATHERING, |waiting| !waiting.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        let count = waiting.take(lines);
        (count > 0).then_some(count)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Waiting ===

impl Waiting {
    fn has_room_for(&self, line: &[u8]) -> bool {
        !self.is_closed && self.lines.len() + self.fresh.len() + line.len() <= ROOM
    }

    fn add(&mut self, line: &[u8]) {
        if self.fresh.len() + line.len() > FRESH {
            self.lines.append(&mut self.fresh);
        }
        self.fresh.extend_from_slice(line);
        self.count += 1;
    }

    /// All of them, and how many they are. `lines` is empty, and used for those that follow.
    fn take(&mut self, lines: &mut Vec<u8>) -> usize {
        self.lines.append(&mut self.fresh);
        std::mem::swap(&mut self.lines, lines);
        std::mem::take(&mut self.count)
    }
}

/// One event is one `write`: that is how `tracing_subscriber` hands them over.
impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(line);
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
