use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use testbed::{Databricks, Fault, Idp};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::harness::{Call, Gateway, ME, claims, eventually, forwarded, trio};

/// A JWT of `subject` that ends so many seconds into the far future.
fn generation(idp: &Idp, subject: &str, number: u64) -> String {
    idp.token(subject).expires_at(4_000_000_000 + number).sign()
}

/// When the token ends that the workspace saw last.
fn last_end(databricks: &Databricks) -> u64 {
    let seen = forwarded(databricks);
    let token = seen.last().expect("a request").values("authorization")[0].to_owned();
    claims(&token)["exp"].as_u64().expect("an end")
}

#[tokio::test]
async fn the_first_request_with_a_renewed_jwt_does_not_wait_for_its_exchange() {
    let (gateway, databricks, idp) = trio().await;
    assert_eq!(
        gateway.get(ME, &generation(&idp, "alice", 0)).await.user(),
        "alice"
    );

    databricks.faults().inject("/oidc/", Fault::Hang, 100);
    let renewed = generation(&idp, "alice", 1);
    for _ in 0..10 {
        assert_eq!(gateway.get(ME, &renewed).await.user(), "alice");
    }
    eventually("the exchange", async || databricks.token_calls() == 2).await;
    assert_eq!(last_end(&databricks), 4_000_000_000);
}

#[tokio::test]
async fn a_renewed_jwt_is_exchanged_in_the_background_and_its_token_takes_over() {
    let (gateway, databricks, idp) = trio().await;
    assert_eq!(
        gateway.get(ME, &generation(&idp, "alice", 0)).await.user(),
        "alice"
    );
    let renewed = generation(&idp, "alice", 1);
    eventually("the new token", async || {
        assert_eq!(gateway.get(ME, &renewed).await.user(), "alice");
        last_end(&databricks) == 4_000_000_001
    })
    .await;
    assert_eq!(databricks.exchanges("alice"), 2);
    let (_, page) = gateway.admin("/metrics").await;
    assert!(
        page.contains("lakegate_token_renewals_total{reason=\"rotated\"} 1"),
        "{page}"
    );
}

#[tokio::test]
async fn an_outage_does_not_show_while_the_token_of_the_jwt_before_is_good() {
    let (gateway, databricks, idp) = trio().await;
    assert_eq!(
        gateway.get(ME, &generation(&idp, "alice", 0)).await.user(),
        "alice"
    );
    databricks.faults().inject("/oidc/", Fault::Reset, 1_000);
    let renewed = generation(&idp, "alice", 1);
    eventually("the failure", async || {
        assert_eq!(gateway.get(ME, &renewed).await.user(), "alice");
        gateway.health().exchange().failed > 0
    })
    .await;
    assert_eq!(gateway.get(ME, &renewed).await.user(), "alice");
}

#[tokio::test]
async fn another_subject_or_another_claim_is_never_served_under_the_token_that_is_held() {
    let (gateway, databricks, idp) = trio().await;
    assert_eq!(
        gateway.get(ME, &generation(&idp, "alice", 0)).await.user(),
        "alice"
    );
    for (number, subject) in (1..).zip(["bob", "alice", "carol", "bob", "alice"]) {
        assert_eq!(
            gateway.get(ME, &generation(&idp, subject, number)).await.user(),
            subject
        );
    }
    let admins = idp
        .token("alice")
        .claim("groups", json!(["admins"]))
        .expires_at(4_000_000_900)
        .sign();
    assert_eq!(gateway.get(ME, &admins).await.user(), "alice");
    assert_eq!(
        last_end(&databricks),
        4_000_000_900,
        "not under a token of before"
    );
}

#[tokio::test]
async fn a_renewed_jwt_must_be_good_itself() {
    let (gateway, databricks, idp) = trio().await;
    assert_eq!(
        gateway.get(ME, &generation(&idp, "alice", 0)).await.user(),
        "alice"
    );
    let forged = idp.token("alice").expires_at(4_000_000_001).forge();
    gateway.get(ME, &forged).await.failure(401, "JWT_BAD_SIGNATURE");
    assert_eq!((databricks.token_calls(), forwarded(&databricks).len()), (1, 1));
}

#[tokio::test]
async fn a_refusal_of_the_renewed_jwt_is_told_from_its_next_request_on() {
    let (gateway, databricks, idp) = trio().await;
    let (old, renewed) = (generation(&idp, "alice", 0), generation(&idp, "alice", 1));
    assert_eq!(gateway.get(ME, &old).await.user(), "alice");
    databricks.set_users(&[]);
    eventually("the refusal", async || {
        let answer = gateway.get(ME, &renewed).await;
        answer.status == StatusCode::UNAUTHORIZED && !answer.failure(401, "EXCHANGE_DENIED").is_empty()
    })
    .await;
    assert_eq!(
        gateway.get(ME, &old).await.user(),
        "alice",
        "it is exchanged already"
    );
    gateway.get(ME, &renewed).await.failure(401, "EXCHANGE_DENIED");
}

#[tokio::test]
async fn switched_off_a_renewed_jwt_waits_for_its_own_exchange() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .exchange("overlap = false")
        .start()
        .await;
    for number in 0..3 {
        assert_eq!(
            gateway.get(ME, &generation(&idp, "alice", number)).await.user(),
            "alice"
        );
        assert_eq!(last_end(&databricks), 4_000_000_000 + number);
    }
}

/// The slowest of a hundred first requests with a renewed JWT: a thousand rotations under a token endpoint that takes 200 ms.
async fn percentiles(overlap: bool) -> (Duration, Duration) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let slow = Fault::Delay(Duration::from_millis(200));
    databricks.faults().inject("/oidc/", slow, usize::MAX);
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .exchange(&format!("overlap = {overlap}"))
        .start()
        .await;
    let mut rotations = JoinSet::new();
    for subject in 0..100 {
        let mut client = gateway.client().await;
        let subject = format!("caller-{subject}");
        let jwts: Vec<_> = (0..11).map(|number| generation(&idp, &subject, number)).collect();
        rotations.spawn(async move {
            let mut took = Vec::new();
            for jwt in jwts {
                let began = Instant::now();
                assert_eq!(client.send(Call::get(ME).bearer(&jwt)).await.user(), subject);
                took.push(began.elapsed());
                // Until the next rotation, which comes once in a while.
                sleep(Duration::from_millis(1_500)).await;
            }
            // The first one has nothing to overlap with.
            took.split_off(1)
        });
    }
    let mut took: Vec<_> = rotations.join_all().await.concat();
    took.sort();
    assert_eq!(took.len(), 1_000);
    (took[500], took[990])
}

#[tokio::test]
#[ignore = "a measurement, not a test: run it alone, with --nocapture"]
async fn what_a_rotation_costs() {
    for overlap in [false, true] {
        let (median, p99) = percentiles(overlap).await;
        println!("overlap = {overlap}: p50 {median:?}, p99 {p99:?} of 1,000 rotations, exchange 200 ms");
    }
}
