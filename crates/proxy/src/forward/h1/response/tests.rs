use http::header::{HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::string::bytes_regex;

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

/// What `httparse`, which has no part in it, takes for a head: its version, its status, its reason, and its fields.
fn by_httparse(text: &[u8]) -> Option<(u8, u16, Vec<u8>, HeaderMap)> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut head = httparse::Response::new(&mut fields);
    match head.parse(text) {
        Ok(httparse::Status::Complete(length)) if length == text.len() => {}
        _ => return None,
    }
    let mut headers = HeaderMap::new();
    for field in head.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    // Of `099` it makes a status.
    let status = head.code.filter(|code| *code >= 100)?;
    Some((head.version?, status, head.reason?.into(), headers))
}

fn by_us(text: &[u8]) -> Option<(u8, u16, Vec<u8>, HeaderMap)> {
    let Head { parts, .. } = take_head(&mut BytesMut::from(text)).ok().flatten()?;
    let usual = parts.status.canonical_reason().unwrap_or_default().as_bytes();
    let reason = parts.extensions.get::<ReasonPhrase>();
    Some((
        u8::from(parts.version == Version::HTTP_11),
        parts.status.as_u16(),
        reason.map_or(usual, ReasonPhrase::as_bytes).to_vec(),
        parts.headers,
    ))
}

/// Of a head: most often one that is good, and else one that nearly is.
fn line(good: &str, odd: &str) -> impl Strategy<Value = Vec<u8>> {
    let of = |text: &str| bytes_regex(text).expect("an expression");
    let end = prop_oneof![9 => Just(&b"\r\n"[..]), 1 => Just(&b"\n"[..])];
    (prop_oneof![9 => of(good), 1 => of(odd)], end).prop_map(|(line, end)| [&line, end].concat())
}

fn status_line() -> impl Strategy<Value = Vec<u8>> {
    let good = "HTTP/1\\.[01] [1-9][0-9]{2}( (OK|[ -~\t]{0,3}|[\\x80-\\xff]{0,2}))?";
    line(good, "HTTP/1\\.[0-2] {0,2}[0-9]{2,4} ?[\\x00-\\xff]{0,3}")
}

fn field_line() -> impl Strategy<Value = Vec<u8>> {
    let good =
        "(server|Vary|date|[A-Za-z!#-'*+.^_`|~-]{1,3}):[ \t]{0,2}(nosniff|gzip|[ -~\\x80-\\xff\t]{0,5})";
    line(good, "[\\x00-\\xff]{0,3}(: ?)?[\\x00-\\xff]{0,3}")
}

proptest! {
    #[test]
    fn what_is_read_is_what_another_parser_reads(
        status_line in status_line(),
        fields in prop::collection::vec(field_line(), 0..4),
    ) {
        let text = [status_line, fields.concat(), b"\r\n".to_vec()].concat();
        let end = memmem::find(&text, b"\r\n\r\n").map(|end| end + 4);
        if let Some(head) = end.and_then(|end| text.get(..end)) {
            prop_assert_eq!(by_us(head), by_httparse(head));
        }
    }
}

#[test]
fn every_name_that_is_known_is_known_as_itself() {
    for name in [
        "cache-control",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "server",
        "strict-transport-security",
        "transfer-encoding",
        "vary",
        "x-content-type-options",
        "x-databricks-org-id",
        "x-request-id",
    ] {
        for name in [name.to_owned(), name.to_uppercase()] {
            let head = head(&format!("HTTP/1.1 200 OK\r\n{name}: y\r\n\r\n"));
            assert_eq!(
                head.parts.headers.get(&name).map(HeaderValue::as_bytes),
                Some(b"y".as_slice())
            );
        }
        let (shorter, other) = (
            name.get(1..).expect("ASCII"),
            name.replace('e', "f").replace('y', "z"),
        );
        for name in [
            shorter,
            &other,
            &format!("{name}x"),
            &format!("x{name}"),
            &format!("x:{name}"),
        ] {
            let head = head(&format!("HTTP/1.1 200 OK\r\n{name}:y\r\n\r\n"));
            let (read, _) = name.split_once(':').unwrap_or((name, ""));
            let names: Vec<_> = head.parts.headers.keys().map(HeaderName::as_str).collect();
            assert_eq!(names, [read]);
        }
    }
}

#[test]
fn no_value_is_taken_for_one_that_is_common() {
    for common in &fields::COMMON {
        let common = common.to_str().expect("ASCII");
        let shorter = common.get(1..).expect("ASCII");
        let (more, before) = (format!("{common}x"), format!("x{common}"));
        let (lower, upper) = (common.to_lowercase(), common.to_uppercase());
        for value in [common, &more, &before, shorter, &lower, &upper] {
            let head = head(&format!("HTTP/1.1 200 OK\r\nX: {value}\r\n\r\n"));
            assert_eq!(
                head.parts.headers.get("x").map(HeaderValue::as_bytes),
                Some(value.as_bytes())
            );
        }
    }
}

/// What is read next is read into that memory, unless somebody holds it.
#[test]
fn only_a_long_value_holds_the_memory_of_a_head() {
    for (longest, is_held) in [(64, false), (65, true)] {
        let value = "x".repeat(longest);
        let mut unread =
            BytesMut::from(format!("HTTP/1.1 200 OK\r\nDate: now\r\nX: {value}\r\n\r\n").as_str());
        let all = unread.len();
        let head = take_head(&mut unread).expect("a head").expect("the whole of it");
        assert_eq!(unread.try_reclaim(all), !is_held, "{longest} bytes");
        assert_eq!(
            head.parts.headers.get("x").map(HeaderValue::as_bytes),
            Some(value.as_bytes())
        );
    }
}
