use http::StatusCode;

use crate::harness::{Call, ME, eventually, soon, trio};

/// The value of this sample in a page of metrics.
fn sample(page: &str, name: &str) -> Option<f64> {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.parse().ok()
}

#[tokio::test]
async fn a_gateway_that_serves_is_alive_and_ready() {
    let (gateway, _, _idp) = trio().await;
    assert_eq!(
        gateway.admin("/livez").await,
        (StatusCode::OK, "alive\n".to_owned())
    );
    assert_eq!(
        gateway.admin("/readyz").await,
        (StatusCode::OK, "ready\n".to_owned())
    );
    assert_eq!(gateway.admin("/debug/pprof").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_metrics_tell_what_was_done() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    for _ in 0..3 {
        assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    }
    gateway
        .get(ME, &idp.token("alice").forge())
        .await
        .failure(401, "JWT_BAD_SIGNATURE");
    databricks.set_users(&[]);
    gateway
        .get(ME, &idp.mint("bob"))
        .await
        .failure(401, "EXCHANGE_DENIED");

    let (status, page) = gateway.admin("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let samples = [
        ("lakegate_ready", 1.0),
        ("lakegate_requests_total{class=\"2xx\"}", 3.0),
        ("lakegate_requests_total{class=\"4xx\"}", 2.0),
        (
            "lakegate_gateway_failures_total{reason=\"JWT_BAD_SIGNATURE\"}",
            1.0,
        ),
        ("lakegate_gateway_failures_total{reason=\"EXCHANGE_DENIED\"}", 1.0),
        ("lakegate_token_lookups_total{result=\"hit\"}", 2.0),
        ("lakegate_token_lookups_total{result=\"miss\"}", 2.0),
        ("lakegate_token_exchanges_total{outcome=\"granted\"}", 1.0),
        ("lakegate_token_exchanges_total{outcome=\"denied\"}", 1.0),
        ("lakegate_answer_seconds_count", 5.0),
    ];
    for (name, value) in samples {
        assert_eq!(sample(&page, name), Some(value), "{name} in {page}");
    }
    let of_issuer = |name: &str| sample(&page, &format!("lakegate_{name}{{issuer=\"{}\"}}", idp.issuer()));
    assert!(
        of_issuer("jwks_age_seconds").is_some_and(|age| age < 60.0),
        "{page}"
    );
    assert_eq!(of_issuer("jwks_keys"), Some(2.0));
    assert_eq!(of_issuer("jwks_fetches_total"), Some(1.0));
    assert!(page.ends_with("# EOF\n"), "OpenMetrics 1.0");
    assert!(!page.contains("alice"), "callers are no labels");
}

#[tokio::test]
async fn no_task_is_left_of_a_client_that_has_left() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let mut client = gateway.client().await;
    let answer = client.open(Call::get("/testbed/stream").bearer(&token)).await;
    let data = async || {
        let (_, page) = gateway.admin("/metrics").await;
        sample(&page, "lakegate_tasks{plane=\"data\"}").expect("a gauge")
    };
    assert!(data().await >= 1.0, "the client's connection");
    drop((client, answer));
    soon(databricks.stream_cancelled()).await;
    eventually("no task", async || data().await == 0.0).await;
}

#[tokio::test]
async fn the_admin_pages_are_not_on_the_callers_port() {
    let (gateway, databricks, idp) = trio().await;
    for page in ["/livez", "/readyz", "/metrics"] {
        // The workspace's own answer.
        assert_eq!(
            gateway.get(page, &idp.mint("alice")).await.status,
            StatusCode::NOT_FOUND
        );
        assert!(databricks.seen().iter().any(|seen| seen.target == page));
    }
}
