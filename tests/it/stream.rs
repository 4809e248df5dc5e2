use std::ops::Range;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use proxy::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Call, ME, by_hand, soon, trio};

fn head(method: &str, token: &str, fields: &str) -> String {
    format!("{method} /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{fields}\r\n")
}

async fn next_piece(body: &mut Incoming) -> Option<Bytes> {
    let frame = soon(body.frame()).await?.expect("an unbroken stream");
    Some(frame.into_data().expect("data"))
}

/// Bytes of which no part looks like another.
fn noise(length: usize) -> Bytes {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let words = (0..length.div_ceil(8)).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(length).collect::<Vec<_>>().into()
}

#[tokio::test]
async fn an_answer_arrives_event_by_event() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let mut client = gateway.client().await;
    let answer = client.open(Call::get("/testbed/stream").bearer(&token)).await;
    assert_eq!(
        answer.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let mut body = answer.into_body();
    for event in ["one", "two", "three"] {
        // Nothing else is under way: a gateway that gathers would keep this one for ever.
        assert_eq!(databricks.send_event(event), 1);
        assert_eq!(next_piece(&mut body).await.unwrap(), format!("data: {event}\n\n"));
    }
    databricks.end_streams();
    assert_eq!(next_piece(&mut body).await, None);
    let record = gateway.record().await;
    assert_eq!((record.outcome, record.response_bytes), (Outcome::Complete, 35));
}

#[tokio::test]
async fn a_request_of_unknown_length_goes_up_as_it_comes() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(head("PUT", &token, "Transfer-Encoding: chunked\r\n"))
        .await;
    let (head, mut workspace) = upstream.accept().await;
    assert_eq!(head.values("transfer-encoding"), ["chunked"]);
    for piece in ["one", "two", "three"] {
        wire.say_chunk(piece.as_bytes()).await;
        assert_eq!(workspace.chunk().await, piece.as_bytes());
    }
    wire.say_chunk(b"").await;
    assert_eq!(workspace.chunk().await, b"");
    workspace
        .say("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
        .await;
    let answer = wire.answer().await;
    assert_eq!((answer.status.as_u16(), answer.text()), (201, "ok"));
}

#[tokio::test]
async fn a_request_of_known_length_keeps_its_length() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(head("PUT", &token, "Content-Length: 6\r\n")).await;
    let (head, mut workspace) = upstream.accept().await;
    assert_eq!(head.values("content-length"), ["6"]);
    assert_eq!(head.values("transfer-encoding"), [""; 0]);
    for piece in ["abc", "def"] {
        wire.say(piece).await;
        assert_eq!(workspace.exactly(3).await, piece.as_bytes());
    }
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(gateway.record().await.request_bytes, 6);
}

#[tokio::test]
async fn an_empty_body_stays_an_empty_body() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(head("POST", &token, "Content-Length: 0\r\n")).await;
    let (post, mut workspace) = upstream.accept().await;
    assert_eq!(post.values("content-length"), ["0"]);
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.status, 200);

    wire.say(head("GET", &token, "")).await;
    let get = workspace.head().await;
    assert_eq!(
        get.values("content-length").len() + get.values("transfer-encoding").len(),
        0
    );
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.status, 200);
}

#[tokio::test]
async fn sixty_four_mebibytes_go_up_and_come_down_unharmed() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let file = "/api/2.0/fs/files/Volumes/main/default/noise.bin";
    let content = noise(64 << 20);
    let mut client = gateway.client().await;
    let put = client
        .send(Call::put(file).bearer(&token).body(content.clone()))
        .await;
    assert_eq!(put.status, 204);
    assert!(
        databricks.file(file) == Some(content.clone()),
        "the upload was changed"
    );

    let get = client.send(Call::get(file).bearer(&token)).await;
    assert!(get.body == content, "the download was changed");
    assert_eq!(gateway.record().await.request_bytes, 64 << 20);
    assert_eq!(gateway.record().await.response_bytes, 64 << 20);
    let range = Call::get(file).bearer(&token).field("range", "bytes=1000-1999");
    let part = client.send(range).await;
    assert_eq!(part.status, 206);
    let wanted: Range<usize> = 1000..2000;
    assert!(part.body == content[wanted], "the range was changed");
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_workspaces_stream_with_it() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let mut client = gateway.client().await;
    let answer = client.open(Call::get("/testbed/stream").bearer(&token)).await;
    databricks.send_event("one");
    let mut body = answer.into_body();
    assert!(next_piece(&mut body).await.is_some());
    drop((body, client));
    soon(databricks.stream_cancelled()).await;
    assert_eq!(gateway.record().await.outcome, Outcome::ClientLeft);
    assert_eq!(gateway.counters().aborted, 1);
    assert_eq!(gateway.counters().in_flight, 0);
}

#[tokio::test]
async fn a_client_that_leaves_during_an_upload_does_not_finish_it() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(head("PUT", &token, "Transfer-Encoding: chunked\r\n"))
        .await;
    let (_, mut workspace) = upstream.accept().await;
    wire.say_chunk(b"half").await;
    assert_eq!(workspace.chunk().await, b"half");
    drop(wire);
    assert_eq!(
        workspace.rest().await,
        b"",
        "no last chunk: half a file is no file"
    );
}

#[tokio::test]
async fn an_answer_in_the_middle_of_an_upload_arrives_at_once() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(head("PUT", &token, "Content-Length: 1000000000\r\n"))
        .await;
    let (_, mut workspace) = upstream.accept().await;
    wire.say("a part").await;
    assert_eq!(workspace.exactly(6).await, b"a part");
    workspace
        .say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much")
        .await;
    let answer = wire.answer().await;
    assert_eq!((answer.status.as_u16(), answer.text()), (413, "too much"));
    drop((wire, workspace));

    let mut next = gateway.wire().await;
    next.say(head("GET", &token, "")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(
        next.answer().await.status,
        200,
        "on a connection that is not in doubt"
    );
}

#[tokio::test]
async fn an_upload_goes_on_while_nobody_reads_the_answer_that_has_begun() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    let upload = noise(32 << 20);
    wire.say(head(
        "PUT",
        &token,
        &format!("Content-Length: {}\r\n", upload.len()),
    ))
    .await;
    let (mut read, mut write) = upstream.accept().await.1.split();
    let answer = tokio::spawn(async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
        write.write_all(head).await?;
        // More than everything on the way can hold.
        while write.write_all(&[0; 4_096]).await.is_ok() {}
        write.flush().await
    });
    assert_eq!(wire.head().await.status(), 200);
    let mut arrived = vec![0; upload.len()];
    let ((), all_of_it) = tokio::join!(wire.say(&upload), soon(read.read_exact(&mut arrived)));
    all_of_it.expect("the whole upload");
    assert!(arrived == upload, "it arrived unharmed");
    answer.abort();
}

#[tokio::test]
async fn an_upload_comes_to_its_end_though_its_answer_did_before() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(head("PUT", &token, "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n")
        .await;
    let (_, mut workspace) = upstream.accept().await;
    assert_eq!(workspace.chunk().await, b"hello");
    workspace
        .say("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")
        .await;
    assert_eq!(wire.answer().await.text(), "ok");
    wire.say("5\r\nworld\r\n0\r\n\r\n").await;
    assert_eq!(workspace.exactly(15).await, b"5\r\nworld\r\n0\r\n\r\n");
}

#[tokio::test]
async fn answers_without_a_body_leave_the_connection_in_step() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(head("HEAD", &token, "")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n")
        .await;
    let described = wire.head().await;
    assert_eq!(described.values("content-length"), ["5000000000"]);

    for status in ["204 No Content", "304 Not Modified"] {
        wire.say(head("GET", &token, "")).await;
        workspace.head().await;
        workspace
            .say(format!("HTTP/1.1 {status}\r\nETag: \"1\"\r\n\r\n"))
            .await;
        let bare = wire.head().await;
        assert!(status.starts_with(bare.status().as_str()));
        assert_eq!(bare.values("etag"), ["\"1\""]);
        assert_eq!(bare.values("transfer-encoding"), [""; 0]);
    }
    wire.say(head("GET", &token, "")).await;
    workspace.head().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;
    assert_eq!(wire.answer().await.text(), "ok");
}

#[tokio::test]
async fn an_answer_without_a_length_ends_where_the_workspace_ended_it() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(head("GET", &token, "")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say("HTTP/1.1 200 OK\r\n\r\nuntil the end").await;
    drop(workspace);
    assert_eq!(wire.answer().await.text(), "until the end");

    wire.say(head("GET", &token, "")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    for piece in ["in", "chunks"] {
        workspace.say_chunk(piece.as_bytes()).await;
    }
    workspace.say_chunk(b"").await;
    assert_eq!(wire.answer().await.text(), "inchunks");
}

#[tokio::test]
async fn an_interim_answer_is_not_taken_for_the_answer() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    wire.say(head("GET", &token, "")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
        .await;
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;
    let mut head = wire.head().await;
    if head.status().is_informational() {
        head = wire.head().await;
    }
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn a_head_is_described_by_the_workspace_not_by_the_gateway() {
    let (gateway, _, idp) = trio().await;
    let token = idp.mint("alice");
    let file = "/api/2.0/fs/files/Volumes/main/default/small.txt";
    let mut client = gateway.client().await;
    client.send(Call::put(file).bearer(&token).body("12345")).await;
    let described = client.send(Call::new(Method::HEAD, file).bearer(&token)).await;
    assert_eq!(
        (described.header("content-length"), &described.body[..]),
        ("5", &b""[..])
    );
    assert_eq!(client.send(Call::get(ME).bearer(&token)).await.user(), "alice");
}

/// More than all buffers on the way hold: a client that writes everything before it reads would otherwise never come
/// to read.
#[tokio::test]
async fn a_refused_upload_is_told_why_even_when_all_of_it_was_sent_first() {
    let (gateway, _databricks, idp) = trio().await;
    let expired = idp.token("alice").expires_in(-60).sign();
    let body = noise(16 << 20);
    let mut wire = gateway.wire().await;
    let length = format!("Content-Length: {}\r\n", body.len());
    wire.say(head("PUT", &expired, &length)).await;
    wire.say(&body).await;
    wire.answer().await.failure(401, "JWT_EXPIRED");
    // The body was read to its end, so that what follows is the next request.
    wire.say(head("GET", &expired, "")).await;
    wire.answer().await.failure(401, "JWT_EXPIRED");
}

#[tokio::test]
async fn a_length_beside_chunks_is_dropped() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    wire.say(head("GET", &token, "")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say(format!("HTTP/1.1 200 OK\r\n{both}\r\n")).await;
    workspace.say_chunk(b"abc").await;
    workspace.say_chunk(b"").await;
    let answer = wire.answer().await;
    assert!(!answer.has("content-length"), "RFC 9112 section 6.3: {answer:?}");
    assert_eq!(answer.text(), "abc");
}
