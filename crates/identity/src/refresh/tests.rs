//! With tokio's clock paused and a scripted source, so that days pass in no time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance};

use super::{COLD_PAUSE, LONGEST_PERIOD, PATIENCE, PERIOD, Refresher, SHORTEST_PERIOD, shortened};
use crate::algorithm::Algorithm;
use crate::fetch::{FetchError, FetchKeys, Fetched};
use crate::jws::Header;
use crate::key::Key;
use crate::key_set::KeySet;
use crate::keys::{Keys, RefreshedKeys};
use crate::rejection::Rejection;
use crate::testing::{EC, EC_2, jwks};

const REFETCH_INTERVAL: Duration = Duration::from_secs(30);

/// What the next fetch brings.
#[derive(Clone)]
enum Next {
    Keys(String, Option<Duration>),
    Failure,
    Silence,
}

#[derive(Clone)]
struct Script(Arc<(ArcSwap<Next>, AtomicU64)>);

impl Script {
    fn new(next: Next) -> Self {
        Self(Arc::new((ArcSwap::from_pointee(next), AtomicU64::new(0))))
    }

    fn then(&self, next: Next) {
        self.0.0.store(Arc::new(next));
    }

    fn fetches(&self) -> u64 {
        self.0.1.load(Ordering::SeqCst)
    }
}

impl FetchKeys for Script {
    async fn fetch(&self) -> Result<Fetched, FetchError> {
        self.0.1.fetch_add(1, Ordering::SeqCst);
        match Next::clone(&self.0.0.load()) {
            Next::Keys(document, max_age) => {
                let keys = KeySet::parse(document.as_bytes()).map_err(FetchError::Keys)?;
                Ok(Fetched { keys, max_age })
            }
            Next::Failure => Err(FetchError::Keys("scripted".to_owned())),
            Next::Silence => std::future::pending().await,
        }
    }
}

struct Running {
    script: Script,
    keys: RefreshedKeys,
    task: JoinHandle<()>,
}

fn start(next: Next) -> Running {
    let script = Script::new(next);
    let (refresher, keys) = Refresher::new("https://idp.example".into(), script.clone(), REFETCH_INTERVAL);
    Running {
        script,
        keys,
        task: tokio::spawn(refresher.run()),
    }
}

impl Running {
    /// Another refresher in the place of this one, as when the configuration has changed.
    fn taken_over(self) -> Self {
        let (script, issuer) = (self.script, "https://idp.example".into());
        let (refresher, keys) = Refresher::taking_over(issuer, script.clone(), REFETCH_INTERVAL, &self.keys);
        self.task.abort();
        Self {
            script,
            keys,
            task: tokio::spawn(refresher.run()),
        }
    }

    async fn find(&self, kid: &str) -> Result<Arc<Key>, Rejection> {
        let header = Header {
            algorithm: Algorithm::Es256,
            key_id: Some(kid.to_owned()),
        };
        Keys::Refreshed(self.keys.clone())
            .find("https://idp.example", &header)
            .await
    }

    async fn fetched(&self, times: u64) {
        let mut progress = self.keys.progress.clone();
        let waiting = progress.wait_for(|progress| progress.fetches >= times);
        tokio::time::timeout(Duration::from_secs(200_000), waiting)
            .await
            .unwrap()
            .unwrap();
    }

    fn failed_with(&self) -> Option<String> {
        self.keys.progress.borrow().last_error.clone()
    }
}

fn one() -> Next {
    Next::Keys(jwks(&[&EC]), None)
}

fn two() -> Next {
    Next::Keys(jwks(&[&EC, &EC_2]), None)
}

#[tokio::test(start_paused = true)]
async fn a_token_that_comes_before_the_first_keys_waits_for_them() {
    let running = start(one());
    assert!(running.find("ec-1").await.is_ok());
    assert_eq!(running.script.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn keys_that_never_came_are_unavailable_for_a_bounded_time() {
    let running = start(Next::Silence);
    let began = Instant::now();
    let refused = running.find("ec-1").await.unwrap_err();
    assert!(refused.is_temporary());
    assert!(began.elapsed() <= Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(running.failed_with().as_deref(), Some("no answer within 5 s"));
}

#[tokio::test(start_paused = true)]
async fn between_cold_attempts_tokens_are_refused_at_once() {
    let running = start(Next::Failure);
    running.fetched(1).await;
    let began = Instant::now();
    assert!(running.find("ec-1").await.unwrap_err().is_temporary());
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_cold_start_recovers_within_two_seconds() {
    let running = start(Next::Failure);
    running.fetched(100).await;
    running.script.then(one());
    let began = Instant::now();
    running.keys.ready().await;
    assert!(began.elapsed() <= COLD_PAUSE);
    assert!(running.find("ec-1").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_again_by_the_timetable() {
    for (max_age, period) in [
        (None, PERIOD),
        (Some(Duration::ZERO), SHORTEST_PERIOD),
        (Some(Duration::from_secs(300)), Duration::from_secs(300)),
        (Some(Duration::from_hours(1000)), LONGEST_PERIOD),
    ] {
        let running = start(Next::Keys(jwks(&[&EC]), max_age));
        running.fetched(1).await;
        let began = Instant::now();
        running.fetched(2).await;
        let pause = began.elapsed();
        assert!(
            pause <= period && pause >= period.mul_f64(0.89),
            "{max_age:?}: {pause:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_keeps_the_last_good_keys_and_backs_off() {
    let running = start(one());
    running.fetched(1).await;
    running.script.then(Next::Failure);
    running.fetched(12).await;
    let began = Instant::now();
    running.fetched(13).await;
    assert!(
        began.elapsed() >= Duration::from_secs(54),
        "{:?}",
        began.elapsed()
    );
    assert!(running.find("ec-1").await.is_ok());
    assert_eq!(running.failed_with().as_deref(), Some("scripted"));
    running.script.then(one());
    running.fetched(14).await;
    assert_eq!(running.failed_with(), None);
}

#[tokio::test(start_paused = true)]
async fn a_bad_document_keeps_the_last_good_keys() {
    let running = start(one());
    let key = running.find("ec-1").await.unwrap();
    running.script.then(Next::Keys(r#"{"keys":[]}"#.to_owned(), None));
    running.fetched(2).await;
    assert!(Arc::ptr_eq(&running.find("ec-1").await.unwrap(), &key));
    assert!(!key.is_withdrawn());
}

#[tokio::test(start_paused = true)]
async fn keys_that_nobody_confirms_for_a_day_are_dropped_with_all_they_admitted() {
    let running = start(one());
    let key = running.find("ec-1").await.unwrap();
    running.script.then(Next::Failure);
    running.fetched(2).await;
    advance(PATIENCE.saturating_sub(Duration::from_mins(2))).await;
    assert!(running.find("ec-1").await.is_ok());
    advance(Duration::from_mins(4)).await;
    running.fetched(running.script.fetches() + 1).await;
    assert!(running.find("ec-1").await.unwrap_err().is_temporary());
    assert!(key.is_withdrawn());
    assert_eq!(running.keys.progress.borrow().fetched_at, None);
    running.script.then(one());
    running.keys.ready().await;
    assert!(running.find("ec-1").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_over_when_keys_come_again() {
    let running = start(Next::Failure);
    running.fetched(3).await;
    running.script.then(one());
    running.keys.ready().await;
    advance(PATIENCE).await;
    running.script.then(Next::Failure);
    running.fetched(running.script.fetches() + 2).await;
    assert!(running.find("ec-1").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_withdraws_a_key_that_is_gone_and_keeps_the_others() {
    let running = start(two());
    let (stays, goes) = (
        running.find("ec-1").await.unwrap(),
        running.find("ec-2").await.unwrap(),
    );
    running.script.then(one());
    running.fetched(2).await;
    assert!(goes.is_withdrawn() && !stays.is_withdrawn());
    assert!(Arc::ptr_eq(&running.find("ec-1").await.unwrap(), &stays));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_kid_is_found_by_one_refetch() {
    let running = start(one());
    running.fetched(1).await;
    running.script.then(two());
    let began = Instant::now();
    let (a, b) = tokio::join!(running.find("ec-2"), running.find("ec-2"));
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(running.script.fetches(), 2);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_kids_costs_one_fetch_per_interval() {
    let running = Arc::new(start(one()));
    running.fetched(1).await;
    let began = Instant::now();
    let flood: Vec<_> = (0..10_000)
        .map(|n| {
            let running = Arc::clone(&running);
            tokio::spawn(async move { running.find(&format!("random-{n}")).await })
        })
        .collect();
    for token in flood {
        assert_eq!(token.await.unwrap().unwrap_err().code(), "JWT_UNKNOWN_KEY");
    }
    assert_eq!((running.script.fetches(), began.elapsed()), (2, Duration::ZERO));
    advance(REFETCH_INTERVAL).await;
    assert!(running.find("random").await.is_err());
    assert_eq!(running.script.fetches(), 3);
    assert!(
        running
            .find("random")
            .await
            .unwrap_err()
            .to_string()
            .contains("recently")
    );
    assert_eq!(running.script.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refetch_that_fails_keeps_the_keys_and_says_so() {
    let running = start(one());
    running.fetched(1).await;
    running.script.then(Next::Failure);
    let refused = running.find("ec-2").await.unwrap_err();
    assert!(
        refused.to_string().contains("could not be fetched again"),
        "{refused}"
    );
    assert!(running.find("ec-1").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refetch_that_hangs_is_bounded() {
    let running = start(one());
    running.fetched(1).await;
    running.script.then(Next::Silence);
    let began = Instant::now();
    assert_eq!(running.find("ec-2").await.unwrap_err().code(), "JWT_UNKNOWN_KEY");
    assert!(began.elapsed() <= Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn the_refresher_ends_with_the_last_handle_even_while_it_fetches() {
    for next in [one(), Next::Silence] {
        let Running { script, keys, task } = start(next);
        while script.fetches() == 0 {
            tokio::task::yield_now().await;
        }
        drop(keys);
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_refresher_keys_are_unavailable_at_once() {
    let running = start(Next::Silence);
    running.task.abort();
    let began = Instant::now();
    assert!(running.find("ec-1").await.unwrap_err().is_temporary());
    assert_eq!(began.elapsed(), Duration::ZERO);
    running.keys.ready().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_for_a_refresher_that_does_not_run() {
    let (_idle, keys) = Refresher::new("https://idp.example".into(), Script::new(one()), REFETCH_INTERVAL);
    let running = Running {
        script: Script::new(one()),
        keys,
        task: tokio::spawn(async {}),
    };
    let began = Instant::now();
    assert!(running.find("ec-1").await.unwrap_err().is_temporary());
    assert!(began.elapsed() <= Duration::from_secs(6));
}

#[test]
fn a_pause_is_shortened_by_no_more_than_a_tenth() {
    let pause = Duration::from_secs(100);
    for _ in 0..1_000 {
        let shortened = shortened(pause);
        assert!(
            shortened <= pause && shortened >= Duration::from_secs(90),
            "{shortened:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_over_is_served_at_once_and_fetched_anew() {
    let running = start(one());
    let key = running.find("ec-1").await.unwrap();
    running.script.then(Next::Silence);
    let running = running.taken_over();
    running.keys.ready().await;
    assert!(Arc::ptr_eq(&running.find("ec-1").await.unwrap(), &key));
    running.script.then(two());
    running.fetched(3).await;
    assert!(running.find("ec-2").await.is_ok());
    assert!(!key.is_withdrawn());
}

#[tokio::test(start_paused = true)]
async fn a_day_without_confirmation_is_a_day_however_often_the_keys_are_taken_over() {
    let mut running = start(one());
    let key = running.find("ec-1").await.unwrap();
    running.script.then(Next::Failure);
    running.fetched(2).await;
    for hours in [10, 10] {
        advance(Duration::from_hours(hours)).await;
        running = running.taken_over();
        assert!(running.find("ec-1").await.is_ok());
    }
    advance(Duration::from_hours(5)).await;
    let fetches = running.keys.progress.borrow().fetches;
    running.fetched(fetches + 2).await;
    assert!(running.find("ec-1").await.is_err());
    assert!(key.is_withdrawn());
}

#[tokio::test(start_paused = true)]
async fn the_pause_between_fetches_for_unknown_keys_is_taken_over() {
    let running = start(one());
    assert!(running.find("unknown").await.is_err());
    let running = running.taken_over();
    running.fetched(3).await;
    let fetches = running.script.fetches();
    assert!(running.find("unknown").await.is_err());
    assert_eq!(running.script.fetches(), fetches);
}
