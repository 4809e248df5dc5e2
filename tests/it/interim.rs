use proxy::Outcome;
use testbed::{Databricks, Idp};

use crate::harness::{Call, Gateway, GatewayBuilder, ME, Upstream, Wire, by_hand, soon};

const HINTS: &str =
    "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nLink: </script.js>; rel=preload\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn get(token: &str) -> String {
    format!("GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// A gateway of this kind, in front of a workspace that speaks by hand.
async fn by_hand_with(
    kind: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
) -> (Gateway, Upstream, Wire, String) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = Upstream::start().await;
    let gateway = kind(Gateway::in_front_of_url(&upstream.url(), &databricks, &idp))
        .start()
        .await;
    let wire = gateway.wire().await;
    (gateway, upstream, wire, idp.mint("alice"))
}

#[tokio::test]
async fn what_a_workspace_says_before_its_answer_reaches_the_client_in_order() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(get(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say("HTTP/1.1 102 Processing\r\n\r\n").await;
    assert_eq!(wire.head().await.start, "HTTP/1.1 102 Processing");
    workspace.say([HINTS, OK].concat()).await;
    let hints = wire.head().await;
    assert_eq!(hints.start, "HTTP/1.1 103 Early Hints");
    let links = ["</style.css>; rel=preload", "</script.js>; rel=preload"];
    assert_eq!(hints.values("link"), links);
    assert_eq!(hints.fields.len(), 2);
    assert_eq!(wire.answer().await.text(), "ok");
}

#[tokio::test]
async fn the_next_request_on_the_connection_has_hints_of_its_own() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(get(&token).repeat(2)).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say([HINTS, OK].concat()).await;
    workspace.head().await;
    workspace.say([HINTS, OK].concat()).await;
    for _ in 0..2 {
        assert_eq!(wire.head().await.status(), 103);
        assert_eq!(wire.answer().await.text(), "ok");
    }
}

#[tokio::test]
async fn it_is_filtered_as_an_answers_head_is() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(get(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say(
            "HTTP/1.1 103 Early Hints\r\nSet-Cookie: session=1\r\nConnection: x-hop\r\nX-Hop: 1\r\n\
             Keep-Alive: timeout=5\r\nAlt-Svc: h3=\":443\"\r\nAuthorization: Bearer of-the-gateway\r\n\
             Content-Length: 5\r\nLocation: /elsewhere\r\nX-End-To-End: 1\r\n\r\n",
        )
        .await;
    let hints = wire.head().await;
    assert_eq!(hints.fields, [("x-end-to-end".to_owned(), "1".to_owned())]);
    workspace.say(OK).await;
    assert_eq!(wire.answer().await.text(), "ok");
}

#[tokio::test]
async fn only_the_gateway_itself_asks_for_a_body() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(get(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say(["HTTP/1.1 100 Continue\r\n\r\n", HINTS, OK].concat())
        .await;
    assert_eq!(wire.head().await.status(), 103);
    assert_eq!(wire.answer().await.text(), "ok");
}

#[tokio::test]
async fn who_would_take_it_for_the_answer_gets_the_answer_alone() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(get(&token).replace("HTTP/1.1", "HTTP/1.0")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say([HINTS, OK].concat()).await;
    assert_eq!(wire.head().await.status(), 200);
}

#[tokio::test]
async fn over_http2_the_answer_comes_without_it() {
    let (gateway, upstream, _, token) = by_hand_with(|gateway| gateway.server("h2c = true")).await;
    let mut client = gateway.h2_client().await;
    let asking = tokio::spawn(async move { client.send(Call::get(ME).bearer(&token)).await });
    let (_, mut workspace) = upstream.accept().await;
    workspace.say([HINTS, OK].concat()).await;
    let answer = soon(asking).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "ok"));
}

#[tokio::test]
async fn hints_without_end_are_no_answer() {
    let (gateway, upstream, mut wire, token) =
        by_hand_with(|gateway| gateway.outbound("first_byte_timeout = \"500ms\"")).await;
    wire.say(get(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    let mut status = 103;
    while status == 103 {
        // Nobody listens any more once the time is over.
        let _ = workspace.try_say(HINTS).await;
        status = wire.head().await.status().as_u16();
    }
    assert_eq!(status, 504);
    assert_eq!(gateway.record().await.failure, Some("UPSTREAM_TIMED_OUT"));
}

#[tokio::test]
async fn a_client_that_does_not_read_its_hints_is_cut_off() {
    let (gateway, upstream, mut wire, token) =
        by_hand_with(|gateway| gateway.server("body_idle_timeout = \"300ms\"")).await;
    wire.say(get(&token)).await;
    let (_, mut workspace) = upstream.accept().await;
    let large = format!("HTTP/1.1 103 Early Hints\r\nLink: {}\r\n\r\n", "x".repeat(30_000));
    while workspace.try_say(&large).await.is_ok() {}
    assert_eq!(gateway.record().await.outcome, Outcome::ClientLeft);
}
