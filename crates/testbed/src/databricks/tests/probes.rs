use serde_json::json;

use super::*;
use crate::random::to_hex;

async fn probe(workspace: &Databricks, path: &str) -> Reply {
    as_alice(workspace, Method::GET, path, &[], "").await
}

#[tokio::test]
async fn the_echo_tells_what_arrived_and_whose_token_it_was() {
    let (_idp, workspace) = both().await;
    let echo = as_alice(
        &workspace,
        Method::PUT,
        "/testbed/echo?a=b",
        &[("x-a", "1")],
        "body",
    )
    .await
    .json();

    assert_eq!(
        probe(&workspace, "/testbed/bytes/1")
            .await
            .header("x-testbed-caller"),
        "alice"
    );
    let headers = echo["headers"].as_array().unwrap();
    assert!(
        headers.contains(&json!(["authorization", "alice"])),
        "{headers:?}"
    );
    assert!(headers.contains(&json!(["x-a", "1"])));
    assert_eq!(
        (&echo["method"], &echo["target"]),
        (&json!("PUT"), &json!("/testbed/echo?a=b"))
    );
    assert_eq!(
        (&echo["identity"], &echo["body_bytes"]),
        (&json!("alice"), &json!(4))
    );
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"body");
    assert_eq!(echo["body_sha256"], to_hex(digest.as_ref()));
}

#[tokio::test]
async fn bytes_come_and_go_in_any_number() {
    let (_idp, workspace) = both().await;
    for length in [0, 1, 200_000] {
        let sent = probe(&workspace, &format!("/testbed/bytes/{length}")).await;
        assert_eq!(sent.header("content-length"), length.to_string());
        assert_eq!(sent.body.len(), length);
    }
    let sunk = as_alice(&workspace, Method::PUT, "/testbed/sink", &[], vec![0; 300_000]).await;
    assert_eq!(sunk.json()["body_bytes"], 300_000);
    assert_eq!(workspace.seen()[3].body_bytes, 300_000);
}

#[tokio::test]
async fn the_probes_answer_with_what_a_proxy_must_mind() {
    let (_idp, workspace) = both().await;

    let redirect = probe(&workspace, "/testbed/redirect").await;
    assert_eq!(
        (redirect.status.as_u16(), redirect.header("location")),
        (303, "/login")
    );
    let cookies = probe(&workspace, "/testbed/cookies").await;
    assert_eq!(cookies.headers.get_all("set-cookie").iter().count(), 2);
    let hops = probe(&workspace, "/testbed/hop-by-hop").await;
    assert_eq!(
        (hops.header("connection"), hops.header("x-private-hop")),
        ("x-private-hop, keep-alive", "1")
    );
    assert_eq!(hops.header("x-end-to-end"), "1");
    let token = bearer(&workspace.issue_token("alice"));
    let url = format!("{}/testbed/authorization", workspace.url());
    assert_eq!(
        get(&url, &[("authorization", &token)])
            .await
            .header("authorization"),
        token
    );
    assert_eq!(probe(&workspace, "/testbed/unknown").await.status, 404);
}
