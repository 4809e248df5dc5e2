use proxy::Outcome;
use testbed::{Databricks, Idp};

use crate::harness::frames::{
    CANCEL, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, block,
};
use crate::harness::{Call, End, Endless, Frames, Gateway, Upstream};

/// A gateway with these lines in `[server]`, in front of a workspace whose answers never end; a good credential.
async fn endless(server: &str) -> (Gateway, Endless, String) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let endless = Endless::start().await;
    let gateway = Gateway::in_front_of_url(endless.url(), &databricks, &idp)
        .server("h2c = true")
        .server(server)
        .start()
        .await;
    (gateway, endless, format!("Bearer {}", idp.mint("alice")))
}

/// A connection on which no stream may be sent anything until its window is opened (RFC 9113 section 6.9.2).
async fn shut(gateway: &Gateway) -> Frames {
    let mut frames = gateway.frames().await;
    frames.say(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await;
    frames
}

async fn ask(frames: &mut Frames, stream: u32, token: &str) {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "gateway.example.com"),
        (":path", "/x"),
        ("authorization", token),
        ("content-type", "application/grpc"),
    ];
    frames
        .say(HEADERS, END_HEADERS | END_STREAM, stream, &block(&fields))
        .await;
    assert_eq!(frames.end_of(stream).await, End::Answered);
}

/// Of the stream and of its connection.
async fn open(frames: &mut Frames, stream: u32, bytes: usize) {
    let bytes = u32::try_from(bytes).unwrap().to_be_bytes();
    frames.say(WINDOW_UPDATE, 0, stream, &bytes).await;
    frames.say(WINDOW_UPDATE, 0, 0, &bytes).await;
}

#[tokio::test]
async fn a_stream_whose_window_stays_shut_is_reset_and_the_others_go_on() {
    let (gateway, workspace, token) = endless("body_idle_timeout = \"1s\"").await;
    let mut frames = shut(&gateway).await;
    for stream in [1, 3] {
        ask(&mut frames, stream, &token).await;
    }
    open(&mut frames, 3, 16_384).await;
    let (mut was_reset, mut behind) = (false, 0);
    while behind < 64 {
        let frame = frames.next().await.expect("the connection goes on");
        match (frame.kind, frame.stream) {
            (DATA, 3) => {
                open(&mut frames, 3, frame.payload.len()).await;
                behind += usize::from(was_reset);
            }
            (RST_STREAM, 1) => {
                assert_eq!(frame.number_at(0), CANCEL);
                was_reset = true;
            }
            (DATA | RST_STREAM | GOAWAY, _) => panic!("{frame:?}"),
            _ => {}
        }
    }
    workspace.given_up().await;
    assert_eq!(gateway.record().await.outcome, Outcome::ClientLeft);
    assert_eq!(gateway.counters().in_flight, 1);
}

#[tokio::test]
async fn a_window_that_is_opened_once_and_shut_again_is_no_other() {
    let (gateway, workspace, token) = endless("body_idle_timeout = \"300ms\"").await;
    let mut frames = shut(&gateway).await;
    ask(&mut frames, 1, &token).await;
    // The rest of a part is in the HTTP/2 library's own hands.
    open(&mut frames, 1, 1).await;
    assert_eq!(frames.end_of(1).await, End::Reset(CANCEL));
    workspace.given_up().await;
}

#[tokio::test]
async fn a_client_that_opens_its_window_little_by_little_is_not_cut() {
    let (gateway, _, token) = endless("body_idle_timeout = \"2s\"\nidle_timeout = \"500ms\"").await;
    let mut frames = shut(&gateway).await;
    ask(&mut frames, 1, &token).await;
    for _ in 0..8 {
        // About half a second, as the gateway's own clock goes: a connection rests until it is closed.
        assert_eq!(gateway.wire().await.rest().await, b"");
        open(&mut frames, 1, 16_384).await;
        let mut bytes = 0;
        while bytes < 16_384 {
            let frame = frames.next().await.expect("it goes on");
            match frame.kind {
                DATA => bytes += frame.payload.len(),
                RST_STREAM | GOAWAY => panic!("{frame:?}"),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_handed_over_in_parts_is_the_same_answer() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = Upstream::start().await;
    let gateway = Gateway::in_front_of_url(&upstream.url(), &databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    let content: Vec<u8> = (0..1_000_000_u32)
        .map(|at| at.to_le_bytes()[at as usize % 3])
        .collect();
    let whole = content.clone();
    let workspace = tokio::spawn(async move {
        let (_, mut wire) = upstream.accept().await;
        wire.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            .await;
        wire.say(whole).await;
    });
    let call = Call::get("/x").bearer(&idp.mint("alice"));
    let answer = gateway.h2_client().await.send(call).await;
    assert_eq!(answer.header("content-length"), "1000000");
    assert!(answer.body == content, "{} bytes", answer.body.len());
    assert_eq!(gateway.record().await.response_bytes, 1_000_000);
    workspace.await.unwrap();
}
