use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http_body_util::BodyExt as _;
use lakegate::config::Config;
use lakegate::serving::Serving;
use proxy::{AccessRecord, AccessSink, RefusalRecord};
use testbed::{Authority, Databricks, Fault, Idp};
use tokio::task::JoinSet;

use crate::harness::{Call, Gateway, ME, eventually, forwarded, soon, trio};

/// One workspace, known as east.example.com, and a JWT for it.
async fn east() -> (Gateway, Databricks, Idp) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .workspace("name = \"east\"\nhosts = [\"east.example.com\"]")
        .start()
        .await;
    (gateway, databricks, idp)
}

fn workspace(name: &str, databricks: &Databricks) -> String {
    format!(
        "\n[[workspace]]\nurl = \"{}\"\nname = \"{name}\"\nhosts = [\"{name}.example.com\"]\n",
        databricks.url()
    )
}

fn issuer(idp: &Idp) -> String {
    format!(
        "\n[[issuer]]\nurl = \"{}\"\naudiences = [\"databricks-gateway\"]\n",
        idp.issuer()
    )
}

#[tokio::test]
async fn a_workspace_that_is_added_is_served_on_connections_that_were_open_before() {
    let (gateway, _, idp) = east().await;
    let west = Databricks::start(&idp).await;
    let token = idp.mint("alice");
    let mut client = gateway.client().await;
    let to = |host| Call::get(ME).bearer(&token).host(host);
    assert_eq!(client.send(to("east.example.com")).await.user(), "alice");
    client
        .send(to("west.example.com"))
        .await
        .failure(421, "UNKNOWN_HOST");

    gateway.reconfigure(|text| text + &workspace("west", &west)).await;
    assert_eq!(client.send(to("west.example.com")).await.user(), "alice");
    assert_eq!(client.send(to("east.example.com")).await.user(), "alice");
    assert_eq!(forwarded(&west).len(), 1);
    assert_eq!(gateway.counters().connections_total, 1);
}

#[tokio::test]
async fn nobody_has_to_ask_for_it() {
    let (gateway, _, idp) = east().await;
    let west = Databricks::start(&idp).await;
    let token = idp.mint("alice");
    gateway.edit(|text| text + &workspace("west", &west));
    eventually("the new workspace is served", async || {
        let call = Call::get(ME).bearer(&token).host("west.example.com");
        gateway.send(call).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_workspace_that_is_removed_is_unknown_and_what_runs_there_ends_as_it_began() {
    let (gateway, databricks, idp) = east().await;
    let west = Databricks::start(&idp).await;
    let token = idp.mint("alice");
    let to = |target, host| Call::get(target).bearer(&token).host(host);
    let mut client = gateway.client().await;
    let answer = client.open(to("/testbed/stream", "east.example.com")).await;
    let mut body = answer.into_body();

    let url = databricks.url().to_owned();
    gateway
        .reconfigure(|text| {
            text.replace(&url, west.url())
                .replace("east.example.com", "west.example.com")
        })
        .await;
    gateway
        .send(to(ME, "east.example.com"))
        .await
        .failure(421, "UNKNOWN_HOST");
    assert_eq!(gateway.send(to(ME, "west.example.com")).await.user(), "alice");
    databricks.send_event("still here");
    let piece = soon(body.frame()).await.unwrap().unwrap();
    assert_eq!(piece.into_data().unwrap(), "data: still here\n\n");
}

#[tokio::test]
async fn an_issuer_that_is_removed_is_refused_from_then_on_remembered_or_not() {
    let (gateway, _, idp) = trio().await;
    let other = Idp::start().await;
    gateway.reconfigure(|text| text + &issuer(&other)).await;
    let (remembered, new) = (idp.mint("alice"), idp.mint("bob"));
    assert_eq!(gateway.get(ME, &remembered).await.user(), "alice");

    gateway
        .reconfigure(|text| text.replacen(&issuer(&idp), "", 1))
        .await;
    for token in [&remembered, &new] {
        gateway.get(ME, token).await.failure(401, "JWT_UNKNOWN_ISSUER");
    }
}

#[tokio::test]
async fn an_audience_that_is_removed_is_refused_from_then_on_remembered_or_not() {
    let (gateway, _, idp) = trio().await;
    let (remembered, new) = (idp.mint("alice"), idp.mint("bob"));
    assert_eq!(gateway.get(ME, &remembered).await.user(), "alice");
    gateway
        .reconfigure(|text| text.replace("databricks-gateway", "another"))
        .await;
    for token in [&remembered, &new] {
        gateway.get(ME, token).await.failure(401, "JWT_WRONG_AUDIENCE");
    }
}

#[tokio::test]
async fn a_key_that_is_taken_out_of_a_file_stops_what_it_had_admitted() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .file("jwks.json", &idp.jwks())
        .issuer("jwks = { file = \"jwks.json\" }")
        .start()
        .await;
    let old = idp.mint("alice");
    assert_eq!(gateway.get(ME, &old).await.user(), "alice");

    idp.rotate();
    idp.withdraw_old_keys();
    gateway.replace(&[("jwks.json", &idp.jwks())]);
    gateway.reconfigure(|text| text).await;
    gateway.get(ME, &old).await.failure(401, "JWT_UNKNOWN_KEY");
    assert_eq!(gateway.get(ME, &idp.mint("bob")).await.user(), "bob");
}

#[tokio::test]
async fn keys_tokens_and_connections_are_kept_though_nobody_could_be_asked_for_them() {
    let (gateway, databricks, idp) = trio().await;
    let (token, new) = (idp.mint("alice"), idp.mint("alice"));
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    let opened = gateway.counters().upstream_opened;
    idp.faults().inject("/", Fault::Reset, usize::MAX);
    databricks.faults().inject("/oidc", Fault::Reset, usize::MAX);

    gateway
        .reconfigure(|text| text.replace("[server]", "[server]\nmax_target_size = 2048"))
        .await;
    assert!(gateway.health().readiness().is_ready());
    for _ in 0..4 {
        // Four connections find both workers, and with one of them the connection that was open before.
        assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    }
    // One that was not verified before, of a subject whose token is in the cache.
    assert_eq!(gateway.get(ME, &new).await.user(), "alice");
    assert_eq!(databricks.exchanges("alice"), 1);
    assert!(gateway.counters().upstream_opened <= opened + 1);
}

#[tokio::test]
async fn a_limit_holds_from_the_next_request_on() {
    let (gateway, _, idp) = trio().await;
    let token = idp.mint("alice");
    let long = format!("{ME}?{}", "x".repeat(3000));
    let mut client = gateway.client().await;
    let call = || Call::get(&long).bearer(&token);
    assert_eq!(client.send(call()).await.user(), "alice");
    gateway
        .reconfigure(|text| text.replace("[server]", "[server]\nmax_target_size = 2048"))
        .await;
    client.send(call()).await.failure(414, "TARGET_TOO_LONG");
}

#[tokio::test]
async fn an_authority_that_is_added_is_believed_and_one_that_is_removed_is_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let idp = Idp::start().await;
    let databricks = Databricks::builder().trust(&idp).tls(&new).start().await;
    let gateway = Gateway::in_front_of(&databricks, &idp).trust(&old).start().await;
    let (alice, bob) = (idp.mint("alice"), idp.mint("bob"));
    assert_eq!(gateway.get(ME, &alice).await.status, 503);

    gateway.replace(&[("ca.pem", &new.ca_pem())]);
    gateway.reconfigure(|text| text).await;
    eventually("the failure is forgotten", async || {
        gateway.get(ME, &alice).await.status == 200
    })
    .await;

    gateway.replace(&[("ca.pem", &old.ca_pem())]);
    gateway.reconfigure(|text| text).await;
    for token in [alice, bob] {
        assert_eq!(
            gateway.get(ME, &token).await.status,
            503,
            "neither kept nor resumed"
        );
    }
}

#[tokio::test]
async fn a_faulty_configuration_is_refused_and_said_to_be_and_the_one_before_stays() {
    let (gateway, _, idp) = trio().await;
    let token = idp.mint("alice");
    let ready = "ready\n".to_owned();
    let mut good = String::new();
    for faulty in [
        "max_target_size = 1",
        "nonsense = 1",
        "= [",
        "tls = { cert = \"none\", key = \"none\" }",
    ] {
        gateway
            .reconfigure_in_vain(|text| {
                good.clone_from(&text);
                text.replace("[server]", &format!("[server]\n{faulty}"))
            })
            .await;
        assert_eq!(gateway.get(ME, &token).await.user(), "alice", "{faulty}");
        let (status, page) = gateway.admin("/readyz").await;
        assert_eq!(status, 200);
        assert!(
            page.contains("the new configuration cannot be used, the one before stays: "),
            "{page}"
        );
        assert!(page.contains(" in /"), "{page}");
        let (_, metrics) = gateway.admin("/metrics").await;
        assert!(metrics.contains("lakegate_configuration_faulty 1"), "{metrics}");
        gateway.edit(|_| good.clone());
        gateway.reload();
        eventually("the fault is taken back", async || {
            gateway.admin("/readyz").await.1 == ready
        })
        .await;
    }
    let (_, metrics) = gateway.admin("/metrics").await;
    assert!(metrics.contains("lakegate_configuration_faulty 0"), "{metrics}");
    assert!(metrics.contains("lakegate_configuration_reloads_total{outcome=\"refused\"} 4"));
    assert!(metrics.contains("lakegate_configuration_reloads_total{outcome=\"applied\"} 0"));
}

#[tokio::test]
async fn a_new_issuer_is_taken_in_when_its_keys_are_there_and_not_before() {
    let (idp, other) = (Idp::start().await, Idp::start().await);
    let databricks = Databricks::builder().trust(&idp).trust(&other).start().await;
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    other.faults().inject("/", Fault::Reset, usize::MAX);
    gateway.reconfigure_in_vain(|text| text + &issuer(&other)).await;
    assert!(gateway.health().readiness().is_ready());
    let fault = gateway.health().faulty_configuration().unwrap();
    assert!(
        fault.contains(&format!("no keys of issuer {}: ", other.issuer())),
        "{fault}"
    );
    let alice = idp.mint("alice");
    assert_eq!(gateway.get(ME, &alice).await.user(), "alice");

    other.faults().clear();
    gateway.reconfigure(|text| text).await;
    assert_eq!(gateway.health().faulty_configuration(), None);
    assert_eq!(gateway.get(ME, &other.mint("bob")).await.user(), "bob");
}

/// Is told, and does nothing.
struct Nobody;

impl AccessSink for Nobody {
    fn record(&self, _: &AccessRecord<'_>) {}
    fn refused(&self, _: &RefusalRecord) {}
}

#[tokio::test]
async fn what_is_seen_once_is_not_acted_upon() {
    let (gateway, databricks, idp) = trio().await;
    drop(gateway);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("lakegate.toml");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n{}[[workspace]]\nurl = \"{}\"",
        issuer(&idp),
        databricks.url()
    );
    std::fs::write(&path, &text).unwrap();
    let config = Config::load(&path).unwrap();
    let mut serving = Serving::start(&config, Arc::new(Nobody)).unwrap();
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    serving.follow(move || match counted.fetch_add(1, Ordering::Relaxed) {
        // As half of a file would be.
        0 => Config::load(std::path::Path::new("nowhere")),
        _ => Ok(config.clone()),
    });
    eventually("it looks again, and again", async || {
        looks.load(Ordering::Relaxed) > 2
    })
    .await;
    assert_eq!(serving.health().reloads(), (0, 0));
}

#[tokio::test]
async fn fifty_new_configurations_under_load_fail_no_request() {
    let (gateway, databricks, idp) = trio().await;
    let gateway = Arc::new(gateway);
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let (gateway, over, answered) = (Arc::clone(&gateway), Arc::clone(&over), Arc::clone(&answered));
        let (user, token) = (format!("user-{caller}"), idp.mint(&format!("user-{caller}")));
        callers.spawn(async move {
            let mut client = gateway.client().await;
            while !over.load(Ordering::Relaxed) {
                let answer = client.send(Call::get(ME).bearer(&token)).await;
                assert_eq!(answer.user(), user);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let sizes = |number| format!("max_target_size = {}", 2048 + number);
    gateway
        .reconfigure(|text| text.replace("[server]", &format!("[server]\n{}", sizes(0))))
        .await;
    for number in 1..50 {
        let served = answered.load(Ordering::Relaxed);
        gateway
            .reconfigure(|text| text.replace(&sizes(number - 1), &sizes(number)))
            .await;
        eventually("requests are answered meanwhile", async || {
            answered.load(Ordering::Relaxed) > served
        })
        .await;
    }
    over.store(true, Ordering::Relaxed);
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    for caller in 0..8 {
        assert_eq!(databricks.exchanges(&format!("user-{caller}")), 1);
    }
    assert_eq!(gateway.counters().connections_total, 8);
    assert_eq!(gateway.health().reloads(), (50, 0));
}
