use http::Method;
use testbed::{Databricks, Fault, Idp};

use crate::harness::{Call, Gateway, ME, Wire, by_hand, forwarded, trio};

const FILE: &str = "/api/2.0/fs/files/Volumes/main/default/wire.bin";

/// A request that sends its body once it is asked for it.
fn expecting(token: &str) -> String {
    format!(
        "PUT {FILE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 5\r\n\
         Expect: 100-continue\r\n\r\n"
    )
}

fn get(token: &str) -> String {
    format!("GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// The answer is the first thing that is said, and the last: the body that was announced is not waited for.
async fn is_refused_unasked(wire: &mut Wire, status: u16, reason: &str) {
    wire.answer().await.failure(status, reason);
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test]
async fn a_body_is_asked_for_once_it_has_somewhere_to_go() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(expecting(&token)).await;
    let (head, mut workspace) = upstream.accept().await;
    assert_eq!(head.values("expect"), [""; 0]);
    assert_eq!(wire.head().await.start, "HTTP/1.1 100 Continue");
    wire.say("hello").await;
    assert_eq!(workspace.exactly(5).await, b"hello");
    workspace.say("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(wire.head().await.status(), 204);
}

#[tokio::test]
async fn a_body_is_not_asked_for_from_whom_databricks_refuses() {
    let (gateway, databricks, idp) = trio().await;
    databricks.set_users(&["bob"]);
    let mut wire = gateway.wire().await;
    wire.say(expecting(&idp.mint("alice"))).await;
    is_refused_unasked(&mut wire, 401, "EXCHANGE_DENIED").await;
    assert_eq!((databricks.token_calls(), forwarded(&databricks).len()), (1, 0));
}

#[tokio::test]
async fn a_body_is_not_asked_for_when_there_is_no_token_to_be_had() {
    let (gateway, databricks, idp) = trio().await;
    let outage = Fault::Answer(503, Vec::new(), String::new());
    databricks.faults().inject("/oidc/v1/token", outage, usize::MAX);
    let mut wire = gateway.wire().await;
    wire.say(expecting(&idp.mint("alice"))).await;
    is_refused_unasked(&mut wire, 503, "EXCHANGE_UNAVAILABLE").await;
}

#[tokio::test]
async fn a_body_is_not_asked_for_when_the_workspace_cannot_be_reached() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of_url("http://127.0.0.1:1", &databricks, &idp)
        .start()
        .await;
    let mut wire = gateway.wire().await;
    wire.say(expecting(&idp.mint("alice"))).await;
    is_refused_unasked(&mut wire, 503, "UPSTREAM_UNREACHABLE").await;
}

#[tokio::test]
async fn a_body_that_was_refused_unasked_is_not_taken_for_a_request() {
    let (gateway, _, idp) = trio().await;
    let mut wire = gateway.wire().await;
    let body = get(&idp.mint("alice"));
    let refused = expecting("none").replace("Length: 5", &format!("Length: {}", body.len()));
    let last = get(&idp.mint("bob")).replace("Host: x", "Host: x\r\nConnection: close");
    wire.say(refused + &body + &last).await;
    wire.answer().await.failure(401, "JWT_MALFORMED");
    // Then comes the next request's answer, or the end.
    let rest = String::from_utf8(wire.rest().await).unwrap();
    assert!(!rest.contains("alice"), "{rest}");
}

#[tokio::test]
async fn an_interim_answer_during_an_upload_does_not_end_it() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(expecting(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(wire.head().await.start, "HTTP/1.1 100 Continue");
    wire.say("he").await;
    assert_eq!(workspace.exactly(2).await, b"he");
    workspace.say("HTTP/1.1 102 Processing\r\n\r\n").await;
    assert_eq!(wire.head().await.start, "HTTP/1.1 102 Processing");
    wire.say("llo").await;
    assert_eq!(workspace.exactly(3).await, b"llo");
    workspace
        .say("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.status, 201);
}

#[tokio::test]
async fn ranges_come_back_as_they_were_asked_for() {
    let (gateway, _, idp) = trio().await;
    let token = idp.mint("alice");
    let mut client = gateway.client().await;
    client
        .send(Call::put(FILE).bearer(&token).body("0123456789"))
        .await;
    for (range, status, content_range, content) in [
        ("bytes=2-4", 206, "bytes 2-4/10", Some("234")),
        ("bytes=-3", 206, "bytes 7-9/10", Some("789")),
        ("bytes=8-", 206, "bytes 8-9/10", Some("89")),
        ("bytes=99-", 416, "bytes */10", None),
    ] {
        let part = client
            .send(Call::get(FILE).bearer(&token).field("range", range))
            .await;
        assert_eq!(
            (part.status.as_u16(), part.header("content-range")),
            (status, content_range)
        );
        if let Some(content) = content {
            assert_eq!(
                (part.text(), part.header("content-length")),
                (content, content.len().to_string().as_str())
            );
        }
    }
    let described = Call::new(Method::HEAD, FILE).bearer(&token);
    assert_eq!(client.send(described).await.header("content-length"), "10");
}

#[tokio::test]
async fn what_is_compressed_stays_as_it_is() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    // Whether it is gzip at all is none of the gateway's business.
    let content = b"\x1f\x8b\x08\x00not really\x00\xff";
    let coded = format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n", content.len());
    wire.say(format!(
        "POST /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nAccept-Encoding: gzip, deflate\r\n{coded}\r\n"
    ))
    .await;
    wire.say(content).await;
    let (head, mut workspace) = upstream.accept().await;
    assert_eq!(head.values("accept-encoding"), ["gzip, deflate"]);
    assert_eq!(head.values("content-encoding"), ["gzip"]);
    assert_eq!(workspace.exactly(content.len()).await, content);

    workspace
        .say(format!("HTTP/1.1 200 OK\r\nVary: Accept-Encoding\r\n{coded}\r\n"))
        .await;
    workspace.say(content).await;
    let answer = wire.answer().await;
    assert_eq!(
        (answer.header("content-encoding"), &answer.body[..]),
        ("gzip", &content[..])
    );
}

#[tokio::test]
async fn long_fields_pass_in_both_directions() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    let long = "x".repeat(10_240);
    wire.say(get(&token).replace("Host: x", &format!("Host: x\r\nX-Long: {long}")))
        .await;
    let (head, mut workspace) = upstream.accept().await;
    assert_eq!(head.values("x-long"), [long.as_str()]);
    workspace
        .say(format!(
            "HTTP/1.1 200 OK\r\nX-Long: {long}\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
    assert_eq!(wire.answer().await.header("x-long"), long);
}
