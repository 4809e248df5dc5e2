//! A workspace closes a connection that it thinks unused while a request is on its way there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use crate::harness::{Call, Head, Upstream, Wire, by_hand, soon};

fn request(method: &str, token: &str, rest: &str) -> String {
    format!("{method} /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{rest}")
}

/// The workspace's end of a connection that has served a request, and is kept.
async fn kept(upstream: &Upstream, wire: &mut Wire, token: &str) -> Wire {
    wire.say(request("GET", token, "\r\n")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say(OK).await;
    assert_eq!(wire.answer().await.text(), "ok");
    workspace
}

/// Sends a request down a connection that has served before, and whose workspace reads the head and closes.
async fn into_the_void(
    upstream: &Upstream,
    wire: &mut Wire,
    token: &str,
    (method, rest): (&str, &str),
) -> Head {
    let mut workspace = kept(upstream, wire, token).await;
    wire.say(request(method, token, rest)).await;
    workspace.head().await
}

#[tokio::test]
async fn what_may_be_repeated_is_sent_again_and_nobody_notices() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "PUT"] {
        let first = into_the_void(&upstream, &mut wire, &token, (method, "X-A: b\r\n\r\n")).await;
        let (second, mut workspace) = upstream.accept().await;
        assert_eq!((second.start, second.fields), (first.start, first.fields));
        workspace
            .say("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            .await;
        assert_eq!(wire.head().await.status(), 204, "{method}");
        assert_eq!(gateway.record().await.failure, None);
    }
}

#[tokio::test]
async fn it_is_sent_again_once() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    into_the_void(&upstream, &mut wire, &token, ("GET", "\r\n")).await;
    drop(upstream.accept().await);
    wire.answer().await.failure(502, "UPSTREAM_BROKE");
    the_next_one_is_served(&upstream, &mut wire, &token).await;
}

#[tokio::test]
async fn it_is_sent_again_on_a_new_connection_however_many_were_kept() {
    let (gateway, upstream, mut wire, token) = by_hand().await;
    let mut other = gateway.wire().await;
    let mut kept = Vec::new();
    for client in [&mut wire, &mut other] {
        client.say(request("GET", &token, "\r\n")).await;
        kept.push(upstream.accept().await.1);
    }
    for (workspace, client) in kept.iter_mut().zip([&mut wire, &mut other]) {
        workspace.say(OK).await;
        assert_eq!(client.answer().await.text(), "ok");
    }
    let mut closing = JoinSet::new();
    for mut workspace in kept {
        closing.spawn(async move { workspace.head().await });
    }
    wire.say(request("GET", &token, "\r\n")).await;
    let (_, mut workspace) = upstream.accept().await;
    workspace.say(OK).await;
    assert_eq!(wire.answer().await.text(), "ok");
}

#[tokio::test]
async fn what_may_have_been_acted_upon_is_a_502_and_not_sent_again() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    let body = "Content-Length: 2\r\n\r\nhi";
    for request in [
        ("POST", "\r\n"),
        ("PATCH", "\r\n"),
        ("LOCKED-UP", "\r\n"),
        ("POST", body),
        ("PUT", body),
        ("DELETE", body),
    ] {
        into_the_void(&upstream, &mut wire, &token, request).await;
        wire.answer().await.failure(502, "UPSTREAM_BROKE");
        the_next_one_is_served(&upstream, &mut wire, &token).await;
    }
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_asked_for_again() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    for answer in ["HTTP/1.1 200 OK\r\nno field\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let mut workspace = kept(&upstream, &mut wire, &token).await;
        wire.say(request("GET", &token, "\r\n")).await;
        workspace.head().await;
        workspace.say(answer).await;
        wire.answer().await.failure(502, "UPSTREAM_BROKE");
        the_next_one_is_served(&upstream, &mut wire, &token).await;
    }
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_asked_for_again_though_the_workspace_closes_then() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    for beginning in ["H", "HTTP/1.1 200 OK\r\nX-A", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        let mut workspace = kept(&upstream, &mut wire, &token).await;
        wire.say(request("GET", &token, "\r\n")).await;
        workspace.head().await;
        workspace.say(beginning).await;
        drop(workspace);
        if beginning.contains("103") {
            assert_eq!(wire.head().await.status(), 103);
        }
        wire.answer().await.failure(502, "UPSTREAM_BROKE");
        the_next_one_is_served(&upstream, &mut wire, &token).await;
    }
}

/// It arrives first: nothing else was still on its way.
async fn the_next_one_is_served(upstream: &Upstream, wire: &mut Wire, token: &str) {
    wire.say(request("GET", token, "X-Next: 1\r\n\r\n")).await;
    let (next, mut workspace) = upstream.accept().await;
    assert_eq!(next.values("x-next"), ["1"]);
    workspace
        .say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        .await;
    assert_eq!(wire.answer().await.text(), "ok");
}

#[tokio::test]
async fn no_post_is_ever_doubled_by_a_workspace_that_closes_what_it_keeps_open() {
    let (gateway, upstream, _wire, token) = by_hand().await;
    let seen = Arc::<Mutex<HashMap<String, usize>>>::default();
    let mut workspace = JoinSet::new();
    workspace.spawn(close_at_whim(upstream, Arc::clone(&seen)));
    let mut callers = JoinSet::new();
    for caller in 0..4 {
        let (mut client, token) = (gateway.client().await, token.clone());
        callers.spawn(async move {
            let mut answers = Vec::new();
            for call in 0..100 {
                let target = format!("/{caller}/{call}");
                let answer = client.send(Call::post(&target).bearer(&token).body("{}")).await;
                answers.push((target, answer.status.as_u16()));
            }
            answers
        });
    }
    let answers = soon(callers.join_all()).await.concat();
    let seen = seen.lock().unwrap();
    let doubled: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    for (target, status) in &answers {
        assert!(matches!(status, 200 | 502), "{target}: {status}");
        // One that is on its way while the workspace closes is read by nobody.
        assert!(*status == 502 || seen.contains_key(target), "{target}");
    }
    let broken = answers.iter().filter(|(_, status)| *status == 502).count();
    assert!((1..answers.len()).contains(&broken), "{broken}");
}

/// Closes each connection after its first answer; every third one only when it has read another request.
async fn close_at_whim(upstream: Upstream, seen: Arc<Mutex<HashMap<String, usize>>>) {
    let note = move |head: &Head| {
        let target = head.start.split(' ').nth(1).expect("a target").to_owned();
        *seen.lock().unwrap().entry(target).or_default() += 1;
    };
    let mut connections = JoinSet::new();
    for number in 0.. {
        let (head, mut wire) = upstream.accept().await;
        let note = note.clone();
        connections.spawn(async move {
            note(&head);
            wire.exactly(2).await;
            wire.say(OK).await;
            if number % 3 == 0 {
                note(&wire.head().await);
            }
        });
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
