//! The data plane: one thread per worker, one for the listeners. The control plane (token exchange, keys, the admin
//! listener) is the caller's, and everything here only waits for it.

mod post;

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use identity::{Clock, Verifier};
use tokio::runtime::{Builder, Runtime, RuntimeMetrics};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use crate::accept::{Crowd, Desk, Usher, Worker, accept_all};
use crate::counters::{Counters, CountersSnapshot};
use crate::drain::{Drain, Tasks};
use crate::journey::Rules;
use crate::limits::Places;
use crate::observe::AccessSink;
use crate::share::Shares;
use crate::{Drained, Listener, Routes, Settings, Swap};
use post::{Post, Shared, Standing};

/// A gateway that is ready to be started. `S` swaps a verified identity for a token: [`exchange::Exchange`], or a test's own.
///
/// A cheap clone. One that was started can be told to go on as another: [`Gateway::go_on_as`].
#[derive(Clone)]
pub struct Gateway<S> {
    rules: Arc<Rules>,
    swap: S,
    settings: Arc<Settings>,
    sink: Arc<dyn AccessSink>,
    /// Its workers, once it was started, for as long as they work.
    workers: Arc<Mutex<Vec<Weak<Standing<S>>>>>,
}

/// A gateway that serves. Dropped, it cuts what is in flight; [`Running::drain`] lets it finish.
#[derive(Debug)]
pub struct Running {
    drain: Drain,
    tally: Tally,
    ends: Vec<oneshot::Receiver<Drained>>,
}

/// What all workers have done until now. Cheap to clone; outlives the gateway.
#[derive(Clone, Debug)]
pub struct Tally(Arc<[Work]>);

/// Where one worker's doings are read.
#[derive(Debug)]
struct Work {
    counters: Arc<Counters>,
    runtime: RuntimeMetrics,
}

// === impl Gateway ===

impl<S: Swap> Gateway<S> {
    /// `routes` says where to, `verifier` who, and `swap` gives the token; `sink` is told of every request.
    pub fn new(
        routes: Arc<Routes>,
        verifier: Verifier,
        swap: S,
        settings: Settings,
        sink: Arc<dyn AccessSink>,
    ) -> Self {
        let audiences = settings.audiences.clone();
        let rules = Rules {
            routes,
            verifier,
            clock: Clock::system(),
            audiences,
            forwarded: settings.forwarded,
            max_headers: settings.max_headers,
            credentials: settings.credentials.clone(),
            shares: settings.share.map(|share| Arc::new(Shares::new(share))),
        };
        Self {
            rules: Arc::new(rules),
            swap,
            settings: Arc::new(settings),
            sink,
            workers: Arc::default(),
        }
    }

    /// Serves `listeners` on `workers` threads until it is drained or dropped.
    ///
    /// # Errors
    /// When the operating system gives no thread or no event queue.
    pub fn start(&self, listeners: Vec<Listener>, workers: NonZeroUsize) -> io::Result<Running> {
        let drain = Drain::default();
        let (places, crowd) = (Places::default(), Crowd::default());
        let (mut desks, mut ends, mut tally) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..workers.get() {
            let counters = Arc::<Counters>::default();
            let runtime = runtime()?;
            tally.push(Work {
                counters: Arc::clone(&counters),
                runtime: runtime.metrics(),
            });
            let shared = Shared {
                counters,
                tasks: Tasks::default(),
                places: places.clone(),
                crowd: crowd.clone(),
            };
            let (end, desk) = self.start_worker(number, runtime, shared, drain.clone())?;
            ends.push(end);
            desks.push(desk);
        }
        let usher = Usher {
            desks: desks.into(),
            places: Arc::new(Semaphore::new(self.settings.max_connections)),
            drain: drain.clone(),
        };
        start_acceptor(listeners, usher)?;
        Ok(Running {
            drain,
            tally: Tally(tally.into()),
            ends,
        })
    }

    /// From the next request on, all that decides over requests is `next`'s: routes, verification, tokens, limits and times. A
    /// request that has begun ends as it began, and a connection keeps its limits.
    ///
    /// Connections to workspaces that stay where they are stay open. Listeners, workers, the number of connections and whoever is
    /// told of requests remain this gateway's. What is returned is the gateway that serves now; of this one nothing is needed any
    /// more.
    #[must_use]
    pub fn go_on_as(self, next: Self) -> Self {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for standing in workers.iter().filter_map(Weak::upgrade) {
            standing.go_on_as(&next.rules, &next.swap, &next.settings);
        }
        drop(workers);
        Self {
            sink: self.sink,
            workers: self.workers,
            ..next
        }
    }

    fn start_worker(
        &self,
        number: usize,
        runtime: Runtime,
        shared: Shared,
        drain: Drain,
    ) -> io::Result<(oneshot::Receiver<Drained>, Desk)> {
        let (worker, desk) = Worker::new();
        let (told, end) = oneshot::channel();
        let tasks = shared.tasks.clone();
        let post = self.post(number, shared);
        thread(format!("worker-{number}"), move || {
            let drained = runtime.block_on(worker.run(post, tasks, drain));
            // Nobody waits where the gateway was dropped.
            let _ = told.send(drained);
        })?;
        Ok((end, desk))
    }

    fn post(&self, number: usize, shared: Shared) -> Post<S> {
        let sink = Arc::clone(&self.sink);
        let standing = Standing::new(number, shared, sink, &self.rules, &self.swap, &self.settings);
        let standing = Arc::new(standing);
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.push(Arc::downgrade(&standing));
        Post(standing)
    }
}

// === impl Running ===

impl Running {
    /// What all workers have done until now.
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Asks clients of HTTP/1.1 with every answer to leave its connection, and serves on: what follows a kept connection to a
    /// gateway that ends is a request that nobody reads.
    pub fn lead_away(&self) {
        self.drain.lead_away();
    }

    /// Stops to accept, serves whoever has connected until then once more, closes idle connections, and lets what is in
    /// flight finish for `patience`.
    pub async fn drain(mut self, patience: Duration) -> Drained {
        self.drain.start(patience);
        let mut drained = Drained::Completely;
        for end in std::mem::take(&mut self.ends) {
            // A worker that is gone without a word has panicked; what it had is cut.
            drained = drained.and(end.await.unwrap_or(Drained::Cut(0)));
        }
        drained
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.drain.start(Duration::ZERO);
    }
}

// === impl Tally ===

impl Tally {
    /// The sum over all workers.
    pub fn read(&self) -> CountersSnapshot {
        let readings = self.0.iter().map(|work| work.counters.read());
        readings.fold(CountersSnapshot::default(), |sum, reading| sum.plus(&reading))
    }

    /// The tasks of all workers now: one for each client connection, and for what streams, bodies and tunnels take beside.
    pub fn tasks(&self) -> usize {
        // But for the one of each worker that sends what the others have posted.
        let tasks = self
            .0
            .iter()
            .map(|work| work.runtime.num_alive_tasks().saturating_sub(1));
        tasks.sum()
    }
}

/// All listeners share a thread: accepting is short, and a busy worker must not delay it.
fn start_acceptor(listeners: Vec<Listener>, usher: Usher) -> io::Result<()> {
    let runtime = runtime()?;
    thread("acceptor".to_owned(), move || {
        runtime.block_on(async move {
            let mut all: JoinSet<io::Result<()>> = JoinSet::new();
            for listener in listeners {
                all.spawn(accept_all(listener, usher.clone()));
            }
            // Each has its own, and the last one that is done lets the workers go.
            drop(usher);
            while all.join_next().await.is_some() {}
        });
    })
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .event_interval(TURN)
        .build()
}

fn thread(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name).spawn(work).map(drop)
}

/// After so many tasks at the latest, a worker asks the kernel what else has come.
///
/// What they have to say goes out together when all have had their turn (`socket::outbox`): tokio's own 61 would part them, and
/// whoever receives it be woken the more often. At some 8 us each, it still is within about two milliseconds.
const TURN: u32 = 256;
