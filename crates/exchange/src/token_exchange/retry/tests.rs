use std::cell::RefCell;
use std::future::pending;
use std::sync::Arc;

use identity::{Expiry, UnixTime};

use super::*;
use crate::Outage;

const DEADLINE: Duration = Duration::from_secs(10);

/// When each attempt was made, and how it all ended.
struct Course {
    attempts: Vec<Duration>,
    took: Duration,
    outcome: Result<AccessToken, ExchangeError>,
}

/// Attempts that end as `outcomes` say, one after the other.
async fn run(outcomes: Vec<Result<AccessToken, Setback>>) -> Course {
    let (started, attempts, outcomes) = (
        Instant::now(),
        RefCell::new(Vec::new()),
        RefCell::new(outcomes.into_iter()),
    );
    let outcome = within(DEADLINE, async || {
        attempts.borrow_mut().push(started.elapsed());
        let next = outcomes.borrow_mut().next();
        next.expect("no more attempts than these")
    });
    let outcome = outcome.await;
    Course {
        attempts: attempts.into_inner(),
        took: started.elapsed(),
        outcome,
    }
}

fn token() -> AccessToken {
    AccessToken::new("opaque", Expiry(UnixTime::from_seconds(1))).unwrap()
}

fn passing() -> Setback {
    Setback::passing(ExchangeError::unavailable("no connection"))
}

fn asking_for(seconds: u64) -> Setback {
    let retry_after = Duration::from_secs(seconds);
    let outage = Outage {
        throttled: true,
        what: "429 Too Many Requests".to_owned(),
        retry_after,
    };
    Setback {
        error: ExchangeError::Unavailable(Arc::new(outage)),
        pause: Some(retry_after),
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_twice_after_growing_pauses() {
    let course = run(vec![Err(passing()), Err(passing()), Ok(token())]).await;
    course.outcome.unwrap();
    let [first, second, third] = course.attempts[..] else {
        panic!("{:?}", course.attempts)
    };
    assert_eq!(first, Duration::ZERO);
    assert!(
        (100..=210).contains(&second.saturating_sub(first).as_millis()),
        "{second:?}"
    );
    assert!(
        (500..=1_010).contains(&third.saturating_sub(second).as_millis()),
        "{third:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_third_failure_is_the_last() {
    let course = run(vec![Err(passing()), Err(passing()), Err(passing())]).await;
    assert_eq!(
        (course.attempts.len(), course.outcome.unwrap_err().code()),
        (3, "EXCHANGE_UNAVAILABLE")
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_final_is_not_tried_again() {
    let course = run(vec![Err(Setback::last(ExchangeError::malformed("HTML")))]).await;
    assert_eq!((course.attempts.len(), course.took), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_time_that_the_endpoint_asks_for_is_given_to_it() {
    let course = run(vec![Err(asking_for(3)), Ok(token())]).await;
    course.outcome.unwrap();
    let [_, second] = course.attempts[..] else {
        panic!("{:?}", course.attempts)
    };
    assert!((3_100..=3_210).contains(&second.as_millis()), "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_time_beyond_the_deadline_is_an_answer_at_once() {
    let course = run(vec![Err(asking_for(10))]).await;
    assert_eq!((course.attempts.len(), course.took), (1, Duration::ZERO));
    assert_eq!(
        course.outcome.unwrap_err().retry_after(),
        Some(Duration::from_secs(10))
    );
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_what_is_left_and_not_the_whole_deadline() {
    let course = run(vec![Err(asking_for(6)), Err(asking_for(6))]).await;
    assert_eq!(course.attempts.len(), 2);
    assert!(course.took < Duration::from_secs(7), "{:?}", course.took);
    assert_eq!(
        course.outcome.unwrap_err().retry_after(),
        Some(Duration::from_secs(6))
    );
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_never_ends_is_cut_at_the_deadline_and_says_so() {
    let started = Instant::now();
    let error = within(DEADLINE, pending).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 10);
    assert_eq!(
        error.to_string(),
        "the Databricks token endpoint is not available: no answer within 10s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_nobody_will_live_to_see_is_no_overflow() {
    within(Duration::MAX, async || Ok(token())).await.unwrap();
    let _ = within(Duration::MAX, async || Err(passing())).await.unwrap_err();
}
