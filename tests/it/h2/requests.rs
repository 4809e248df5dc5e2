use proxy::Drained;
use testbed::{Authority, Databricks, Idp};

use super::trio;
use crate::harness::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, PROTOCOL_ERROR, block};
use crate::harness::{Call, End, Gateway, ME, forwarded, soon};

#[tokio::test]
async fn callers_agree_on_http2_over_tls() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .start()
        .await;
    let mut client = gateway.h2_tls_client(&authority).await;
    for user in ["alice", "bob"] {
        let call = Call::get(ME).bearer(&idp.mint(user));
        assert_eq!(client.send(call).await.user(), user);
    }
    let config = client.send(Call::get("/.well-known/databricks-config")).await;
    let oidc = format!("https://localhost:{}/oidc", gateway.address().port());
    assert_eq!(config.json()["oidc_endpoint"], oidc);
}

#[tokio::test]
async fn a_client_that_agreed_on_http2_and_speaks_another_protocol_is_cut() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .start()
        .await;
    let mut tls = gateway.tls(&authority, &[b"h2"]).await;
    tls.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = soon(tls.read_to_end(&mut answer)).await;
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn prior_knowledge_and_http_1_1_share_a_port_where_configured() {
    let (gateway, _, idp) = trio().await;
    let call = Call::get(ME).bearer(&idp.mint("alice"));
    let mut h2 = gateway.h2_client().await;
    assert_eq!(h2.send(call.clone()).await.user(), "alice");
    assert_eq!(gateway.send(call).await.user(), "alice");
}

#[tokio::test]
async fn without_h2c_a_plain_port_speaks_http_1_1_alone() {
    let (gateway, _, _) = crate::harness::trio().await;
    let mut wire = gateway.wire().await;
    wire.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let said = wire.rest().await;
    assert!(
        said.starts_with(b"HTTP/1.1 400"),
        "a version that is not spoken here ends the connection"
    );
}

#[tokio::test]
async fn a_request_goes_upstream_over_http_1_1_as_it_was_said() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let target = "/testbed/echo/..//a%2Fb?x=%2B&&y";
    let call = Call::new(http::Method::PUT, target)
        .bearer(&token)
        .field("x-repeated", "one")
        .field("x-repeated", "two, three")
        .body("hello");
    let answer = gateway.h2_client().await.send(call).await;
    assert!(answer.trailers.is_empty());
    let seen = forwarded(&databricks).pop().expect("a request");
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("PUT", target));
    assert_eq!(seen.values("x-repeated"), ["one", "two, three"]);
    assert_eq!(
        seen.values("host"),
        [databricks.url().strip_prefix("http://").unwrap()]
    );
    assert_eq!(seen.values("content-length"), ["5"]);
    assert_eq!(seen.values("authorization").len(), 1);
    assert_eq!(seen.identity.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_body_of_unknown_length_arrives_whole_under_any_method() {
    let (gateway, databricks, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    for method in ["GET", "DELETE", "POST", "QUERY"] {
        let mut frames = gateway.frames().await;
        let changes = [(":method", Some(method)), (":path", Some("/testbed/sink"))];
        let head = block(&fields(&token, &changes));
        frames.say(HEADERS, END_HEADERS, 1, &head).await;
        frames.say(DATA, 0, 1, b"hel").await;
        frames.say(DATA, END_STREAM, 1, b"lo").await;
        assert_eq!(frames.end_of(1).await, End::Answered);
        let seen = forwarded(&databricks).pop().expect("a request");
        assert_eq!((seen.method.as_str(), seen.body_bytes), (method, 5));
        assert_eq!(seen.values("transfer-encoding"), ["chunked"]);
    }
}

#[tokio::test]
async fn parts_without_a_byte_hold_no_body_up() {
    let (gateway, databricks, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    for length in [None, Some("5")] {
        let mut frames = gateway.frames().await;
        let changes = [(":method", Some("PUT")), (":path", Some("/testbed/sink"))];
        let mut fields = fields(&token, &changes);
        fields.extend(length.map(|length| ("content-length", length)));
        frames.say(HEADERS, END_HEADERS, 1, &block(&fields)).await;
        for part in [&b""[..], b"hel", b"", b"lo"] {
            frames.say(DATA, 0, 1, part).await;
        }
        frames.say(DATA, END_STREAM, 1, b"").await;
        assert_eq!(frames.end_of(1).await, End::Answered, "{length:?}");
        let seen = forwarded(&databricks).pop().expect("a request");
        assert_eq!(seen.body_bytes, 5);
    }
}

#[tokio::test]
async fn trailers_that_cannot_go_on_do_not_hold_a_request_up() {
    let (gateway, _, idp) = trio().await;
    let call = Call::post("/testbed/echo").bearer(&idp.mint("alice"));
    let call = call.body("hello").trailer("x-unannounced", "1");
    let echo = gateway.h2_client().await.send(call).await.json();
    assert_eq!(echo["body_bytes"], 5, "{echo}");
}

#[tokio::test]
async fn streams_share_a_connection_without_waiting_for_each_other() {
    let (gateway, databricks, idp) = trio().await;
    let mut client = gateway.h2_client().await;
    let token = idp.mint("alice");
    let stream = client.open(Call::get("/testbed/stream").bearer(&token)).await;
    assert_eq!(client.send(Call::get(ME).bearer(&token)).await.user(), "alice");
    drop(stream);
    soon(databricks.stream_cancelled()).await;
    assert_eq!(client.send(Call::get(ME).bearer(&token)).await.user(), "alice");
}

#[tokio::test]
async fn a_drain_lets_streams_finish_and_then_says_goodbye() {
    let (mut gateway, databricks, idp) = trio().await;
    let mut client = gateway.h2_client().await;
    let mut idle = gateway.frames().await;
    let stream = client
        .open(Call::get("/testbed/stream").bearer(&idp.mint("alice")))
        .await;
    let drained = tokio::spawn(gateway.take_serving().drain());
    assert_eq!(idle.goodbye().await, Some(0));
    databricks.send_event("one");
    databricks.end_streams();
    let body = soon(http_body_util::BodyExt::collect(stream.into_body()))
        .await
        .unwrap();
    assert_eq!(body.to_bytes(), "data: one\n\n");
    drop((client, idle));
    assert_eq!(soon(drained).await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn a_connection_without_streams_is_closed_after_the_idle_timeout() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("h2c = true\nidle_timeout = \"200ms\"")
        .start()
        .await;
    let mut frames = gateway.frames().await;
    assert_eq!(frames.goodbye().await, Some(0));
    let mut silent = gateway.wire().await;
    assert_eq!(
        silent.rest().await,
        b"",
        "who says nothing is not waited for either"
    );
}

#[tokio::test]
async fn a_preface_that_trickles_is_cut_off() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("h2c = true\nheader_timeout = \"200ms\"")
        .start()
        .await;
    let mut wire = gateway.wire().await;
    wire.say("PRI * HTTP/2.0\r\n").await;
    assert_eq!(wire.rest().await, b"");
}

/// A fragment is no part of a request (RFC 9110 section 7.1). Over HTTP/1.1 it is refused; here it is cut off before
/// anybody looks at the path, so that all see the same.
#[tokio::test]
async fn a_fragment_decides_nothing_and_goes_nowhere() {
    let (gateway, databricks, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    for fragment in [
        "#",
        "#/../other",
        "#?x=y",
        "#/.well-known/databricks-config",
        "?a=b#c",
    ] {
        let path = format!("{ME}{fragment}");
        let mut frames = gateway.frames().await;
        frames.ask(1, &fields(&token, &[(":path", Some(&path))])).await;
        assert_eq!(frames.end_of(1).await, End::Answered, "{path}");
        assert_eq!(gateway.record().await.path, ME);
        let seen = forwarded(&databricks).pop().expect("a request");
        assert_eq!(seen.target, path.split('#').next().unwrap());
        assert_eq!(seen.identity.as_deref(), Some("alice"));
    }
    let before = forwarded(&databricks).len();
    let open = format!("{ME}#/.well-known/databricks-config");
    let mut frames = gateway.frames().await;
    frames
        .ask(1, &fields("Bearer x", &[(":path", Some(&open))]))
        .await;
    frames.end_of(1).await;
    assert_eq!(gateway.record().await.status, Some(401));
    assert_eq!(forwarded(&databricks).len(), before);
}

/// What is left of such a path is empty, and would make a request line that is none: `GET  HTTP/1.1`.
#[tokio::test]
async fn a_path_that_is_a_fragment_alone_is_the_root() {
    let (gateway, databricks, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    for path in ["#", "#a", "#/a?b"] {
        let mut frames = gateway.frames().await;
        frames.ask(1, &fields(&token, &[(":path", Some(path))])).await;
        assert_eq!(frames.end_of(1).await, End::Answered, "{path}");
        let seen = forwarded(&databricks).pop().expect("a request");
        assert_eq!(seen.target, "/", "{path}");
    }
}

/// What every request needs, with these changes: a value replaces, `None` removes, a new name is added.
fn fields<'a>(token: &'a str, changes: &[(&'a str, Option<&'a str>)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "gateway.example.com"),
        (":path", ME),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.extend(value.map(|value| (*name, value)));
    }
    // Pseudo-header fields first.
    fields.sort_by_key(|(name, _)| !name.starts_with(':'));
    fields.push(("authorization", token));
    fields
}

#[tokio::test]
async fn a_malformed_request_is_reset_and_never_forwarded() {
    let (gateway, databricks, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let malformed: &[&[(&str, Option<&str>)]] = &[
        // RFC 9113 section 8.2: names in lower case, values without line ends.
        &[("X-Upper", Some("1"))],
        &[("x\r\ny", Some("1"))],
        &[("x y", Some("1"))],
        &[("x:y", Some("1"))],
        &[("", Some("1"))],
        &[("x-a", Some("1\r\nauthorization: Bearer other"))],
        &[("x-a", Some("1\nx-b: 2"))],
        &[("x-a", Some("1\0"))],
        // Section 8.2.2: what concerns a connection.
        &[("connection", Some("x-a"))],
        &[("keep-alive", Some("timeout=5"))],
        &[("proxy-connection", Some("keep-alive"))],
        &[("transfer-encoding", Some("chunked"))],
        &[("upgrade", Some("h2c"))],
        &[("te", Some("trailers, chunked"))],
        // Section 8.3.
        &[(":method", None)],
        &[(":scheme", None)],
        &[(":path", None)],
        &[(":path", Some(""))],
        &[(":status", Some("200"))],
        &[(":unknown", Some("1"))],
        &[(":protocol", Some("websocket"))],
        &[(":authority", Some("x y"))],
        &[(":path", Some("/a b"))],
        &[(":path", Some("/a\r\nx: y"))],
        &[(":method", Some("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET"))],
        // Section 8.1.1: a length that is none, or not the body's.
        &[("content-length", Some("5"))],
        &[("content-length", Some("+0"))],
        &[("content-length", Some("0x0"))],
        &[("content-length", Some("18446744073709551617"))],
    ];
    for changes in malformed {
        let mut frames = gateway.frames().await;
        frames.ask(1, &fields(&token, changes)).await;
        let end = frames.end_of(1).await;
        assert!(
            matches!(end, End::Reset(PROTOCOL_ERROR) | End::Gone(Some(PROTOCOL_ERROR))),
            "{changes:?}: {end:?}"
        );
    }
    for twice in [":method", ":path", ":authority", ":scheme"] {
        let mut fields = fields(&token, &[]);
        let again = *fields.iter().find(|(name, _)| *name == twice).unwrap();
        fields.insert(0, again);
        let mut frames = gateway.frames().await;
        frames.ask(1, &fields).await;
        assert_eq!(frames.end_of(1).await, End::Reset(PROTOCOL_ERROR), "{twice}");
    }
    let mut late = fields(&token, &[]);
    late.rotate_left(1);
    let mut frames = gateway.frames().await;
    frames.ask(1, &late).await;
    assert_eq!(frames.end_of(1).await, End::Reset(PROTOCOL_ERROR));
    assert_eq!(forwarded(&databricks).len(), 0);
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");
}

#[tokio::test]
async fn a_request_that_disagrees_with_itself_is_answered_400_and_never_forwarded() {
    let (gateway, databricks, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let ambiguous: &[&[(&str, Option<&str>)]] = &[
        &[("host", Some("other.example.com"))],
        &[(":authority", None)],
        &[(":authority", Some("user@gateway.example.com"))],
        &[(":authority", Some("a,b"))],
        &[(":authority", Some("")), ("host", Some(""))],
        &[(":path", Some("*"))],
        &[(":scheme", Some("ftp"))],
        &[(":path", Some("/a\\b"))],
        &[("content-length", Some(""))],
    ];
    for changes in ambiguous {
        let mut frames = gateway.frames().await;
        frames.ask(1, &fields(&token, changes)).await;
        let end = frames.end_of(1).await;
        let record = gateway.record();
        match end {
            End::Answered => assert_eq!(record.await.status, Some(400), "{changes:?}"),
            end => assert_eq!(end, End::Reset(PROTOCOL_ERROR), "{changes:?}"),
        }
    }
    let mut lengths = fields(&token, &[(":method", Some("POST"))]);
    lengths.extend([("content-length", "0"), ("content-length", "0")]);
    let mut frames = gateway.frames().await;
    frames.ask(1, &lengths).await;
    assert_eq!(frames.end_of(1).await, End::Answered);
    assert_eq!(gateway.record().await.failure, Some("BAD_REQUEST"));
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn a_tunnel_is_refused_in_either_form() {
    let (gateway, databricks, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let mut frames = gateway.frames().await;
    let connect = [
        (":method", "CONNECT"),
        (":authority", "x:443"),
        ("authorization", &token),
    ];
    frames.say(HEADERS, END_HEADERS, 1, &block(&connect)).await;
    assert_eq!(frames.end_of(1).await, End::Answered);
    assert_eq!(gateway.record().await.status, Some(405));
    // RFC 8441, which was never offered.
    let changes = [(":method", Some("CONNECT")), (":protocol", Some("websocket"))];
    frames
        .say(HEADERS, END_HEADERS, 3, &block(&fields(&token, &changes)))
        .await;
    match frames.end_of(3).await {
        End::Answered => assert_eq!(gateway.record().await.status, Some(405)),
        end => assert_eq!(end, End::Reset(PROTOCOL_ERROR)),
    }
    assert_eq!(forwarded(&databricks).len(), 0);
    let mut client = gateway.h2_client().await;
    assert_eq!(
        client.send(Call::get(ME).bearer(&idp.mint("alice"))).await.user(),
        "alice"
    );
}

#[tokio::test]
async fn two_credentials_are_two_credentials_in_http2_as_well() {
    let (gateway, databricks, idp) = trio().await;
    let call = Call::get(ME).bearer(&idp.mint("alice")).bearer(&idp.mint("bob"));
    let answer = gateway.h2_client().await.send(call).await;
    answer.failure(400, "TWO_CREDENTIALS");
    assert!(!answer.has("connection"));
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn fields_are_counted_and_weighed_as_in_http_1_1() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let with = |count: usize| {
        let call = Call::get(ME).bearer(&token);
        (1..count).fold(call, |call, _| call.field("x", ""))
    };
    let mut client = gateway.h2_client().await;
    assert_eq!(client.send(with(100)).await.user(), "alice");
    client.send(with(101)).await.failure(431, "TOO_MANY_FIELDS");
    let large = Call::get(ME).bearer(&token).field("x", &"x".repeat(70_000));
    assert_eq!(client.send(large).await.status, 431);
    let fits = Call::get(ME).bearer(&token).field("x", &"x".repeat(60_000));
    assert_eq!(client.send(fits).await.user(), "alice");
    assert_eq!(forwarded(&databricks).len(), 2);
}
