use futures_util::{SinkExt as _, StreamExt as _};
use http::Request;
use proxy::{Drained, Outcome};
use testbed::{Authority, Databricks, Idp};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::{Call, Gateway, Head, ME, Upstream, Wire, by_hand, eventually, forwarded, soon, trio};

/// Where the Databricks CLI's `ssh` connects to; the fake one says everything back.
const SSH: &str = "/driver-proxy-api/o/7405600000000001/0123-456789-abcdefgh/7772/ssh?id=1";

/// A workspace that agrees.
const AGREED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// A request for WebSocket, with these fields too.
fn asking(token: &str, fields: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
    )
}

fn handshake(token: &str) -> Request<()> {
    let mut request = format!("ws://localhost{SSH}").into_client_request().unwrap();
    let credential = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("authorization", credential);
    request
}

async fn websocket<S>(transport: S, token: &str) -> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let connecting = Box::pin(client_async(handshake(token), transport));
    soon(connecting).await.expect("a WebSocket").0
}

/// What comes back is what was sent.
async fn echoes<S>(socket: &mut WebSocketStream<S>, message: Message)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    soon(socket.send(message.clone())).await.expect("an open socket");
    let echo = soon(socket.next()).await.expect("an echo");
    assert_eq!(echo.expect("an open socket"), message);
}

/// A gateway, both ends of a tunnel through it, by hand, and a token for more.
async fn tunnel(server: &str) -> (Gateway, Upstream, Wire, Wire, String) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = Upstream::start().await;
    let gateway = Gateway::in_front_of_url(&upstream.url(), &databricks, &idp)
        .server(server)
        .start()
        .await;
    let (mut client, token) = (gateway.wire().await, idp.mint("alice"));
    client.say(asking(&token, "")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say(AGREED).await;
    assert_eq!(client.head().await.status(), 101);
    (gateway, upstream, client, workspace, token)
}

/// Nothing of an upgrade is in it.
fn is_ordinary(head: &Head) -> bool {
    ["connection", "upgrade", "http2-settings"]
        .iter()
        .all(|name| head.values(name).is_empty())
}

#[tokio::test]
async fn a_websocket_carries_messages_both_ways_under_the_swapped_token() {
    let (gateway, databricks, idp) = trio().await;
    let mut socket = websocket(gateway.tcp().await, &idp.mint("alice")).await;
    echoes(&mut socket, Message::text("hello")).await;
    echoes(&mut socket, Message::binary(vec![7; 300_000])).await;
    echoes(&mut socket, Message::binary(vec![])).await;
    assert_eq!(gateway.counters().in_flight, 1);
    socket.close(None).await.unwrap();
    while soon(socket.next()).await.is_some_and(|message| message.is_ok()) {}
    drop(socket);

    let record = gateway.record().await;
    assert_eq!(
        (record.status, record.subject.as_deref()),
        (Some(101), Some("alice"))
    );
    assert!(record.request_bytes > 300_000 && record.response_bytes > 300_000);
    assert_eq!(record.outcome, Outcome::Complete);
    let seen = forwarded(&databricks).pop().unwrap();
    assert_eq!(
        (seen.target.as_str(), seen.identity.as_deref()),
        (SSH, Some("alice"))
    );
    assert_eq!(seen.values("connection"), ["upgrade"]);
    assert_eq!(seen.values("upgrade"), ["websocket"]);
}

#[tokio::test]
async fn a_websocket_runs_inside_tls() {
    let (authority, idp) = (Authority::new(), Idp::start().await);
    let databricks = Databricks::builder().trust(&idp).tls(&authority).start().await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .trust(&authority)
        .tls(&authority)
        .start()
        .await;
    let mut socket = websocket(gateway.tls(&authority, &[b"http/1.1"]).await, &idp.mint("alice")).await;
    echoes(&mut socket, Message::text("hello")).await;
    echoes(&mut socket, Message::binary(vec![7; 300_000])).await;
}

#[tokio::test]
async fn a_websocket_without_a_good_credential_is_refused() {
    let (gateway, databricks, idp) = trio().await;
    let refused = client_async(handshake(&idp.token("alice").forge()), gateway.tcp().await);
    let Err(Error::Http(answer)) = soon(refused).await else {
        panic!("not refused");
    };
    assert_eq!(answer.status(), 401);
    assert_eq!((forwarded(&databricks).len(), databricks.token_calls()), (0, 0));
}

#[tokio::test]
async fn an_upgrade_with_a_body_is_refused_and_nothing_is_forwarded() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let requests = [
        asking(&token, "Content-Length: 5\r\n") + "hello",
        asking(&token, "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n",
        asking(&token, "").replace("GET", "POST"),
        asking(&token, "Content-Length: 5\r\n").replace("GET", "POST") + "hello",
    ];
    for request in requests {
        let mut wire = gateway.wire().await;
        wire.say(request).await;
        wire.answer().await.failure(400, "BAD_REQUEST");
        assert_eq!(wire.rest().await, b"");
    }
    assert_eq!((forwarded(&databricks).len(), databricks.token_calls()), (0, 0));
}

#[tokio::test]
async fn a_wish_for_anything_but_websocket_alone_is_not_passed_on() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    let asking = asking(&token, "HTTP2-Settings: AAMAAABk\r\n");
    let others = [
        asking.replace("Upgrade: websocket", "Upgrade: h2c"),
        asking.replace("Upgrade: websocket", "Upgrade: websocket, h2c"),
        asking.replace("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: h2c"),
        asking.replace("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket"),
        asking.replace("keep-alive, Upgrade", "keep-alive"),
        asking.replace("HTTP/1.1", "HTTP/1.0"),
    ];
    let mut accepted = None;
    for request in others {
        wire.say(request.replace("HTTP2-Settings", "Connection: HTTP2-Settings\r\nHTTP2-Settings"))
            .await;
        let head = match &mut accepted {
            None => {
                let (head, workspace) = upstream.accept().await;
                accepted = Some(workspace);
                head
            }
            Some(workspace) => workspace.head().await,
        };
        assert!(is_ordinary(&head), "{head:?}");
        let workspace = accepted.as_mut().unwrap();
        workspace
            .say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
        assert_eq!(wire.answer().await.text(), "ok");
    }
}

#[tokio::test]
async fn what_follows_a_refused_upgrade_is_a_request_with_a_check_of_its_own() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    wire.say(asking(&token, "") + smuggled).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n")
        .await;
    let refused = wire.answer().await;
    assert_eq!((refused.status.as_u16(), refused.has("upgrade")), (426, false));
    wire.answer().await.failure(401, "NO_CREDENTIAL");

    // On the same connection to the workspace, the next thing is the next good request.
    wire.say(format!(
        "GET /next HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    ))
    .await;
    assert_eq!(workspace.head().await.start, "GET /next HTTP/1.1");
    assert_eq!(gateway.counters().upstream_opened, 1);
}

#[tokio::test]
async fn what_is_said_early_goes_through_the_tunnel_once_there_is_one() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(asking(&token, "") + "early").await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say(format!("{AGREED}at once")).await;
    let switched = wire.head().await;
    assert_eq!(switched.start, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(switched.values("upgrade"), ["websocket"]);
    assert_eq!(switched.values("connection"), ["upgrade"]);
    assert_eq!(wire.exactly(7).await, b"at once");
    assert_eq!(workspace.exactly(5).await, b"early");
}

#[tokio::test]
async fn a_switch_to_anything_else_than_what_was_asked_for_is_a_502() {
    let (gateway, upstream, _, token) = by_hand().await;
    let others = [
        AGREED.replace("websocket", "h2c"),
        AGREED.replace("websocket", "websocket, h2c"),
        AGREED.replace("Upgrade: websocket\r\n", ""),
        AGREED.replace("Connection: Upgrade\r\n", ""),
    ];
    for other in others {
        let mut wire = gateway.wire().await;
        wire.say(asking(&token, "")).await;
        let (_, mut workspace) = upstream.accept().await;
        workspace.say(other + "HTTP/1.1 200 OK\r\n\r\n").await;
        wire.answer().await.failure(502, "UPSTREAM_UNEXPECTED_UPGRADE");
        assert_eq!(workspace.rest().await, b"", "a connection in doubt is closed");
    }
    assert_eq!(gateway.counters().upstream_reused, 0);
}

#[tokio::test]
async fn a_switch_has_no_length_and_no_cookies() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(asking(
        &token,
        "Content-Length: 0\r\nSec-WebSocket-Protocol: a, b\r\n",
    ))
    .await;
    let (asked, mut workspace) = upstream.accept().await;
    assert_eq!(asked.values("content-length"), [""; 0]);
    assert_eq!(asked.values("sec-websocket-protocol"), ["a, b"]);
    let fields = "\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nSec-WebSocket-Protocol: b\r\n\r\n";
    workspace.say(AGREED.replace("\r\n\r\n", fields) + "hello").await;
    let switched = wire.head().await;
    for name in ["content-length", "transfer-encoding", "set-cookie"] {
        assert_eq!(switched.values(name), [""; 0], "{name}");
    }
    assert_eq!(switched.values("sec-websocket-protocol"), ["b"]);
    assert_eq!(wire.exactly(5).await, b"hello");
}

#[tokio::test]
async fn a_side_that_ends_its_half_still_hears_the_other() {
    let (gateway, _upstream, mut client, mut workspace, _) = tunnel("").await;
    client.say("last words").await;
    client.end().await;
    assert_eq!(workspace.rest().await, b"last words");
    workspace.say("an answer").await;
    assert_eq!(client.exactly(9).await, b"an answer");
    workspace.end().await;
    assert_eq!(client.rest().await, b"");
    let record = gateway.record().await;
    assert_eq!((record.request_bytes, record.response_bytes), (10, 9));
    assert_eq!(record.outcome, Outcome::Complete);
}

#[tokio::test]
async fn a_side_that_leaves_takes_the_other_along() {
    let (_gateway, _upstream, client, mut workspace, _) = tunnel("").await;
    drop(client);
    assert_eq!(workspace.rest().await, b"");
    let (_gateway, _upstream, mut client, workspace, _) = tunnel("").await;
    drop(workspace);
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_connection_that_was_a_tunnel_serves_no_other_request() {
    let (gateway, upstream, mut client, mut workspace, token) = tunnel("").await;
    client.end().await;
    workspace.rest().await;
    workspace.end().await;
    assert_eq!(client.rest().await, b"");
    let mut next = gateway.wire().await;
    next.say(format!(
        "GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    ))
    .await;
    upstream.accept().await;
    assert_eq!(gateway.counters().upstream_opened, 2);
}

#[tokio::test]
async fn a_tunnel_outlives_the_time_for_heads_and_for_rest() {
    let timeouts = "header_timeout = \"250ms\"\nidle_timeout = \"250ms\"";
    let (gateway, _upstream, mut client, mut workspace, _) = tunnel(timeouts).await;
    // A connection that is opened later ends for its rest, and one for its head, while the tunnel goes on.
    for _ in 0..2 {
        client.say("G").await;
        assert_eq!(workspace.exactly(1).await, b"G");
        gateway.wire().await.rest().await;
        let mut slow = gateway.wire().await;
        slow.say("G").await;
        slow.rest().await;
        workspace.say("x").await;
        assert_eq!(client.exactly(1).await, b"x");
    }
}

#[tokio::test]
async fn a_tunnel_in_which_nothing_moves_is_cut() {
    let (gateway, _upstream, mut client, mut workspace, _) = tunnel("tunnel_idle_timeout = \"100ms\"").await;
    assert_eq!(client.rest().await, b"");
    assert_eq!(workspace.rest().await, b"");
    assert_eq!(gateway.record().await.outcome, Outcome::TunnelCut);
}

#[tokio::test]
async fn a_tunnel_counts_as_a_connection_while_it_lives() {
    let (gateway, _upstream, client, workspace, _) = tunnel("max_connections = 1").await;
    let mut second = gateway.client().await;
    let waiting = tokio::spawn(async move { second.try_send(Call::get(ME)).await });
    assert_eq!(gateway.counters().connections, 1);
    assert_eq!(gateway.counters().connections_total, 1);
    assert!(!waiting.is_finished());
    drop((client, workspace));
    let answer = soon(waiting).await.unwrap().expect("an answer");
    answer.failure(401, "NO_CREDENTIAL");
    eventually("no tunnel any more", async || gateway.counters().in_flight == 0).await;
}

#[tokio::test]
async fn a_drain_waits_for_tunnels() {
    let (mut gateway, _upstream, mut client, mut workspace, _) = tunnel("").await;
    let drained = tokio::spawn(gateway.take_serving().drain());
    eventually("a closed port", async || {
        tokio::net::TcpStream::connect(gateway.address()).await.is_err()
    })
    .await;
    client.say("still here").await;
    assert_eq!(workspace.exactly(10).await, b"still here");
    assert!(!drained.is_finished());
    drop((client, workspace));
    assert_eq!(soon(drained).await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn a_drain_cuts_the_tunnels_that_stay() {
    let (mut gateway, _upstream, mut client, mut workspace, _) = tunnel("drain_timeout = \"100ms\"").await;
    let drained = soon(gateway.take_serving().drain()).await;
    assert!(matches!(drained, Drained::Cut(cut) if cut > 0), "{drained:?}");
    assert_eq!(client.rest().await, b"");
    assert_eq!(workspace.rest().await, b"");
    assert_eq!(gateway.record().await.status, Some(101));
}
