//! The data plane: one thread per worker, one for the listeners. The control plane (token exchange, keys, the admin
//! listener) is the caller's, and everything here only waits for it.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use exchange::{AccessToken, ExchangeError, ExchangeRequest};
use http::{Request, Response};
use hyper::body::Incoming;
use identity::{Clock, Verifier};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tower::Service;

use crate::accept::{Crowd, Desk, Peer, Serve, Worker, accept_all};
use crate::body::RequestBody;
use crate::bootstrap::Question;
use crate::counters::{Counters, CountersSnapshot};
use crate::drain::{Drain, Tasks};
use crate::forward::Upstream;
use crate::journey::{Journey, Rules};
use crate::limits::{self, Places};
use crate::linger::Lingering;
use crate::observe::{AccessSink, Observed, Observer, Trail, Unread};
use crate::share::Shares;
use crate::{Drained, Failure, Listener, Routes, Settings};

/// A gateway that is ready to be started. `S` swaps a verified identity for a token: [`exchange::Exchange`], or a test's own.
#[derive(Clone)]
pub struct Gateway<S> {
    rules: Arc<Rules>,
    swap: S,
    settings: Arc<Settings>,
    sink: Arc<dyn AccessSink>,
    places: Places,
    crowd: Crowd,
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
pub struct Tally(Arc<[Arc<Counters>]>);

/// One worker's part of the gateway.
struct Post<S>(Arc<Duty<S>>);

struct Duty<S> {
    journey: Journey<S, Upstream>,
    upstream: Upstream,
    observer: Observer,
    counters: Arc<Counters>,
    tasks: Tasks,
    settings: Arc<Settings>,
    places: Places,
    crowd: Crowd,
    /// Those of all workers, with the one that sweeps them.
    swept: Option<Arc<Shares>>,
}

// === impl Gateway ===

impl<S> Gateway<S>
where
    S: Service<ExchangeRequest, Response = AccessToken, Error = ExchangeError>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
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
            places: Places::new(settings.max_requests_in_flight),
            crowd: Crowd::new(settings.max_connections_per_client),
            settings: Arc::new(settings),
            sink,
        }
    }

    /// Serves `listeners` on `workers` threads until it is drained or dropped.
    ///
    /// # Errors
    /// When the operating system gives no thread or no event queue.
    pub fn start(&self, listeners: Vec<Listener>, workers: NonZeroUsize) -> io::Result<Running> {
        let drain = Drain::default();
        let (mut desks, mut ends, mut tally) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..workers.get() {
            let counters = Arc::<Counters>::default();
            let (end, desk) = self.start_worker(number, Arc::clone(&counters), drain.clone())?;
            tally.push(counters);
            ends.push(end);
            desks.push(desk);
        }
        start_acceptor(
            listeners,
            desks.into(),
            self.settings.max_connections,
            drain.clone(),
        )?;
        Ok(Running {
            drain,
            tally: Tally(tally.into()),
            ends,
        })
    }

    fn start_worker(
        &self,
        number: usize,
        counters: Arc<Counters>,
        drain: Drain,
    ) -> io::Result<(oneshot::Receiver<Drained>, Desk)> {
        let (worker, desk) = Worker::new();
        let (told, end) = oneshot::channel();
        let tasks = Tasks::default();
        let post = self.post(number, counters, &tasks);
        let runtime = runtime()?;
        thread(format!("worker-{number}"), move || {
            let drained = runtime.block_on(worker.run(post, tasks, drain));
            // Nobody waits where the gateway was dropped.
            let _ = told.send(drained);
        })?;
        Ok((end, desk))
    }

    fn post(&self, number: usize, counters: Arc<Counters>, tasks: &Tasks) -> Post<S> {
        let workspaces = self.rules.routes.workspaces().len();
        let upstream = Upstream::new(workspaces, &self.settings, Arc::clone(&counters), tasks.clone());
        let journey = Journey::new(Arc::clone(&self.rules), self.swap.clone(), upstream.clone());
        let observer = Observer::new(Arc::clone(&counters), Arc::clone(&self.sink), random());
        Post(Arc::new(Duty {
            journey,
            upstream,
            observer,
            counters,
            tasks: tasks.clone(),
            settings: Arc::clone(&self.settings),
            places: self.places.clone(),
            crowd: self.crowd.clone(),
            swept: self.rules.shares.clone().filter(|_| number == 0),
        }))
    }
}

// === impl Running ===

impl Running {
    /// What all workers have done until now.
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Stops to accept, closes idle connections, and lets what is in flight finish for `patience`.
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
        let readings = self.0.iter().map(|counters| counters.read());
        readings.fold(CountersSnapshot::default(), |sum, reading| sum.plus(&reading))
    }
}

// === impl Post ===

impl<S> Clone for Post<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Serve for Post<S>
where
    S: Service<ExchangeRequest, Response = AccessToken, Error = ExchangeError>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    async fn serve(&self, request: Request<Incoming>, from: Peer) -> Response<Observed> {
        let duty = &self.0;
        let request = Lingering::new(request, &duty.tasks).map(|body| RequestBody::new(body, &duty.settings));
        let mut trail = Box::new(duty.observer.watch(&request, from.address, from.secure));
        let interim = from.interim(request.version());
        let journey = match duty.enter(&request, &mut trail) {
            Ok(()) => unharmed(pin!(duty.journey.travel(request, &interim, &mut trail))).await,
            Err(failure) => Err(failure),
        };
        interim.end().await;
        let patience = duty.settings.tunnel_idle_timeout;
        let (head, body) = trail.answer(journey).into_parts();
        Response::from_parts(head, Observed::new(body, trail, from, patience))
    }

    fn admit(&self) -> impl Send + 'static {
        Admitted::new(Arc::clone(&self.0.counters))
    }

    fn crowd(&self) -> &Crowd {
        &self.0.crowd
    }

    fn turned_away(&self) {
        self.0.counters.connection_refused();
    }

    fn refused(&self, client: SocketAddr, why: Unread) {
        self.0.observer.refused(client, why);
    }

    fn sweep(&self) {
        self.0.upstream.close_idle();
        if let Some(shares) = &self.0.swept {
            shares.sweep();
        }
    }
}

// === impl Duty ===

impl<S> Duty<S> {
    /// Whether this request may set out at all. A free place first: who cannot be served should cost least.
    fn enter(&self, request: &Request<RequestBody>, trail: &mut Trail) -> Result<(), Failure> {
        match (self.places.take(), Question::asked(request.uri().path())) {
            (Ok(place), _) => trail.admitted(place),
            (Err(_), Some(question)) => question.ask_when_full()?,
            (Err(full), None) => return Err(full),
        }
        limits::check(request, &self.settings)
    }
}

/// A journey whose panic is its own failure, not that of the connection and of the other requests on it.
///
/// Unwinding leaves nothing half done that others see: what a journey shares is counters, caches and locks that are good
/// after every line. The panic's text may hold what the request held, so nothing is made of it here.
async fn unharmed<T>(mut journey: Pin<&mut impl Future<Output = Result<T, Failure>>>) -> Result<T, Failure> {
    poll_fn(|cx| {
        let poll = AssertUnwindSafe(|| journey.as_mut().poll(cx));
        catch_unwind(poll).unwrap_or(Poll::Ready(Err(Failure::Internal)))
    })
    .await
}

/// Counts a connection for as long as it lives.
struct Admitted(Arc<Counters>);

impl Admitted {
    fn new(counters: Arc<Counters>) -> Self {
        counters.connection_opened();
        Self(counters)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}

/// All listeners share a thread: accepting is short, and a busy worker must not delay it.
fn start_acceptor(
    listeners: Vec<Listener>,
    desks: Arc<[Desk]>,
    max_connections: usize,
    drain: Drain,
) -> io::Result<()> {
    let runtime = runtime()?;
    let places = Arc::new(Semaphore::new(max_connections));
    thread("acceptor".to_owned(), move || {
        runtime.block_on(async move {
            let mut all: JoinSet<io::Result<()>> = JoinSet::new();
            for listener in listeners {
                all.spawn(accept_all(
                    listener,
                    Arc::clone(&desks),
                    Arc::clone(&places),
                    drain.clone(),
                ));
            }
            while all.join_next().await.is_some() {}
        });
    })
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn thread(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name).spawn(work).map(drop)
}

/// From the seed of the standard library's hash maps, which the operating system gives: no secret, only unlikely to
/// come twice.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::thread::current().id())
}
