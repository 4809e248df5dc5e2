use proxy::Outcome;
use testbed::{Databricks, Idp};

use crate::harness::{Call, Gateway, ME, Upstream, eventually, forwarded, trio};

fn get(token: &str) -> String {
    format!("GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// A good, empty answer.
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn requests_on_one_connection_share_one_connection_to_the_workspace() {
    let (gateway, _, idp) = trio().await;
    let mut client = gateway.client().await;
    for user in ["alice", "bob", "alice", "carol", "alice"] {
        let call = Call::get(ME).bearer(&idp.mint(user));
        assert_eq!(client.send(call).await.user(), user);
    }
    let counters = gateway.counters();
    assert_eq!((counters.upstream_opened, counters.upstream_reused), (1, 4));
    assert_eq!(counters.connections_total, 1);
}

#[tokio::test]
async fn requests_in_one_packet_are_answered_in_order() {
    let (gateway, _, idp) = trio().await;
    let users = ["alice", "bob", "carol"];
    let requests: String = users.iter().map(|user| get(&idp.mint(user))).collect();
    let mut wire = gateway.wire().await;
    wire.say(requests).await;
    for user in users {
        assert_eq!(wire.answer().await.user(), user);
    }
}

#[tokio::test]
async fn a_connection_that_the_workspace_has_closed_is_not_used_again() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = Upstream::start().await;
    let gateway = Gateway::in_front_of_url(&upstream.url(), &databricks, &idp)
        .start()
        .await;
    let (mut wire, token) = (gateway.wire().await, idp.mint("alice"));
    for _ in 0..10 {
        wire.say(get(&token)).await;
        let (_, mut workspace) = upstream.accept().await;
        workspace.say(OK).await;
        assert_eq!(wire.answer().await.status, 200);
        // Without `Connection: close`, as servers do after their idle time.
        drop(workspace);
    }
    assert_eq!(gateway.counters().upstream_opened, 10);
}

#[tokio::test]
async fn a_connection_that_was_unused_for_too_long_is_closed() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = Upstream::start().await;
    let gateway = Gateway::in_front_of_url(&upstream.url(), &databricks, &idp)
        .outbound("pool_idle_timeout = \"50ms\"")
        .start()
        .await;
    let mut wire = gateway.wire().await;
    wire.say(get(&idp.mint("alice"))).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say(OK).await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(workspace.rest().await, b"");
}

#[tokio::test]
async fn a_body_is_asked_for_once_the_credential_is_good() {
    let (gateway, databricks, idp) = trio().await;
    let mut wire = gateway.wire().await;
    let head = "PUT /testbed/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n";
    wire.say(format!(
        "{head}Authorization: Bearer {}\r\n\r\n",
        idp.mint("alice")
    ))
    .await;
    assert_eq!(wire.head().await.start, "HTTP/1.1 100 Continue");
    wire.say("hello").await;
    let answer = wire.answer().await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["body_bytes"].as_u64()),
        (200, Some(5))
    );
    let seen = forwarded(&databricks);
    assert_eq!(seen.last().unwrap().values("expect"), [""; 0]);
}

#[tokio::test]
async fn a_body_is_not_asked_for_when_the_credential_is_bad() {
    let (gateway, databricks, idp) = trio().await;
    let mut wire = gateway.wire().await;
    let head = "PUT /testbed/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n";
    wire.say(format!(
        "{head}Authorization: Bearer {}\r\n\r\n",
        idp.token("alice").forge()
    ))
    .await;
    wire.answer().await.failure(401, "JWT_BAD_SIGNATURE");
    assert_eq!(databricks.token_calls(), 0);
}

#[tokio::test]
async fn the_body_of_a_refused_request_is_not_taken_for_a_request() {
    let (gateway, _, idp) = trio().await;
    let body = get(&idp.mint("alice"));
    let refused = format!(
        "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let last = get(&idp.mint("bob")).replace("Host: x", "Host: x\r\nConnection: close");
    let mut wire = gateway.wire().await;
    wire.say(refused + &body + &last).await;
    wire.answer().await.failure(401, "NO_CREDENTIAL");
    // Then comes the next request's answer, or the end.
    let rest = String::from_utf8(wire.rest().await).unwrap();
    assert!(!rest.contains("alice"), "{rest}");
}

#[tokio::test]
async fn a_head_that_does_not_come_to_an_end_is_cut_off() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("header_timeout = \"200ms\"\nidle_timeout = \"1h\"")
        .start()
        .await;
    let mut wire = gateway.wire().await;
    wire.say("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert_eq!(wire.rest().await, b"");

    let mut second = gateway.wire().await;
    second.say(get(&idp.mint("alice"))).await;
    assert_eq!(second.answer().await.user(), "alice");
    second.say("GET / HT").await;
    assert_eq!(
        second.rest().await,
        b"",
        "the second head on a connection as well"
    );
}

#[tokio::test]
async fn a_connection_that_rests_for_too_long_is_closed() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("idle_timeout = \"500ms\"")
        .start()
        .await;
    let mut silent = gateway.wire().await;
    assert_eq!(silent.rest().await, b"");

    let mut served = gateway.wire().await;
    served.say(get(&idp.mint("alice"))).await;
    assert_eq!(served.answer().await.user(), "alice");
    assert_eq!(served.rest().await, b"");
}

#[tokio::test]
async fn it_is_closed_after_an_answer_without_a_body_as_well() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = Upstream::start().await;
    let gateway = Gateway::in_front_of_url(&upstream.url(), &databricks, &idp)
        // With `h2c`, what begins the connection was read before anybody looked at the time.
        .server("h2c = true\nidle_timeout = \"300ms\"\nheader_timeout = \"1h\"\nbody_idle_timeout = \"1h\"")
        .outbound("first_byte_timeout = \"1h\"")
        .start()
        .await;
    let token = idp.mint("alice");
    let (length, chunks) = (
        "Content-Length: 2\r\n\r\nhi",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    );
    for (method, status) in [
        ("HEAD", "200 OK"),
        ("PUT", "204 No Content"),
        ("GET", "304 Not Modified"),
    ] {
        for body in ["\r\n", length, chunks] {
            let mut wire = gateway.wire().await;
            let head = format!("{method} /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
            wire.say(head + body).await;
            let (_, mut workspace) = upstream.accept().await;
            match body {
                "\r\n" => {}
                body if body == length => assert_eq!(workspace.exactly(2).await, b"hi"),
                _ => while !workspace.chunk().await.is_empty() {},
            }
            workspace
                .say(format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n"))
                .await;
            wire.head().await;
            assert_eq!(wire.rest().await, b"", "{method} {body}");
        }
    }
}

#[tokio::test]
async fn a_stream_outlives_the_time_for_heads_and_for_rest() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = Upstream::start().await;
    let gateway = Gateway::in_front_of_url(&upstream.url(), &databricks, &idp)
        .server("header_timeout = \"250ms\"\nidle_timeout = \"250ms\"")
        .outbound("first_byte_timeout = \"500ms\"\npool_idle_timeout = \"250ms\"")
        .start()
        .await;
    let mut wire = gateway.wire().await;
    wire.say(get(&idp.mint("alice"))).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    assert_eq!(wire.head().await.status(), 200);

    // Idle connections that are opened later end twice over while the stream goes on.
    for piece in ["one", "two"] {
        gateway.wire().await.rest().await;
        gateway.wire().await.rest().await;
        workspace.say_chunk(piece.as_bytes()).await;
        assert_eq!(wire.chunk().await, piece.as_bytes());
    }
}

#[tokio::test]
async fn beyond_the_limit_connections_wait_for_their_turn() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("max_connections = 1")
        .start()
        .await;
    let mut first = gateway.wire().await;
    first.say(get(&idp.mint("alice"))).await;
    assert_eq!(first.answer().await.user(), "alice");

    let mut second = gateway.wire().await;
    second.say(get(&idp.mint("bob"))).await;
    first.say(get(&idp.mint("alice"))).await;
    assert_eq!(first.answer().await.user(), "alice");
    assert_eq!(gateway.counters().connections_total, 1);
    drop(first);
    assert_eq!(second.answer().await.user(), "bob");
}

#[tokio::test]
async fn a_listener_that_waits_takes_no_place_from_the_others() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .and_listener()
        .server("max_connections = 1")
        .start()
        .await;
    let [one, other] = gateway.addresses()[..] else {
        panic!("two listeners");
    };
    for address in [one, one, other, other, one] {
        let mut wire = gateway.wire_to(address).await;
        wire.say(get(&idp.mint("alice"))).await;
        assert_eq!(wire.answer().await.user(), "alice");
    }
}

#[tokio::test]
async fn a_head_beyond_the_limits_is_a_431() {
    let (gateway, _, idp) = trio().await;
    let fields = "X-Many: 1\r\n".repeat(101);
    let bulk = format!("X-Bulk: {}\r\n", "x".repeat(70_000));
    for excess in [fields, bulk] {
        let mut wire = gateway.wire().await;
        let head = format!("GET {ME} HTTP/1.1\r\nHost: x\r\n{excess}");
        // It may be refused before it was said.
        let _ = wire.try_say(head + "\r\n").await;
        assert_eq!(wire.head().await.status(), 431);
    }
    let roomy = format!("X-Bulk: {}\r\n", "x".repeat(32_000));
    let mut wire = gateway.wire().await;
    let token = idp.mint("alice");
    wire.say(format!(
        "GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{roomy}\r\n"
    ))
    .await;
    assert_eq!(wire.answer().await.user(), "alice");
}

#[tokio::test]
async fn connections_are_counted_while_they_live() {
    let (gateway, _, _idp) = trio().await;
    let wires = [gateway.wire().await, gateway.wire().await, gateway.wire().await];
    eventually("three connections", async || gateway.counters().connections == 3).await;
    drop(wires);
    eventually("none any more", async || gateway.counters().connections == 0).await;
    assert_eq!(gateway.counters().connections_total, 3);
}

#[tokio::test]
async fn a_head_that_the_gateway_answers_is_over_when_it_is_answered() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("header_timeout = \"200ms\"\nidle_timeout = \"1h\"")
        .start()
        .await;
    let mut wire = gateway.wire().await;
    for target in [ME, "/.well-known/databricks-config"] {
        wire.say(format!("HEAD {target} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .await;
        wire.head().await;
        assert_eq!(gateway.record().await.outcome, Outcome::Complete);
    }
    wire.say("GET / HT").await;
    assert_eq!(wire.rest().await, b"", "and what follows is another head");
}
