use super::*;

fn take(text: &str) -> Result<Option<Head>, Fault> {
    take_head(&mut BytesMut::from(text))
}

fn head(text: &str) -> Head {
    take(text).expect("a head").expect("the whole of it")
}

#[test]
fn a_head_is_taken_off_the_front_and_what_follows_stays() {
    let mut unread = BytesMut::from("HTTP/1.1 404 Not There\r\nX-A: 1\r\nx-a:  2 \r\n\r\nHTTP");
    let head = take_head(&mut unread).expect("a head").expect("the whole of it");
    assert_eq!(head.parts.status, 404);
    assert_eq!(head.parts.version, Version::HTTP_11);
    let values: Vec<_> = head.parts.headers.get_all("x-a").iter().collect();
    assert_eq!(values, ["1", "2"]);
    let reason = head.parts.extensions.get::<ReasonPhrase>();
    assert_eq!(reason.map(ReasonPhrase::as_bytes), Some(b"Not There".as_slice()));
    assert_eq!(unread, "HTTP");
}

#[test]
fn a_usual_reason_is_not_kept_and_none_is_told() {
    assert!(head("HTTP/1.1 200 OK\r\n\r\n").parts.extensions.is_empty());
    for none in ["HTTP/1.1 200\r\n\r\n", "HTTP/1.1 200 \r\n\r\n"] {
        let head = head(none);
        let reason = head.parts.extensions.get::<ReasonPhrase>();
        assert_eq!(reason.map(ReasonPhrase::as_bytes), Some(b"".as_slice()));
    }
}

#[test]
fn a_part_of_a_head_is_waited_for_however_small_it_is() {
    let whole = "HTTP/1.1 200 OK\r\nX: y\r\n\r\n";
    for length in 0..whole.len() {
        let part = whole.get(..length).expect("ASCII");
        assert!(matches!(take(part), Ok(None)), "{part:?}");
    }
}

#[test]
fn what_cannot_become_a_head_is_refused_at_once() {
    for text in [
        "S",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/2",
        "\nHTTP/1.1 200 OK\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nX: y\n\n",
        "HTTP/1.1 200 OK\r\nX: y\n\r\n",
        "HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
    ] {
        assert!(matches!(take(text), Err(Fault::Malformed(_))), "{text:?}");
    }
}

#[test]
fn a_head_that_is_too_large_is_refused_before_all_of_it_has_come() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(MOST_FIELDS + 1));
    assert!(matches!(take(&many), Err(Fault::HeadTooLarge)));
    head(&many.replacen("X: y\r\n", "", 1));
    let large = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(MOST_HEAD));
    assert!(matches!(take(&large), Err(Fault::HeadTooLarge)));
    assert!(matches!(
        take(&format!("{large}\r\n\r\n")),
        Err(Fault::HeadTooLarge)
    ));
}

#[test]
fn a_connection_persists_unless_it_was_said_that_it_does_not() {
    for (version, fields, persists) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: x, CLOSE\r\n", false),
        ("1.1", "Connection: close\r\nConnection: keep-alive\r\n", false),
        ("1.1", "Connection: closed\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        let text = format!("HTTP/{version} 200 OK\r\n{fields}\r\n");
        assert_eq!(head(&text).persists, persists, "{text:?}");
    }
}

#[test]
fn only_what_comes_before_an_answer_is_interim() {
    for (status, is_interim) in [(100, true), (103, true), (199, true), (101, false), (200, false)] {
        assert_eq!(
            head(&format!("HTTP/1.1 {status} X\r\n\r\n")).is_interim(),
            is_interim
        );
    }
}
