use http_body_util::BodyExt as _;
use testbed::{Authority, Databricks, Fault, Idp};

use crate::harness::{Answer, Call, Endless, Gateway, H2Client, by_hand, details, forwarded, soon};

/// A gateway in front of a workspace that speaks HTTP/2 with prior knowledge, as the gateway does.
async fn trio() -> (Gateway, Databricks, Idp) {
    let idp = Idp::start().await;
    let databricks = Databricks::builder().trust(&idp).h2c().start().await;
    let gateway = in_front_of(&databricks, &idp).await;
    (gateway, databricks, idp)
}

async fn in_front_of(databricks: &Databricks, idp: &Idp) -> Gateway {
    let gateway = Gateway::in_front_of(databricks, idp).server("h2c = true");
    gateway.start().await
}

const METHOD: &str = "/testbed.Echo/Converse";

fn call(token: &str) -> Call {
    plain_call().bearer(token)
}

fn plain_call() -> Call {
    Call::post(METHOD)
        .field("content-type", "application/grpc+proto")
        .field("te", "trailers")
}

/// gRPC's status and message of an answer whose HTTP status is always 200, and which says twice what it says.
#[track_caller]
fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/grpc");
    assert!(answer.body.is_empty() && answer.has("x-request-id"));
    let status = details(answer);
    assert_eq!(status.code.to_string(), answer.header("grpc-status"));
    assert_eq!(status.domain, "lakegate");
    assert_eq!(status.request_id, answer.header("x-request-id"));
    (
        answer.header("grpc-status").parse().unwrap(),
        answer.header("grpc-message").to_owned(),
    )
}

#[tokio::test]
async fn a_call_goes_there_and_back_with_its_trailers_over_tls() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::builder().trust(&idp).tls(&authority).start().await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .trust(&authority)
        .tls(&authority)
        .start()
        .await;
    let mut client = gateway.h2_tls_client(&authority).await;
    let call = call(&idp.mint("alice"))
        .body("a message")
        .trailer("x-checksum", "7");
    let answer = client.send(call).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "a message"));
    assert_eq!(answer.header("content-type"), "application/grpc");
    assert_eq!(answer.trailers["grpc-status"], "0");
    assert_eq!(answer.trailers["x-checksum"], "7");

    let seen = forwarded(&databricks).pop().expect("a call");
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", METHOD));
    assert_eq!(
        seen.values(":authority"),
        [databricks.url().strip_prefix("https://").unwrap()]
    );
    assert_eq!(seen.values("host"), [""; 0]);
    assert_eq!(seen.values("te"), ["trailers"]);
    assert_eq!(seen.identity.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_call_goes_there_and_back_with_prior_knowledge() {
    let (gateway, databricks, idp) = trio().await;
    let mut client = gateway.h2_client().await;
    for user in ["alice", "bob"] {
        let answer = client.send(call(&idp.mint(user)).body(user)).await;
        assert_eq!(
            (answer.text(), &answer.trailers["grpc-status"]),
            (user, &"0".parse().unwrap())
        );
        assert_eq!(
            forwarded(&databricks).pop().unwrap().identity.as_deref(),
            Some(user)
        );
        assert_eq!(gateway.record().await.outcome, proxy::Outcome::Complete);
    }
    assert_eq!(gateway.counters().upstream_opened, 1);
}

#[tokio::test]
async fn only_grpc_goes_upstream_over_http2() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let mut client = gateway.h2_client().await;
    let json = |kind| {
        Call::post("/testbed/echo")
            .bearer(&token)
            .field("content-type", kind)
    };
    client.send(json("application/json")).await;
    client.send(json("application/grp")).await;
    for seen in forwarded(&databricks) {
        assert_eq!(
            (seen.values(":authority").len(), seen.values("host").len()),
            (0, 1)
        );
    }
}

#[tokio::test]
async fn what_must_not_cross_as_a_header_does_not_cross_as_a_trailer() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let call = [
        ("authorization", format!("Bearer {token}")),
        ("cookie", "a=b".to_owned()),
        ("x-forwarded-user", "root".to_owned()),
        ("x_forwarded_user", "root".to_owned()),
        ("x-databricks-azure-sp-management-token", token.clone()),
        ("x-api-key", token.clone()),
        ("host", "other.example.com".to_owned()),
        ("content-length", "1".to_owned()),
        ("content-type", "text/html".to_owned()),
        ("x-fine", "1".to_owned()),
    ]
    .iter()
    .fold(call(&token).body("x"), |call, (name, value)| {
        call.trailer(name, value)
    });
    let answer = gateway.h2_client().await.send(call).await;
    let mut names: Vec<_> = answer.trailers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["grpc-status", "x-fine"]);
    assert_eq!(databricks.leaked_jwts(), 0);
}

#[tokio::test]
async fn a_workspaces_trailers_are_relayed_and_filtered_whatever_the_protocols() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = crate::harness::Upstream::start().await;
    let gateway = Gateway::in_front_of_url(&upstream.url(), &databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Set-Cookie, Authorization\r\n\r\n\
                  2\r\nok\r\n0\r\nX-Sum: 7\r\nSet-Cookie: a=b\r\nAuthorization: Bearer x\r\nLocation: /x\r\n\r\n";
    let token = idp.mint("alice");
    let client = gateway.h2_client().await;
    let ask = || {
        let mut client = client.clone();
        let call = Call::get("/x").bearer(&token).field("te", "trailers");
        tokio::spawn(async move { client.send(call).await })
    };
    let asking = ask();
    let (head, mut workspace) = upstream.accept().await;
    assert_eq!(
        (head.values("te"), head.values("connection")),
        (vec!["trailers"], vec!["te"])
    );
    workspace.say(answer).await;
    let whole = soon(asking).await.unwrap();
    assert_eq!((whole.text(), whole.trailers.len()), ("ok", 1));
    assert_eq!(whole.trailers["x-sum"], "7");
    let asking = ask();
    workspace.head().await;
    workspace.say(answer).await;
    let whole = soon(asking).await.unwrap();
    assert_eq!(
        whole.text(),
        "ok",
        "on the connection that was used before: trailers end an answer"
    );

    let mut wire = gateway.wire().await;
    wire.say(format!(
        "GET /x HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: te\r\nAuthorization: Bearer {token}\r\n\r\n"
    ))
    .await;
    let (head, mut workspace) = upstream.accept().await;
    assert_eq!(head.values("te"), ["trailers"]);
    workspace.say(answer).await;
    assert_eq!(wire.head().await.values("transfer-encoding"), ["chunked"]);
    assert_eq!(wire.chunk().await, b"ok");
    let rest = String::from_utf8(wire.exactly("0\r\nx-sum: 7\r\n\r\n".len()).await).unwrap();
    assert_eq!(rest.to_ascii_lowercase(), "0\r\nx-sum: 7\r\n\r\n");
}

#[tokio::test]
async fn a_callers_trailers_are_relayed_over_http_1_1_where_they_are_announced() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(format!(
        "PUT /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\
         Trailer: X-Sum, Authorization, X-Forwarded-User\r\n\r\n\
         2\r\nok\r\n0\r\nX-Sum: 7\r\nAuthorization: Bearer {token}\r\nX-Forwarded-User: root\r\n\r\n"
    ))
    .await;
    let (head, mut workspace) = upstream.accept().await;
    assert_eq!(head.values("trailer").len(), 1);
    assert_eq!(workspace.chunk().await, b"ok");
    let rest = String::from_utf8(workspace.exactly("0\r\nx-sum: 7\r\n\r\n".len()).await).unwrap();
    assert_eq!(rest.to_ascii_lowercase(), "0\r\nx-sum: 7\r\n\r\n");
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(wire.head().await.status(), 200);
}

#[tokio::test]
async fn errors_are_told_as_grpc_tells_them() {
    let (gateway, databricks, idp) = trio().await;
    let mut client = gateway.h2_client().await;
    let (status, message) = refusal(&client.send(plain_call()).await);
    assert_eq!(status, 16);
    assert!(
        message.starts_with("no credential was sent; send the JWT"),
        "{message}"
    );
    let (status, _) = refusal(&client.send(call("no.jwt.this")).await);
    assert_eq!(status, 16);
    let (status, _) = refusal(&client.send(call("one").bearer("two")).await);
    assert_eq!(status, 3);
    databricks.set_users(&[]);
    let (status, message) = refusal(&client.send(call(&idp.mint("mallory"))).await);
    assert_eq!(status, 16, "{message}");
    assert_eq!(forwarded(&databricks).len(), 0);
    let json = Call::get("/x").field("content-type", "application/json");
    client.send(json).await.failure(401, "NO_CREDENTIAL");
}

#[tokio::test]
async fn errors_say_for_machines_what_went_wrong() {
    let (gateway, _, _) = trio().await;
    let answer = gateway.h2_client().await.send(plain_call()).await;
    let status = details(&answer);
    assert_eq!((status.code, status.reason.as_str()), (16, "NO_CREDENTIAL"));
    assert!(status.message.starts_with("no credential was sent"));
}

#[tokio::test]
async fn an_upload_that_fails_is_not_taken_for_a_workspace_that_does() {
    let idp = Idp::start().await;
    let databricks = Databricks::builder().trust(&idp).h2c().start().await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("h2c = true\nmax_body_size = 10\nbody_idle_timeout = \"300ms\"")
        .start()
        .await;
    let token = idp.mint("alice");
    databricks.faults().inject(METHOD, Fault::Hang, usize::MAX);
    let mut client = gateway.h2_client().await;
    // Trailers, so that it does not say how long it is.
    let too_much = call(&token).body("too much, by far").trailer("x-sum", "1");
    let answer = client.send(too_much).await;
    assert_eq!(refusal(&answer).0, 8);
    assert_eq!(details(&answer).reason, "REQUEST_BODY_TOO_LARGE");

    let (_feed, answer) = client.open_fed(call(&token)).await;
    assert_eq!(answer.headers()["grpc-status"], "4");
    assert_eq!(gateway.record().await.failure, Some("REQUEST_BODY_TOO_LARGE"));
    assert_eq!(gateway.record().await.failure, Some("REQUEST_BODY_STALLED"));
}

#[tokio::test]
async fn a_workspace_that_cannot_be_reached_over_http2_is_unavailable() {
    let idp = Idp::start().await;
    // It would take the preface for a request.
    let databricks = Databricks::start(&idp).await;
    let gateway = in_front_of(&databricks, &idp).await;
    let mut client = gateway.h2_client().await;
    let (status, message) = refusal(&client.send(call(&idp.mint("alice"))).await);
    assert_eq!(status, 14, "{message}");
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn calls_share_a_connection_until_it_is_full() {
    let idp = Idp::start().await;
    let databricks = Databricks::builder()
        .trust(&idp)
        .h2c()
        .max_streams(2)
        .start()
        .await;
    let gateway = in_front_of(&databricks, &idp).await;
    let mut client = gateway.h2_client().await;
    let token = idp.mint("alice");
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(client.open_fed(call(&token)).await);
    }
    assert_eq!(gateway.counters().upstream_opened, 3);
    for (feed, answer) in open {
        drop(feed);
        let whole = soon(answer.into_body().collect()).await.unwrap();
        assert_eq!(whole.trailers().unwrap()["grpc-status"], "0");
    }
    client.send(call(&token)).await;
    assert_eq!(gateway.counters().upstream_opened, 3);
}

#[tokio::test]
async fn a_burst_of_first_calls_opens_one_connection() {
    let (gateway, _, idp) = trio().await;
    let client = gateway.h2_client().await;
    let token = idp.mint("alice");
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (mut client, call) = (client.clone(), call(&token).body("x"));
            tokio::spawn(async move { client.send(call).await })
        })
        .collect();
    for answer in calls {
        assert_eq!(soon(answer).await.unwrap().trailers["grpc-status"], "0");
    }
    assert_eq!(gateway.counters().upstream_opened, 1);
}

#[tokio::test]
async fn messages_go_both_ways_while_the_call_is_open() {
    let (gateway, _, idp) = trio().await;
    let mut client = gateway.h2_client().await;
    let (feed, answer) = client.open_fed(call(&idp.mint("alice"))).await;
    let mut body = answer.into_body();
    for message in ["one", "two", "three"] {
        feed.send(message.into()).await.unwrap();
        let frame = soon(body.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), message);
    }
    drop(feed);
    let frame = soon(body.frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_trailers().unwrap()["grpc-status"], "0");
}

/// A gateway before a workspace whose answers have no end.
async fn endless() -> (Gateway, Endless, Idp, Databricks) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let endless = Endless::start().await;
    let gateway = Gateway::in_front_of_url(endless.url(), &databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    (gateway, endless, idp, databricks)
}

#[tokio::test]
async fn a_caller_that_does_not_read_stalls_its_workspace_and_nobody_else() {
    let (gateway, endless, idp, _databricks) = endless().await;
    let token = idp.mint("alice");
    let mut slow = gateway.h2_client().await;
    let mut stalled = Vec::new();
    for _ in 0..8 {
        stalled.push(slow.open(call(&token)).await);
    }
    let mut quick = gateway.h2_client().await;
    let mut read = 0;
    let mut body = quick.open(call(&token)).await.into_body();
    while read < 24 << 20 {
        read += soon(body.frame())
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap()
            .len();
    }
    // What is in flight: windows and buffers on three hops, for nine calls.
    let ahead = endless.produced() - read as u64;
    assert!(ahead < 16 << 20, "{ahead} bytes that nobody has read");
}

#[tokio::test]
async fn a_workspace_that_does_not_read_stalls_its_caller() {
    let (gateway, _endless, idp, _databricks) = endless().await;
    let mut client = gateway.h2_client().await;
    let (feed, answer) = client.open_fed(call(&idp.mint("alice"))).await;
    let mut sent = 0;
    let piece = bytes::Bytes::from(vec![0; 16 * 1024]);
    let mut body = answer.into_body();
    // Its answer goes on, and is the clock.
    for _ in 0..800 {
        while feed.try_send(piece.clone()).is_ok() {
            sent += piece.len();
        }
        soon(body.frame()).await.unwrap().unwrap();
    }
    assert!(sent < 8 << 20, "{sent} bytes were taken that nobody reads");
}

#[tokio::test]
async fn a_caller_that_leaves_cancels_its_call_and_no_other() {
    let (gateway, endless, idp, _databricks) = endless().await;
    let token = idp.mint("alice");
    let (mut leaves, mut stays) = (gateway.h2_client().await, gateway.h2_client().await);
    let mut kept = stays.open(call(&token)).await.into_body();
    let left = leaves.open(call(&token)).await;
    drop(left);
    endless.given_up().await;
    soon(kept.frame()).await.unwrap().unwrap();
    let cut: H2Client = leaves;
    drop(cut);
    soon(kept.frame()).await.unwrap().unwrap();
}
