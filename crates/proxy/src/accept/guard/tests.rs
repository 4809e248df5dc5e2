use proptest::prelude::*;
use proptest::string::bytes_regex;
use tokio::io::AsyncReadExt as _;

use super::super::sequel::Sequel;
use super::grammar::{Grammar, Refusal};
use super::{Guarded, UNREADABLE};

fn read(bytes: &[u8]) -> Result<(), Refusal> {
    Grammar::default().read(bytes)
}

#[test]
fn requests_follow_each_other() {
    let stream = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\
        PUT /a HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\0\n\
        POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\na;x\r\n0\r\n\r\n\0\0\0\0\0\r\n0\r\nX: y\r\n\r\n\
        \r\nGET /c HTTP/1.0\r\n\r\n";
    assert_eq!(read(stream), Ok(()));
}

#[test]
fn the_first_byte_that_is_refused_is_named() {
    let cases: [(&[u8], usize); 9] = [
        (b"\n", 0),
        (b"GET /#", 5),
        (b"OPTIONS *~", 9),
        (b"GET / HTTP/1.1\n", 14),
        (b"GET / HTTP/1.1\r\nX: y\nZ: ", 20),
        (
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            62,
        ),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\nX\nGET", 38),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 ", 47),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nXX", 50),
    ];
    for (bytes, at) in cases {
        let refusal = read(bytes).expect_err("a refusal");
        assert_eq!(refusal.at, at, "{}: {}", bytes.escape_ascii(), refusal.fault);
    }
}

#[test]
fn a_character_that_may_not_stand_somewhere_is_found_wherever_it_stands() {
    for at in 0..80 {
        for byte in 0..=u8::MAX {
            let mut text = [b'a'; 80];
            text[at] = byte;
            let target = [b"GET /", &text[..], b" HTTP/1.1\r\n"].concat();
            let may = matches!(byte, b'!'..=b'~' | 0x80..) && !b"#\\".contains(&byte);
            assert_eq!(read(&target).is_ok(), may, "{byte} at {at} of a target");
            let field = [b"GET / HTTP/1.1\r\nX: ", &text[..], b"\r\n"].concat();
            let may = matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
            assert_eq!(read(&field).is_ok(), may, "{byte} at {at} of a value");
            let name = [b"GET / HTTP/1.1\r\n", &text[..], b": \r\n"].concat();
            let may = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:".contains(&byte);
            // A colon ends the name, unless there is none.
            assert_eq!(
                read(&name).is_ok(),
                may && (byte != b':' || at > 0),
                "{byte} at {at} of a name"
            );
        }
    }
}

#[tokio::test]
async fn what_follows_a_refusal_is_never_seen() {
    let sent: &[u8] = b"GET / HTTP/1.1\r\nX: y\nGET /smuggled HTTP/1.1\r\n\r\n";
    // A buffer of one byte, of all, and of what lies between.
    for room in [1, 2, 7, 64] {
        let mut guarded = Guarded::new(sent, Sequel::default());
        let mut seen = Vec::new();
        loop {
            let mut buffer = vec![0; room];
            match guarded.read(&mut buffer).await.expect("bytes") {
                0 => break,
                length => seen.extend_from_slice(&buffer[..length]),
            }
        }
        assert_eq!(seen, [b"GET / HTTP/1.1\r\nX: y", UNREADABLE].concat());
    }
}

#[tokio::test]
async fn a_tunnel_is_not_read_and_a_refusal_makes_none() {
    let sequel = Sequel::default();
    let mut tunnel = Guarded::new(b"\x81\0\n".as_slice(), sequel.clone());
    let mut refused = Guarded::new(b"\x81\0\n".as_slice(), sequel.clone());
    let mut seen = [0; 6];
    refused.read_exact(&mut seen).await.expect("what stands for it");
    assert_eq!(seen, UNREADABLE);
    sequel.set(async |_| {});
    tunnel
        .read_exact(&mut seen[..3])
        .await
        .expect("bytes as they are");
    assert_eq!(&seen[..3], b"\x81\0\n");
    assert!(refused.read(&mut seen).await.is_err());
}

/// Pieces of requests, good and bad, so that most of what is made of them gets past the first line.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&'static [u8]> = vec![
        b"GET / HTTP/1.1\r\n",
        b"POST /a HTTP/1.1\r\n",
        b"POST /a HTTP/1.0\r\n",
        b"Host: x\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"transfer-encoding:\tCHUNKED \r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"abc",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"X: y\r\n",
        b"X-Forwarded-Proto: https\r\n",
        b"Content_Length: 3\r\n",
        b"Authorization: Bearer 0123456789abcdefghijklmnopqrstuvwxyz\xff\t~ \r\n",
        b"Authorization: Bearer 0123456789abcdefghijklmnopqrstuvwxyz\x7f\r\n",
        b" ",
        b"\0",
        b";",
    ];
    prop_oneof![
        8 => proptest::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 1..4),
    ]
}

proptest! {
    #[test]
    fn what_may_not_stand_in_a_value_is_refused_at_its_place_however_long_that_is(
        value in bytes_regex("[ -~]{0,150}[\t -~\\x80-\\xff]{0,80}[\\x00-\\x0c\\x0e-\\xff]?[ -~]{0,150}").expect("an expression"),
    ) {
        let line: &[u8] = b"GET / HTTP/1.1\r\nX:";
        let at = value.iter().position(|&byte| byte.is_ascii_control() && byte != b'\t').map(|at| line.len() + at);
        let refused = read(&[line, &value, b"\r\n"].concat()).err().map(|refusal| refusal.at);
        prop_assert_eq!(refused, at);
    }

    #[test]
    fn no_split_changes_the_verdict(pieces in proptest::collection::vec(piece(), 0..24), step in 1..9_usize) {
        let bytes = pieces.concat();
        let mut grammar = Grammar::default();
        let mut before = 0;
        let mut verdict = Ok(());
        for part in bytes.chunks(step) {
            verdict = grammar.read(part).map_err(|refusal| Refusal { at: before + refusal.at, ..refusal });
            if verdict.is_err() {
                break;
            }
            before += part.len();
        }
        prop_assert_eq!(verdict, read(&bytes));
    }

    #[test]
    fn a_head_that_passes_has_one_reading(pieces in proptest::collection::vec(piece(), 0..24)) {
        let bytes = pieces.concat();
        let passed = read(&bytes).map_or_else(|refusal| refusal.at, |()| bytes.len());
        let passed = &bytes[..passed];
        let Some(end) = passed.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(());
        };
        let head = passed[..end].strip_prefix(b"\r\n").unwrap_or(&passed[..end]);
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        let lines: Vec<_> = head.split("\r\n").collect();
        prop_assert!(!lines.iter().any(|line| line.contains(['\r', '\n', '\0']) || line.starts_with([' ', '\t'])));
        // By its whole name: `#Content-Length` is a field of its own to everybody.
        let names = lines.iter().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim().replace('_', "-"));
        let framing = names.filter(|name| name == "content-length" || name == "transfer-encoding");
        prop_assert!(framing.count() < 2, "{head:?}");
    }
}
