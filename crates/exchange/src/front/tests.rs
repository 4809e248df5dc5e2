use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Mutex;
use std::task::Waker;

use identity::{Expiry, UnixTime};
use tokio::sync::Semaphore;
use tower::{Service, service_fn};

use super::*;
use crate::testing::{Callers, grant, http, service_principal};
use crate::{Denial, FederationPolicy, Outage, Scope, TokenEndpoint};

mod crowd;
mod expiry;
mod failures;
mod keys;
mod log;
mod overlap;
mod refused;
mod single_flight;

/// What stands in the place of the token endpoint: it counts who came, and holds the answers back while it is shut.
#[derive(Clone)]
struct Endpoint {
    came: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
}

// === impl Endpoint ===

impl Endpoint {
    fn open() -> Self {
        Self::with_permits(Semaphore::MAX_PERMITS)
    }

    fn shut() -> Self {
        Self::with_permits(0)
    }

    fn with_permits(permits: usize) -> Self {
        Self {
            came: Arc::default(),
            gate: Arc::new(Semaphore::new(permits)),
        }
    }

    /// How many exchanges were begun.
    fn exchanges(&self) -> usize {
        self.came.lock().unwrap().len()
    }

    fn let_in(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    async fn pass(&self, request: &ExchangeRequest) {
        self.came
            .lock()
            .unwrap()
            .push(request.identity.subject().as_str().to_owned());
        self.gate.acquire().await.unwrap().forget();
    }

    /// Grants every caller a token of its own, with a life of `seconds`.
    fn granting(&self, seconds: u64, callers: &Callers) -> impl ExchangeService + use<> {
        let (this, clock) = (self.clone(), callers.clock.clone());
        service_fn(move |request: ExchangeRequest| {
            let (this, clock) = (this.clone(), clock.clone());
            async move {
                this.pass(&request).await;
                let end = clock.now().plus(Duration::from_secs(seconds));
                Ok(token_for(&request, this.exchanges(), Expiry(end)))
            }
        })
    }

    fn failing(&self, error: ExchangeError) -> impl ExchangeService + use<> {
        let this = self.clone();
        service_fn(move |request: ExchangeRequest| {
            let (this, error) = (this.clone(), error.clone());
            async move {
                this.pass(&request).await;
                Err(error)
            }
        })
    }
}

/// A token that tells whose it is, what for, and the how-manieth.
fn token_for(request: &ExchangeRequest, number: usize, expiry: Expiry) -> AccessToken {
    let (grant, subject) = (&request.grant, request.identity.subject().as_str());
    let client_id = grant.policy().client_id().map_or("-", |id| id.as_str());
    let token = format!(
        "{subject}|{}|{client_id}|{}|{number}",
        grant.endpoint().url(),
        grant.scope().as_str()
    );
    AccessToken::new(&token.replace(' ', "+"), expiry).unwrap()
}

fn text(token: &AccessToken) -> String {
    token.header().to_str().unwrap().to_owned()
}

fn over<S: ExchangeService>(callers: &Callers, service: S) -> Exchange<S> {
    Exchange::builder(http())
        .clock(callers.clock.clone())
        .build_over(service)
}

/// Polls once, as if the runtime never came back to it.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Lets the other tasks of a current-thread runtime run until nothing moves any more.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_second_call_is_answered_from_the_cache_at_once() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let alice = callers.identity("alice").await;

    let first = exchange.access_token(&alice, &grant()).await.unwrap();
    let second = at_once(exchange.access_token(&alice, &grant()))
        .expect("a hit does not wait")
        .unwrap();

    assert_eq!(text(&first), text(&second));
    assert_eq!(endpoint.exchanges(), 1);
}

#[tokio::test]
async fn the_tower_service_is_the_same_front_door() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let mut exchange = over(&callers, endpoint.granting(3600, &callers));
    let request = ExchangeRequest::new(callers.identity("alice").await, grant());

    poll_fn(|cx| exchange.poll_ready(cx)).await.unwrap();
    let first = exchange.call(request.clone()).await.unwrap();
    let second = at_once(exchange.call(request.clone())).unwrap().unwrap();

    assert_eq!(text(&first), text(&second));
    assert_eq!(
        text(&second),
        text(
            &exchange
                .access_token(&request.identity, &request.grant)
                .await
                .unwrap()
        )
    );
    assert_eq!(endpoint.exchanges(), 1);
}

#[tokio::test]
async fn a_token_is_at_hand_once_it_was_given_and_until_a_call_would_do_more_than_give_it() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(7200, &callers));
    let (alice, bob) = (callers.identity("alice").await, callers.identity("bob").await);
    assert!(exchange.at_hand(&alice, &grant()).is_none());
    let given = exchange.access_token(&alice, &grant()).await.unwrap();

    let at_hand = exchange.at_hand(&alice, &grant()).unwrap();
    assert!(at_hand.is_same(&given) && at_hand.expiry() == given.expiry());
    assert_eq!(exchange.stats().hits, 1, "it counts as a call");
    assert!(exchange.at_hand(&bob, &grant()).is_none());
    let other = Grant::new(
        grant().endpoint().clone(),
        service_principal("1"),
        Scope::default(),
    );
    assert!(exchange.at_hand(&alice, &other).is_none());

    let renewed = callers.identity_for("alice", 7200).await;
    assert!(
        exchange.at_hand(&renewed, &grant()).is_none(),
        "it is to be exchanged"
    );
    callers.hand.advance(Duration::from_secs(3595));
    assert!(exchange.at_hand(&alice, &grant()).is_none(), "it is nearly over");
    assert_eq!((endpoint.exchanges(), exchange.stats().hits), (1, 1));
}

#[tokio::test]
async fn all_workers_have_one_cache_and_count_together() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let alice = callers.identity("alice").await;
    let workers = [(); 20].map(|()| exchange.for_one_worker());
    let first = exchange.access_token(&alice, &grant()).await.unwrap();
    for worker in &workers {
        for _ in 0..3 {
            let token = worker.access_token(&alice, &grant()).await.unwrap();
            assert_eq!(text(&token), text(&first));
        }
    }
    assert_eq!((endpoint.exchanges(), workers[0].stats().hits), (1, 60));
    drop(workers);
    assert_eq!(exchange.stats().hits, 60, "what one has counted outlives it");
}

#[tokio::test]
async fn the_cache_holds_no_more_than_its_capacity() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let service = endpoint.granting(3600, &callers);
    let exchange = Exchange::builder(http())
        .clock(callers.clock.clone())
        .capacity(10)
        .build_over(service);
    let alice = callers.identity("alice").await;
    for number in 0..200 {
        let scope = Scope::new(format!("scope-{number}")).unwrap();
        let grant = Grant::new(grant().endpoint().clone(), grant().policy().clone(), scope);
        exchange.access_token(&alice, &grant).await.unwrap();
    }
    let entries = exchange.stats().entries;
    assert!((1..=10).contains(&entries), "{entries}");
}

#[tokio::test]
async fn what_happened_is_counted() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let (alice, bob) = (
        callers.identity("alice").await,
        callers.identity_for("bob", 6).await,
    );
    for _ in 0..3 {
        exchange.access_token(&alice, &grant()).await.unwrap();
    }
    exchange.access_token(&bob, &grant()).await.unwrap();
    callers.hand.advance(Duration::from_secs(1));
    exchange.access_token(&bob, &grant()).await.unwrap_err();

    let stats = exchange.stats();
    assert_eq!((stats.hits, stats.misses, stats.nearly_expired), (2, 2, 1));
    assert_eq!(
        (stats.granted, stats.denied, stats.failed, stats.in_flight),
        (2, 0, 0, 0)
    );
    assert_eq!(stats.entries, 2);
}

#[tokio::test]
async fn no_debug_output_shows_a_token() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let identity = callers.identity("secret-subject").await;
    let jwt = String::from_utf8(identity.token().expose().to_vec()).unwrap();
    let token = exchange.access_token(&identity, &grant()).await.unwrap();
    let mut service = exchange.clone();
    let request = ExchangeRequest::new(identity, grant());
    let shown = format!(
        "{:?} {exchange:?} {token:?} {request:?}",
        service.call(request.clone())
    );
    for secret in [
        text(&token).strip_prefix("Bearer ").unwrap(),
        &jwt,
        jwt.rsplit('.').next().unwrap(),
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(token.header().is_sensitive());
}
