use proxy::Outcome;
use testbed::{Databricks, Idp};

use crate::harness::{Call, Gateway, ME, Upstream, Wire, eventually, forwarded, soon};

/// A gateway with these lines in `[server]` and in `[outbound]`, in front of a workspace that speaks by hand; a good JWT.
async fn by_hand(server: &str, outbound: &str) -> (Gateway, Upstream, String) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = Upstream::start().await;
    let gateway = Gateway::in_front_of_url(&upstream.url(), &databricks, &idp)
        .server(server)
        .outbound(outbound)
        .start()
        .await;
    (gateway, upstream, idp.mint("alice"))
}

async fn behind(server: &str) -> (Gateway, Databricks, String) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let builder = Gateway::in_front_of(&databricks, &idp);
    (
        builder.server(server).start().await,
        databricks,
        idp.mint("alice"),
    )
}

fn head(method: &str, token: &str, fields: &str) -> String {
    format!("{method} /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{fields}\r\n")
}

/// About half a second, as the gateway's own clock goes: a connection rests until it is closed.
async fn a_while(gateway: &Gateway) {
    assert_eq!(gateway.wire().await.rest().await, b"");
}

const IDLE: &str = "idle_timeout = \"500ms\"\n";

/// An answer without an end has begun on both wires.
async fn endless(gateway: &Gateway, upstream: &Upstream, token: &str) -> (Wire, Wire) {
    let mut wire = gateway.wire().await;
    wire.say(head("GET", token, "")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        .await;
    assert_eq!(wire.head().await.status(), 200);
    (wire, workspace)
}

#[tokio::test]
async fn a_request_body_that_stands_still_is_a_408_and_half_of_it_is_not_passed_off_as_whole() {
    let (gateway, upstream, token) = by_hand("body_idle_timeout = \"200ms\"", "").await;
    for (framing, part) in [
        ("Content-Length: 10\r\n", "1234"),
        ("Transfer-Encoding: chunked\r\n", "4\r\n1234\r\n"),
    ] {
        let mut wire = gateway.wire().await;
        wire.say(head("PUT", &token, framing) + part).await;
        let (_, mut workspace) = upstream.accept().await;
        let answer = wire.answer().await;
        answer.failure(408, "REQUEST_BODY_STALLED");
        assert_eq!(answer.header("connection"), "close");
        assert_eq!(wire.rest().await, b"");
        assert_eq!(workspace.rest().await, part.as_bytes());
    }
}

#[tokio::test]
async fn an_upload_that_moves_outlives_the_time_for_standing_still() {
    let limits = IDLE.to_owned() + "body_idle_timeout = \"2s\"\nheader_timeout = \"1s\"";
    let (gateway, upstream, token) = by_hand(&limits, "first_byte_timeout = \"2s\"").await;
    let mut wire = gateway.wire().await;
    wire.say(head("PUT", &token, "Transfer-Encoding: chunked\r\n"))
        .await;
    let (_, mut workspace) = upstream.accept().await;
    for _ in 0..5 {
        a_while(&gateway).await;
        wire.say_chunk(b"piece").await;
        assert_eq!(workspace.chunk().await, b"piece");
    }
    wire.say_chunk(b"").await;
    assert_eq!(workspace.chunk().await, b"");
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;
    assert_eq!(wire.answer().await.text(), "ok");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let (gateway, upstream, token) = by_hand("body_idle_timeout = \"300ms\"", "").await;
    let (wire, mut workspace) = endless(&gateway, &upstream, &token).await;
    let bulk = vec![0; 1 << 20];
    let mut kept = 0;
    while workspace.try_say(&bulk).await.is_ok() {
        kept += bulk.len();
        assert!(kept < 1 << 28, "somebody must keep all this");
    }
    assert_eq!(gateway.record().await.outcome, Outcome::ClientLeft);
    drop(wire);
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_not_cut_off() {
    let (gateway, upstream, token) = by_hand(&(IDLE.to_owned() + "body_idle_timeout = \"2s\""), "").await;
    let (mut wire, mut workspace) = endless(&gateway, &upstream, &token).await;
    let filling = tokio::spawn(async move {
        let bulk = vec![0; 1 << 20];
        while workspace.try_say(&bulk).await.is_ok() {}
    });
    for _ in 0..6 {
        a_while(&gateway).await;
        wire.exactly(1 << 20).await;
    }
    assert_eq!(gateway.counters().in_flight, 1, "it still streams");
    drop(wire);
    soon(filling).await.expect("the workspace hears of the end");
}

#[tokio::test]
async fn an_answer_that_stands_still_is_broken_off() {
    let (gateway, upstream, token) = by_hand("", "body_idle_timeout = \"300ms\"").await;
    let mut wire = gateway.wire().await;
    wire.say(head("GET", &token, "")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    workspace.say_chunk(b"piece").await;
    assert_eq!(wire.head().await.status(), 200);
    assert_eq!(wire.rest().await, b"5\r\npiece\r\n", "no last chunk");
    assert_eq!(workspace.rest().await, b"");
    assert_eq!(gateway.record().await.outcome, Outcome::UpstreamBroke);
}

#[tokio::test]
async fn an_answer_may_stand_still_while_its_request_moves() {
    let (gateway, upstream, token) = by_hand(IDLE, "body_idle_timeout = \"2s\"").await;
    let mut wire = gateway.wire().await;
    wire.say(head("POST", &token, "Transfer-Encoding: chunked\r\n"))
        .await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    assert_eq!(wire.head().await.status(), 200);
    for _ in 0..6 {
        a_while(&gateway).await;
        wire.say_chunk(b"question").await;
        assert_eq!(workspace.chunk().await, b"question");
    }
    workspace.say_chunk(b"answer").await;
    assert_eq!(wire.chunk().await, b"answer");
}

#[tokio::test]
async fn a_target_beyond_the_limit_is_a_414() {
    let (gateway, databricks, token) = behind("max_target_size = 1024").await;
    let target = |length| format!("{ME}?q={}", "x".repeat(length - ME.len() - 3));
    assert_eq!(gateway.get(&target(1024), &token).await.user(), "alice");
    let answer = gateway.get(&target(1025), &token).await;
    answer.failure(414, "TARGET_TOO_LONG");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(forwarded(&databricks).len(), 1);
}

#[tokio::test]
async fn fields_beyond_the_limit_are_a_431() {
    let (gateway, databricks, token) = behind("max_headers = 10").await;
    let call = |fields| (0..fields).fold(Call::get(ME).bearer(&token), |call, _| call.field("x-more", "1"));
    assert_eq!(gateway.send(call(8)).await.user(), "alice");
    assert_eq!(gateway.send(call(9)).await.status, 431);
    assert_eq!(forwarded(&databricks).len(), 1);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_a_413_and_not_asked_for() {
    let (gateway, databricks, token) = behind("max_body_size = 1000").await;
    let mut wire = gateway.wire().await;
    wire.say(head(
        "PUT",
        &token,
        "Content-Length: 1001\r\nExpect: 100-continue\r\n",
    ))
    .await;
    let answer = wire.answer().await;
    answer.failure(413, "REQUEST_BODY_TOO_LARGE");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!((forwarded(&databricks).len(), databricks.token_calls()), (0, 0));

    let call = Call::put("/testbed/echo").bearer(&token).body(vec![0; 1000]);
    assert_eq!(gateway.send(call).await.json()["body_bytes"], 1000);
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_a_413_and_breaks_off_upstream() {
    let (gateway, upstream, token) = by_hand("max_body_size = 10", "").await;
    let mut wire = gateway.wire().await;
    wire.say(head("PUT", &token, "Transfer-Encoding: chunked\r\n"))
        .await;
    let (_, mut workspace) = upstream.accept().await;
    wire.say_chunk(b"0123456789").await;
    assert_eq!(workspace.chunk().await, b"0123456789");
    wire.say_chunk(b"!").await;
    wire.answer().await.failure(413, "REQUEST_BODY_TOO_LARGE");
    assert_eq!(
        workspace.rest().await,
        b"",
        "no last chunk: half a file is no file"
    );
}

#[tokio::test]
async fn a_full_gateway_still_tells_what_clients_ask_before_they_begin() {
    let (gateway, upstream, token) = by_hand("max_requests_in_flight = 1", "").await;
    let _endless = endless(&gateway, &upstream, &token).await;
    for document in [
        "/.well-known/databricks-config",
        "/oidc/.well-known/oauth-authorization-server",
    ] {
        assert_eq!(gateway.send(Call::get(document)).await.status, 200, "{document}");
    }
    // Its drivers wait for a minute on any 5xx, and go on without it at once on a 400.
    let answer = gateway
        .send(Call::post("/oidc/v1/token").form("grant_type=any"))
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    gateway.get(ME, &token).await.failure(503, "OVERLOADED");
}

#[tokio::test]
async fn beyond_the_limit_of_requests_in_flight_is_a_503_at_once() {
    let (gateway, upstream, token) = by_hand("max_requests_in_flight = 1", "").await;
    let (wire, workspace) = endless(&gateway, &upstream, &token).await;
    let answer = gateway.get(ME, &token).await;
    answer.failure(503, "OVERLOADED");
    assert_eq!(answer.json()["error_code"], "TEMPORARILY_UNAVAILABLE");

    drop((wire, workspace));
    eventually("the place is free again", async || {
        gateway.counters().in_flight == 0
    })
    .await;
    let mut next = gateway.wire().await;
    for _ in 0..3 {
        next.say(head("GET", &token, "")).await;
        let (_, mut workspace) = upstream.accept().await;
        workspace
            .say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .await;
        assert_eq!(
            next.answer().await.status,
            200,
            "a place is given back with each answer"
        );
    }
}

#[tokio::test]
async fn a_client_with_too_many_connections_gets_no_more() {
    let (gateway, _, token) = behind("max_connections_per_client = 2").await;
    let mut first = gateway.wire().await;
    first.say(head("GET", &token, "").replace("/x", ME)).await;
    assert_eq!(first.answer().await.user(), "alice");
    let second = gateway.wire().await;
    eventually("two connections", async || gateway.counters().connections == 2).await;
    assert_eq!(gateway.wire().await.rest().await, b"");
    assert_eq!(gateway.counters().connections_refused, 1);
    let (_, metrics) = gateway.admin("/metrics").await;
    assert!(
        metrics.contains("lakegate_client_connections_refused_total 1"),
        "{metrics}"
    );

    drop(second);
    eventually("one has left", async || gateway.counters().connections == 1).await;
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
}

#[tokio::test]
async fn an_upload_that_fails_takes_its_answer_along_though_that_has_begun() {
    let (gateway, upstream, token) = by_hand("max_body_size = 10", "").await;
    let mut wire = gateway.wire().await;
    wire.say(head("PUT", &token, "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n")
        .await;
    let (_, mut workspace) = upstream.accept().await;
    assert_eq!(workspace.chunk().await, b"hello");
    workspace
        .say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        .await;
    assert_eq!(wire.head().await.status(), 200);
    assert_eq!(wire.chunk().await, b"ok");
    wire.say("6\r\n world\r\n").await;
    assert_eq!(wire.rest().await, b"", "cut, and not passed off as whole");
    assert!(!workspace.rest().await.ends_with(b"0\r\n\r\n"));
}
