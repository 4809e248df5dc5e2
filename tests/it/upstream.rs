mod early;
mod goaway;
mod names;
mod stale;

use testbed::{Databricks, Fault, Idp};
use tokio::net::TcpListener;

use crate::harness::{Call, Gateway, ME, by_hand, forwarded};

async fn impatient() -> (Gateway, Databricks, String) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .outbound("first_byte_timeout = \"1s\"")
        .start()
        .await;
    (gateway, databricks, idp.mint("alice"))
}

fn get(token: &str) -> String {
    format!("GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

#[tokio::test]
async fn a_workspace_that_is_not_there_is_a_503() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let gateway = Gateway::in_front_of_url(&url, &databricks, &idp).start().await;
    let answer = gateway.get(ME, &idp.mint("alice")).await;
    let message = answer.failure(503, "UPSTREAM_UNREACHABLE");
    assert!(
        !message.contains("127.0.0.1"),
        "where it is, is no caller's affair: {message}"
    );
    assert_eq!(answer.json()["error_code"], "TEMPORARILY_UNAVAILABLE");
}

#[tokio::test]
async fn a_workspace_that_never_finishes_its_handshake_is_a_503() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", mute.local_addr().unwrap());
    let gateway = Gateway::in_front_of_url(&url, &databricks, &idp)
        .outbound("connect_timeout = \"200ms\"")
        .start()
        .await;
    let answer = gateway.get(ME, &idp.mint("alice")).await;
    answer.failure(503, "UPSTREAM_UNREACHABLE");
}

#[tokio::test]
async fn a_connection_that_is_reset_after_the_request_is_a_502() {
    let (gateway, databricks, token) = impatient().await;
    databricks.faults().inject("/api/", Fault::Reset, 1);
    let answer = gateway
        .send(Call::post("/api/2.0/jobs/run-now").bearer(&token).body("{}"))
        .await;
    answer.failure(502, "UPSTREAM_BROKE");
    assert_eq!(answer.json()["error_code"], "BAD_GATEWAY");
    assert_eq!(forwarded(&databricks).len(), 1, "a job must not run twice");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
}

#[tokio::test]
async fn half_an_answers_head_is_a_502() {
    let (gateway, databricks, token) = impatient().await;
    databricks.faults().inject("/api/", Fault::HalfHead, 1);
    gateway.get(ME, &token).await.failure(502, "UPSTREAM_BROKE");
}

#[tokio::test]
async fn a_connection_that_is_reset_in_the_middle_of_an_answers_head_is_a_502() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(get(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say("HTTP/1.1 200 OK\r\nContent-Le").await;
    workspace.reset();
    wire.answer().await.failure(502, "UPSTREAM_BROKE");
}

#[tokio::test]
async fn a_connection_that_is_reset_in_the_middle_of_an_answer_breaks_it_off() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    for framing in [
        "Content-Length: 100\r\n\r\na part",
        "Transfer-Encoding: chunked\r\n\r\n6\r\na part\r\n",
    ] {
        wire.say(get(&token)).await;
        let (_, mut workspace) = upstream.accept().await;
        workspace.say(format!("HTTP/1.1 200 OK\r\n{framing}")).await;
        assert_eq!(wire.head().await.status(), 200);
        workspace.reset();
        let rest = wire.rest().await;
        assert!(!rest.ends_with(b"0\r\n\r\n"), "{}", rest.escape_ascii());
        assert_eq!(gateway.record().await.outcome.as_str(), "upstream_broke");
        wire = gateway.wire().await;
    }
}

#[tokio::test]
async fn a_workspace_that_ends_its_half_of_the_connection_has_nothing_more_to_say() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(get(&token)).await;
    let (_, mut silent) = upstream.accept().await;
    silent.end().await;
    wire.answer().await.failure(502, "UPSTREAM_BROKE");
    assert_eq!(silent.rest().await, b"", "the other half is closed as well");

    wire.say(get(&token)).await;
    let (_, mut whole) = upstream.accept().await;
    whole.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    whole.end().await;
    assert_eq!(wire.answer().await.text(), "ok");

    wire.say(get(&token)).await;
    let (_, mut part) = upstream.accept().await;
    part.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na part")
        .await;
    part.end().await;
    let rest = String::from_utf8(wire.rest().await).unwrap();
    // It promises nine bytes, if it still was worth a head.
    assert!(
        rest.is_empty() || rest.to_lowercase().contains("content-length: 9\r\n"),
        "{rest}"
    );
    for outcome in ["complete", "complete", "upstream_broke"] {
        assert_eq!(gateway.record().await.outcome.as_str(), outcome);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_a_502() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    for nonsense in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
    ] {
        wire.say(get(&token)).await;
        let (_, mut workspace) = upstream.accept().await;
        workspace.say(nonsense).await;
        wire.answer().await.failure(502, "UPSTREAM_BROKE");
    }
}

#[tokio::test]
async fn protocols_are_not_switched_without_being_asked() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(get(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
        .await;
    wire.answer().await.failure(502, "UPSTREAM_UNEXPECTED_UPGRADE");
    wire.say(get(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;
    assert_eq!(wire.answer().await.text(), "ok", "on another connection");
}

#[tokio::test]
async fn a_workspace_that_does_not_answer_is_a_504() {
    let (gateway, databricks, token) = impatient().await;
    databricks.faults().inject("/api/", Fault::Hang, 1);
    let answer = gateway.get(ME, &token).await;
    let message = answer.failure(504, "UPSTREAM_TIMED_OUT");
    assert_eq!(answer.json()["error_code"], "DEADLINE_EXCEEDED");
    for asks_for_retry in ["deadline exceeded", "Timed out after", "try again later"] {
        assert!(!message.contains(asks_for_retry), "{message}");
    }
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_passed_off_as_whole() {
    let (gateway, databricks, token) = impatient().await;
    databricks.faults().inject("/api/", Fault::HalfBody, 1);
    let mut client = gateway.client().await;
    let broken = client.try_send(Call::get(ME).bearer(&token)).await;
    assert!(broken.is_err(), "{broken:?}");
    assert_eq!(gateway.record().await.outcome.as_str(), "upstream_broke");
}

#[tokio::test]
async fn chunks_that_break_off_end_without_a_last_chunk() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(get(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        .await;
    assert_eq!(wire.head().await.status(), 200);
    assert_eq!(wire.chunk().await, b"one");
    drop(workspace);
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test]
async fn the_workspaces_own_errors_pass_untouched() {
    let (gateway, databricks, token) = impatient().await;
    for status in [400, 403, 404, 429, 500, 503] {
        let body = format!("{{\"error_code\":{status},\"message\":\"its own\"}}");
        let fields = vec![("retry-after".to_owned(), "17".to_owned())];
        databricks
            .faults()
            .inject("/api/", Fault::Answer(status, fields, body.clone()), 1);
        let answer = gateway.get(ME, &token).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (status, body.as_str()));
        assert_eq!(answer.header("retry-after"), "17");
        assert!(!answer.has("www-authenticate"));
        assert_eq!(gateway.record().await.failure, None);
    }
}

#[tokio::test]
async fn a_request_whose_body_is_no_http_is_a_400() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    let head = "PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    wire.say(format!(
        "{head}Authorization: Bearer {token}\r\n\r\n3\r\none\r\nzz\r\n"
    ))
    .await;
    let (_, mut workspace) = upstream.accept().await;
    assert_eq!(workspace.chunk().await, b"one");
    wire.answer().await.failure(400, "REQUEST_BODY_BROKEN");
    assert_eq!(workspace.rest().await, b"", "no last chunk");
}

#[tokio::test]
async fn every_answer_has_a_request_id_that_the_log_knows() {
    let (gateway, databricks, token) = impatient().await;
    databricks.faults().inject("/api/", Fault::Reset, 1);
    let answer = gateway.get(ME, &token).await;
    let record = gateway.record().await;
    assert_eq!(answer.header("x-request-id"), record.request_id);
    assert_eq!(
        (record.failure, record.status),
        (Some("UPSTREAM_BROKE"), Some(502))
    );
    assert_eq!(
        (record.path.as_str(), record.subject.as_deref()),
        (ME, Some("alice"))
    );
}
