use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::watch;

use super::Orders;
use crate::accept::{Crowd, Peer, Serve};
use crate::body::RequestBody;
use crate::bootstrap::Question;
use crate::counters::Counters;
use crate::drain::Tasks;
use crate::forward::Upstream;
use crate::journey::{Journey, Rules};
use crate::limits::{self, Places};
use crate::linger::Lingering;
use crate::observe::{AccessSink, Observed, Observer, Trail, Unread};
use crate::share::Shares;
use crate::{Failure, Routes, Settings, Swap};

/// One worker's part of the gateway. It never leaves its worker's thread, nor does anything that it hands out: so nothing in it has to be
/// locked or counted for others.
pub(super) struct Post<S>(Rc<Standing<S>>);

/// What a worker has for as long as it works, and its duty of the moment.
struct Standing<S> {
    /// Looked at once for each request.
    duty: RefCell<Rc<Duty<S>>>,
    orders: RefCell<watch::Receiver<Orders<S>>>,
    /// Held, so that the last ones are found as well when whoever gave them has gone.
    _given: watch::Sender<Orders<S>>,
    observer: Observer,
    shared: Shared,
    /// One worker does for all what need not be done by each.
    is_first: bool,
}

/// What a worker shares with others, or outlives.
pub(super) struct Shared {
    pub(super) counters: Arc<Counters>,
    pub(super) tasks: Tasks,
    pub(super) places: Places,
    pub(super) crowd: Crowd,
}

/// What decides over a request.
struct Duty<S> {
    journey: Journey<S, Upstream>,
    upstream: Upstream,
    settings: Arc<Settings>,
    shares: Option<Arc<Shares>>,
}

// === impl Standing ===

impl<S: Swap> Standing<S> {
    /// What holds now. Orders are looked for by each request, so that the first one after them already follows them.
    fn duty(&self) -> Rc<Duty<S>> {
        // Never an error, as long as this holds the other end.
        if self.orders.borrow().has_changed().unwrap_or(false) {
            self.follow();
        }
        Rc::clone(&self.duty.borrow())
    }

    fn follow(&self) {
        let mut orders = self.orders.borrow_mut();
        let duty = Duty::new(&self.duty.borrow().upstream, &orders.borrow_and_update());
        self.duty.replace(Rc::new(duty));
    }
}

// === impl Duty ===

impl<S: Swap> Duty<S> {
    /// With the connections of `before`, as far as they lead to where these rules do.
    fn new(before: &Upstream, orders: &Orders<S>) -> Self {
        let Orders {
            rules,
            swap,
            settings,
        } = orders;
        let rules = for_one_worker(rules);
        let upstream = before.for_workspaces(rules.routes.workspaces(), settings);
        let shares = rules.shares.clone();
        Self {
            journey: Journey::new(rules, swap.for_one_worker(), upstream.clone()),
            upstream,
            settings: Arc::clone(settings),
            shares,
        }
    }
}

/// The same rules, over workspaces that no other worker holds.
fn for_one_worker(rules: &Rules<Arc<Routes>>) -> Rules {
    Rules {
        routes: rules.routes.for_one_worker(),
        verifier: rules.verifier.clone(),
        clock: rules.clock.clone(),
        audiences: rules.audiences.clone(),
        forwarded: rules.forwarded,
        max_headers: rules.max_headers,
        credentials: rules.credentials.clone(),
        shares: rules.shares.clone(),
    }
}

// === impl Post ===

impl<S: Swap> Post<S> {
    /// For the worker of this number, on its own thread.
    pub(super) fn new(
        number: usize,
        shared: Shared,
        sink: Arc<dyn AccessSink>,
        given: watch::Sender<Orders<S>>,
    ) -> Self {
        let mut orders = given.subscribe();
        let nowhere = Upstream::new(Arc::clone(&shared.counters), shared.tasks.clone());
        let duty = Duty::new(&nowhere, &orders.borrow_and_update());
        let (counters, places) = (Arc::clone(&shared.counters), shared.places.clone());
        Self(Rc::new(Standing {
            duty: RefCell::new(Rc::new(duty)),
            orders: RefCell::new(orders),
            _given: given,
            observer: Observer::new(counters, places, sink, random()),
            shared,
            is_first: number == 0,
        }))
    }
}

impl<S> Clone for Post<S> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<S: Swap> Serve for Post<S> {
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.0.duty().settings)
    }

    /// What there is to be done at once is done before the future, which has room for each shape that a request has had in it.
    fn serve(&self, request: Request<Incoming>, from: Peer) -> impl Future<Output = Response<Observed>> {
        let (standing, duty) = (&self.0, self.0.duty());
        // Boxed: the journey and what is around it would have room for it both.
        let request = Box::new(
            Lingering::new(request, &standing.shared.tasks)
                .map(|body| RequestBody::new(body, &duty.settings)),
        );
        let mut trail = Box::new(standing.observer.watch(&request, from.address, from.secure));
        let interim = from.interim(request.version());
        async move {
            let journey = 'entered: {
                // Not a `match`, which would hold what it matches for as long as the journey lasts.
                if let Err(failure) = enter(&request, &duty.settings, &mut trail) {
                    break 'entered Err(failure);
                }
                let token = from.last_token();
                let journey = duty.journey.travel(request, &interim, token, &mut trail);
                unharmed(pin!(journey)).await
            };
            interim.end().await;
            let patience = duty.settings.tunnel_idle_timeout;
            let (head, body) = trail.answer(journey).into_parts();
            Response::from_parts(head, Observed::new(body, trail, from, patience))
        }
    }

    fn admit(&self) -> impl Sized + 'static {
        Admitted::new(Arc::clone(&self.0.shared.counters))
    }

    fn crowd(&self) -> &Crowd {
        &self.0.shared.crowd
    }

    fn turned_away(&self) {
        self.0.shared.counters.connection_refused();
    }

    fn refused(&self, client: SocketAddr, why: Unread) {
        self.0.observer.refused(client, why);
    }

    /// Follows new orders as well, so that what was before is let go of though no request comes.
    fn sweep(&self) {
        let duty = self.0.duty();
        duty.upstream.close_idle();
        if let Some(shares) = duty.shares.as_ref().filter(|_| self.0.is_first) {
            shares.sweep();
        }
    }
}

/// Whether this request may set out at all. A free place first: who cannot be served should cost least.
fn enter(request: &Request<RequestBody>, settings: &Settings, trail: &mut Trail) -> Result<(), Failure> {
    let place = trail.admit(settings.max_requests_in_flight);
    match (place, Question::asked(request.uri().path())) {
        (Ok(()), _) => {}
        (Err(_), Some(question)) => question.ask_when_full()?,
        (Err(full), None) => return Err(full),
    }
    limits::check(request, settings)
}

/// A journey whose panic is its own failure, not that of the connection and of the other requests on it.
///
/// Unwinding leaves nothing half done that others see: what a journey shares is counters, caches and cells that are good
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

/// From the seed of the standard library's hash maps, which the operating system gives: no secret, only unlikely to
/// come twice.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::thread::current().id())
}

#[cfg(test)]
mod tests {
    use exchange::{Exchange, TokenExchange};

    use super::*;

    /// Of what `f` would return.
    fn size_of_returned<A, B, C, T>(_: impl FnOnce(A, B, C) -> T) -> usize {
        size_of::<T>()
    }

    /// What requests in flight hold is to stay in the processor's second cache: 312 bytes less took 1.3 % off a request at 64
    /// connections. Its size with a new compiler may be another one, and then stands here.
    #[test]
    fn a_request_in_flight_holds_little() {
        let serve = |post: &'static Post<Exchange<TokenExchange>>, request, from| post.serve(request, from);
        let (future, trail) = (size_of_returned(serve), size_of::<Trail>());
        assert!(future <= 840 && trail <= 368, "{future} and {trail} bytes");
    }
}
