//! The data plane: one thread per worker, one for the listeners. The control plane (token exchange, keys, the admin
//! listener) is the caller's, and everything here only waits for it.

mod post;

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use identity::{Clock, Verifier};
use tokio::runtime::{Builder, LocalOptions, RuntimeMetrics};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;

use crate::accept::{Crowd, Desk, Usher, Worker, accept_all};
use crate::counters::{Counters, CountersSnapshot};
use crate::drain::{Drain, Tasks};
use crate::journey::Rules;
use crate::limits::Places;
use crate::observe::AccessSink;
use crate::share::Shares;
use crate::{Drained, Listener, Routes, Settings, Swap};
use post::{Post, Shared};

/// A gateway that is ready to be started. `S` swaps a verified identity for a token: [`exchange::Exchange`], or a test's own.
///
/// A cheap clone. One that was started can be told to go on as another: [`Gateway::go_on_as`].
#[derive(Clone)]
pub struct Gateway<S> {
    orders: Orders<S>,
    sink: Arc<dyn AccessSink>,
    /// Where its workers look for newer ones, once it was started.
    given: watch::Sender<Orders<S>>,
}

/// All that decides over requests, of which each worker makes what it needs.
#[derive(Clone)]
struct Orders<S> {
    rules: Arc<Rules<Arc<Routes>>>,
    swap: S,
    settings: Arc<Settings>,
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

/// A worker that has begun.
struct Started {
    end: oneshot::Receiver<Drained>,
    desk: Desk,
    work: Work,
}

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
        let orders = Orders {
            rules: Arc::new(rules),
            swap,
            settings: Arc::new(settings),
        };
        Self {
            given: watch::Sender::new(orders.clone()),
            orders,
            sink,
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
            let shared = Shared {
                counters: Arc::default(),
                tasks: Tasks::default(),
                places: places.clone(),
                crowd: crowd.clone(),
            };
            let started = self.start_worker(number, shared, drain.clone())?;
            ends.push(started.end);
            desks.push(started.desk);
            tally.push(started.work);
        }
        let usher = Usher {
            desks: desks.into(),
            places: Arc::new(Semaphore::new(self.orders.settings.max_connections)),
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
        self.given.send_replace(next.orders.clone());
        Self {
            orders: next.orders,
            ..self
        }
    }

    /// All that a worker has is made on its own thread, which it never leaves.
    fn start_worker(&self, number: usize, shared: Shared, drain: Drain) -> io::Result<Started> {
        let (worker, desk) = Worker::new();
        let (told, end) = oneshot::channel();
        let (begins, begun) = mpsc::sync_channel(1);
        let (sink, given) = (Arc::clone(&self.sink), self.given.clone());
        let counters = Arc::clone(&shared.counters);
        thread(format!("worker-{number}"), move || {
            let runtime = match runtime().build_local(LocalOptions::default()) {
                Ok(runtime) => runtime,
                Err(error) => return drop(begins.send(Err(error))),
            };
            let tasks = shared.tasks.clone();
            let post = Post::new(number, shared, sink, given);
            // Whoever starts it waits for this.
            let _ = begins.send(Ok(runtime.metrics()));
            let drained = runtime.block_on(worker.run(post, tasks, drain));
            // Nobody waits where the gateway was dropped.
            let _ = told.send(drained);
        })?;
        let runtime = begun.recv().map_err(io::Error::other)??;
        let work = Work { counters, runtime };
        Ok(Started { end, desk, work })
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
    let runtime = runtime().build()?;
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

fn runtime() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().event_interval(TURN);
    builder
}

fn thread(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name).spawn(work).map(drop)
}

/// After so many tasks at the latest, a worker asks the kernel what else has come.
///
/// What they have to say goes out together when all have had their turn (`socket::outbox`): tokio's own 61 would part them, and
/// whoever receives it be woken the more often. At some 8 us each, it still is within about two milliseconds.
const TURN: u32 = 256;
