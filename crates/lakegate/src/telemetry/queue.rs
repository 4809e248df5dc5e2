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
        if waiting.is_closed || waiting.lines.len() + line.len() > ROOM {
            self.0.dropped.fetch_add(1, Relaxed);
            return;
        }
        let was_empty = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        waiting.count += 1;
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
            lines.clear();
            lines.shrink_to(KEPT);
        }
    }

    /// Waits for lines and for those that follow at once, and takes them all; `None` at the end.
    fn next(&self, lines: &mut Vec<u8>) -> Option<usize> {
        let stirred = &self.0.stirred;
        let waiting = stirred
            .wait_while(self.waiting(), |waiting| {
                waiting.lines.is_empty() && !waiting.is_closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        let (mut waiting, _) = stirred
            .wait_timeout_while(waiting, GATHERING, |waiting| !waiting.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut waiting.lines, lines);
        let count = std::mem::take(&mut waiting.count);
        (count > 0).then_some(count)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
