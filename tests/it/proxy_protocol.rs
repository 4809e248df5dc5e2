use testbed::{Authority, Databricks, Idp};

use crate::harness::{Gateway, ME, forwarded};

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

fn get(token: &str) -> String {
    format!("GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// Version 2, from 192.0.2.7 port 50000.
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x07\xC6\x33\x64\x01\xC3\x50\x01\xBB";
const TEXT: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n";

const TRUSTED: &str = "proxy_protocol = [\"127.0.0.0/8\"]\n";

#[tokio::test]
async fn the_log_shows_the_client_that_a_load_balancer_speaks_for() {
    let (gateway, _, token) = behind(TRUSTED).await;
    for header in [TEXT, BINARY] {
        let mut wire = gateway.wire().await;
        wire.say([header, get(&token).as_bytes()].concat()).await;
        assert_eq!(wire.answer().await.user(), "alice");
        assert_eq!(gateway.record().await.client.to_string(), "192.0.2.7:50000");
        wire.say(get(&token)).await;
        assert_eq!(
            wire.answer().await.user(),
            "alice",
            "the header stands before the first request alone"
        );
        assert_eq!(gateway.record().await.client.to_string(), "192.0.2.7:50000");
    }
}

#[tokio::test]
async fn a_load_balancer_that_speaks_for_itself_is_the_client() {
    let (gateway, _, token) = behind(TRUSTED).await;
    let mut wire = gateway.wire().await;
    wire.say(format!("PROXY UNKNOWN\r\n{}", get(&token))).await;
    assert_eq!(wire.answer().await.user(), "alice");
    assert!(gateway.record().await.client.ip().is_loopback());
}

#[tokio::test]
async fn a_load_balancer_that_says_nothing_is_not_served() {
    let (gateway, databricks, token) = behind(TRUSTED).await;
    let mut wire = gateway.wire().await;
    wire.say(get(&token)).await;
    assert_eq!(wire.rest().await, b"");
    assert_eq!((forwarded(&databricks).len(), databricks.token_calls()), (0, 0));
}

#[tokio::test]
async fn a_header_that_does_not_come_to_an_end_is_cut_off() {
    let (gateway, _, _) = behind(&format!("{TRUSTED}header_timeout = \"200ms\"")).await;
    for beginning in [&TEXT[..20], &BINARY[..20], b""] {
        let mut wire = gateway.wire().await;
        wire.say(beginning).await;
        assert_eq!(wire.rest().await, b"");
    }
}

#[tokio::test]
async fn nobody_else_may_say_who_the_client_is() {
    for server in ["", "proxy_protocol = [\"192.0.2.0/24\", \"::1\"]"] {
        let (gateway, databricks, token) = behind(server).await;
        for header in [TEXT, BINARY] {
            let mut wire = gateway.wire().await;
            wire.say([header, get(&token).as_bytes()].concat()).await;
            let answer = String::from_utf8(wire.rest().await).unwrap();
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
        assert_eq!((forwarded(&databricks).len(), databricks.token_calls()), (0, 0));
        let mut wire = gateway.wire().await;
        wire.say(get(&token)).await;
        assert_eq!(wire.answer().await.user(), "alice");
        assert!(gateway.record().await.client.ip().is_loopback());
    }
}

#[tokio::test]
async fn the_limit_of_connections_is_each_clients_own_behind_one_load_balancer() {
    let (gateway, _, token) = behind(&format!("{TRUSTED}max_connections_per_client = 1")).await;
    let mut kept = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2"] {
        let mut wire = gateway.wire().await;
        let header = format!("PROXY TCP4 {client} 198.51.100.1 50000 443\r\n");
        wire.say(header.clone() + &get(&token)).await;
        assert_eq!(wire.answer().await.user(), "alice");
        kept.push(wire);

        let mut second = gateway.wire().await;
        second.say(header).await;
        assert_eq!(second.rest().await, b"");
    }
    assert_eq!(gateway.counters().connections_refused, 2);
}

#[tokio::test]
async fn the_header_stands_before_the_handshake() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let authority = Authority::new();
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .server(TRUSTED)
        .start()
        .await;
    let mut client = gateway.tls_client_after(BINARY, &authority).await;
    let call = crate::harness::Call::get(ME).bearer(&idp.mint("alice"));
    assert_eq!(client.send(call).await.user(), "alice");
    assert_eq!(gateway.record().await.client.to_string(), "192.0.2.7:50000");
}
