use crate::harness::{Gateway, Upstream, Wire, by_hand};

/// A workspace's answer to `GET`, and what becomes of it.
async fn answered(upstream: &Upstream, wire: &mut Wire, token: &str, answer: &[u8]) -> Wire {
    wire.say(get("GET", token)).await;
    let (_, mut workspace) = upstream.accept().await;
    // It may be cut off before it was said.
    let _ = workspace.try_say(answer).await;
    workspace
}

/// The next request is served, on a connection on which nothing was left over.
async fn the_next_is_served(gateway: &Gateway, upstream: &Upstream, token: &str) {
    let mut wire = gateway.wire().await;
    let _workspace = answered(upstream, &mut wire, token, OK).await;
    assert_eq!(wire.answer().await.text(), "ok");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_a_502() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(5_000));
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    let answers: [&[u8]; 22] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: y\r\n folded\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: y\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        b"HTTP/1.1 200 OK\rX: y\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 0200 OK\r\nContent-Length: 0\r\n\r\n",
        b"<html>not http</html>\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        many.as_bytes(),
        large.as_bytes(),
    ];
    for answer in answers {
        let _workspace = answered(&upstream, &mut wire, &token, answer).await;
        wire.answer().await.failure(502, "UPSTREAM_BROKE");
        the_next_is_served(&gateway, &upstream, &token).await;
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_cut_off() {
    let (gateway, upstream, _, token) = by_hand().await;
    let bodies: [&[u8]; 8] = [
        b"x\r\nok\r\n0\r\n\r\n",
        b"2\nok\r\n0\r\n\r\n",
        b"2\r\nok!\r\n0\r\n\r\n",
        b"2;\nok\r\n0\r\n\r\n",
        b"-2\r\nok\r\n0\r\n\r\n",
        b"10000000000000002\r\nok\r\n0\r\n\r\n",
        b"2\r\nok\r\n0\r\nX: \0\r\n\r\n",
        b"2\r\nok\r\n0\r\r\n",
    ];
    for body in bodies {
        let answer = [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice(),
            body,
        ]
        .concat();
        let mut wire = gateway.wire().await;
        let _workspace = answered(&upstream, &mut wire, &token, &answer).await;
        let said = wire.rest().await;
        let name = body.escape_ascii();
        assert!(!said.ends_with(b"0\r\n\r\n"), "{name}: passed off as whole");
        the_next_is_served(&gateway, &upstream, &token).await;
    }
}

#[tokio::test]
async fn what_a_workspace_says_unasked_is_nobodys_answer() {
    let (gateway, upstream, _, token) = by_hand().await;
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let answers = [
        format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{evil}"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{evil}"),
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n".to_owned(),
    ];
    for answer in answers {
        let mut wire = gateway.wire().await;
        let _workspace = answered(&upstream, &mut wire, &token, answer.as_bytes()).await;
        assert_eq!(wire.answer().await.text(), "ok", "{answer:?}");
        // On the same connection of the client's, and so surely on the same worker.
        let _workspace = answered(&upstream, &mut wire, &token, OK).await;
        assert_eq!(wire.answer().await.text(), "ok", "{answer:?}");
    }
}

#[tokio::test]
async fn what_a_workspace_says_between_two_requests_is_nobodys_answer() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    for unasked in [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        "HTTP/1.1 408 Request Timeout\r\n",
        "\r\n",
    ] {
        wire.say(get("GET", &token)).await;
        let (_, mut workspace) = upstream.accept().await;
        workspace
            .say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
        assert_eq!(wire.answer().await.text(), "ok");
        workspace.say(unasked).await;
        let _workspace = answered(&upstream, &mut wire, &token, OK).await;
        assert_eq!(wire.answer().await.text(), "ok", "{unasked:?}");
    }
}

#[tokio::test]
async fn a_connection_that_its_workspace_is_done_with_is_not_used_again_though_it_is_still_open() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    let mut still_open = Vec::new();
    for last in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: x, Close\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ] {
        // One for each, or this waits for ever.
        still_open.push(answered(&upstream, &mut wire, &token, last.as_bytes()).await);
        assert_eq!(wire.answer().await.text(), "ok", "{last:?}");
    }
}

#[tokio::test]
async fn an_answer_without_a_body_has_none_whatever_follows() {
    let (gateway, upstream, _, token) = by_hand().await;
    for (method, start) in [
        ("GET", "204 No Content"),
        ("GET", "304 Not Modified"),
        ("HEAD", "200 OK"),
    ] {
        let mut wire = gateway.wire().await;
        wire.say(get(method, &token)).await;
        let (_, mut workspace) = upstream.accept().await;
        let answer = format!(
            "HTTP/1.1 {start}\r\nContent-Length: 40\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        );
        workspace.say(answer).await;
        assert!(wire.head().await.start.ends_with(start));
        let _workspace = answered(&upstream, &mut wire, &token, OK).await;
        assert_eq!(wire.answer().await.text(), "ok", "after {start}");
    }
}

#[tokio::test]
async fn interim_answers_are_no_answer_however_many() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let flood = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(20_000);
    let answer = flood
        .into_bytes()
        .into_iter()
        .chain(OK.iter().copied())
        .collect::<Vec<_>>();
    let _workspace = answered(&upstream, &mut wire, &token, &answer).await;
    loop {
        let head = wire.head().await;
        if head.status() == 200 {
            break;
        }
        assert_eq!(head.status(), 103);
    }
    assert_eq!(wire.exactly(2).await, b"ok");
    drop(gateway);
}

#[tokio::test]
async fn an_answer_before_the_end_of_an_upload_leaves_no_connection_behind() {
    let (gateway, upstream, _, token) = by_hand().await;
    let fields = [
        "Content-Length: 1000\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 1000\r\nExpect: 100-continue\r\n",
    ];
    for fields in fields {
        let mut wire = gateway.wire().await;
        wire.say(get("PUT", &token).replace("\r\n\r\n", &format!("\r\n{fields}\r\n")))
            .await;
        let (_, mut workspace) = upstream.accept().await;
        workspace
            .say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
            .await;
        assert_eq!(wire.answer().await.status, 413, "{fields}");
        // The rest of the upload is still owed on this connection; nobody else's request may go there.
        the_next_is_served(&gateway, &upstream, &token).await;
        drop(wire);
        assert!(
            !workspace.rest().await.windows(5).any(|window| window == b"GET /"),
            "{fields}"
        );
    }
}

fn get(method: &str, token: &str) -> String {
    format!("{method} /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
