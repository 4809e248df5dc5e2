//! The workspace hears at once of a client that has left: its connection ends, well before any time-out. Of one that leaves
//! before there is a request, it hears nothing.

use std::time::Duration;

use proxy::Outcome;
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use testbed::{Authority, Databricks, Idp};
use tokio::time::timeout;

use crate::harness::{Call, Gateway, ME, Upstream, Wire, by_hand, eventually, forwarded, tls};

fn head(method: &str, token: &str, fields: &str) -> String {
    format!("{method} /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{fields}\r\n")
}

/// The workspace reads its connection to the end, and the gateway has nothing left of the request.
async fn is_told(workspace: &mut Wire, gateway: &Gateway) -> Vec<u8> {
    let rest = workspace.rest().await;
    let record = gateway.record().await;
    // A body that breaks off has its answer, even if nobody is left to read it.
    let unread = record.failure == Some("REQUEST_BODY_BROKEN");
    assert!(record.outcome == Outcome::ClientLeft || unread, "{record:?}");
    eventually("nothing is in flight", async || gateway.counters().in_flight == 0).await;
    rest
}

async fn sent(wire: &mut Wire, upstream: &Upstream, request: &str) -> Wire {
    wire.say(request).await;
    upstream.accept().await.1
}

#[tokio::test]
async fn before_the_answer() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let mut workspace = sent(&mut wire, &upstream, &head("GET", &token, "")).await;
    drop(wire);
    assert_eq!(is_told(&mut workspace, &gateway).await, b"");
}

#[tokio::test]
async fn before_the_answer_to_a_whole_body() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let request = head("POST", &token, "Content-Length: 5\r\n") + "hello";
    let mut workspace = sent(&mut wire, &upstream, &request).await;
    assert_eq!(workspace.exactly(5).await, b"hello");
    drop(wire);
    assert_eq!(is_told(&mut workspace, &gateway).await, b"");
}

#[tokio::test]
async fn in_the_middle_of_the_answer() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let mut workspace = sent(&mut wire, &upstream, &head("GET", &token, "")).await;
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na part")
        .await;
    assert_eq!(wire.head().await.status(), 200);
    assert_eq!(wire.exactly(6).await, b"a part");
    drop(wire);
    assert_eq!(is_told(&mut workspace, &gateway).await, b"");
}

#[tokio::test]
async fn in_the_middle_of_an_answer_that_it_did_not_read() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let mut workspace = sent(&mut wire, &upstream, &head("GET", &token, "")).await;
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        .await;
    assert_eq!(wire.head().await.status(), 200);
    let bulk = vec![0; 1 << 20];
    // Until nobody takes any more of it, however much the kernel does.
    while timeout(Duration::from_millis(500), workspace.say(&bulk))
        .await
        .is_ok()
    {}
    drop(wire);
    while workspace.try_say(&bulk).await.is_ok() {}
    assert_eq!(gateway.record().await.outcome, Outcome::ClientLeft);
}

#[tokio::test]
async fn in_the_middle_of_an_upload() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let request = head("PUT", &token, "Content-Length: 100\r\n") + "a part";
    let mut workspace = sent(&mut wire, &upstream, &request).await;
    assert_eq!(workspace.exactly(6).await, b"a part");
    drop(wire);
    assert_eq!(is_told(&mut workspace, &gateway).await, b"");
}

#[tokio::test]
async fn in_the_middle_of_an_upload_of_unknown_length() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let request = head("PUT", &token, "Transfer-Encoding: chunked\r\n");
    let mut workspace = sent(&mut wire, &upstream, &request).await;
    wire.say_chunk(b"a part").await;
    assert_eq!(workspace.chunk().await, b"a part");
    drop(wire);
    assert_eq!(is_told(&mut workspace, &gateway).await, b"", "no last chunk");
}

/// The beginnings of a request's head after which clients leave.
const BEGINNINGS: [&str; 4] = [
    "G",
    "GET /x HTTP/1.1\r\n",
    "GET /x HTTP/1.1\r\nHost: x\r\nAuthor",
    "GET /x HTTP/1.1\r\nHost: x\r\n",
];

/// At each of these beginnings, one client ends its connection and another resets it; the gateway has one place.
async fn come_and_leave(gateway: &Gateway, beginnings: &[impl AsRef<[u8]>]) {
    for beginning in beginnings {
        for resets in [false, true] {
            let mut wire = gateway.wire().await;
            wire.say(beginning).await;
            eventually("a connection", async || gateway.counters().connections == 1).await;
            if resets {
                wire.reset();
            } else {
                drop(wire);
            }
            eventually("a place", async || gateway.counters().connections == 0).await;
        }
    }
}

#[tokio::test]
async fn in_the_middle_of_a_requests_head() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("max_connections = 1")
        .start()
        .await;
    come_and_leave(&gateway, &BEGINNINGS).await;
    assert!(forwarded(&databricks).is_empty());
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");
}

#[tokio::test]
async fn in_the_middle_of_the_tls_handshake() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .server("max_connections = 1")
        .start()
        .await;
    let name = ServerName::try_from("localhost").unwrap();
    let mut hello = Vec::new();
    let mut client = ClientConnection::new(tls::trusting(&authority), name).unwrap();
    client.write_tls(&mut hello).unwrap();
    // Of its first message, one byte, its half, and all of it.
    come_and_leave(&gateway, &[&hello[..1], &hello[..hello.len() / 2], &hello]).await;
    assert!(forwarded(&databricks).is_empty());
    let call = Call::get(ME).bearer(&idp.mint("alice"));
    let answer = gateway.tls_client(&authority).await.send(call).await;
    assert_eq!(answer.user(), "alice");
}
