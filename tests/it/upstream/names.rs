use testbed::{Databricks, Idp};

use crate::harness::{Gateway, ME};

#[tokio::test]
async fn a_name_that_nobody_knows_is_a_503() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    // RFC 6761 section 6.4: there is no such name, and never will be.
    let gateway = Gateway::in_front_of_url("https://workspace.invalid", &databricks, &idp)
        .outbound("connect_timeout = \"2s\"")
        .start()
        .await;
    let answer = gateway.get(ME, &idp.mint("alice")).await;
    let message = answer.failure(503, "UPSTREAM_UNREACHABLE");
    assert!(!message.contains("invalid"), "{message}");
    assert!(answer.has("retry-after"));
}
