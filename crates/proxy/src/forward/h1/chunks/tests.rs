use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// What these pieces are, and whether they end.
fn read(pieces: &[&[u8]]) -> Result<(Vec<u8>, HeaderMap, bool, BytesMut), Fault> {
    let (mut chunks, mut unread) = (Chunks::default(), BytesMut::new());
    let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
    for piece in pieces {
        unread.extend_from_slice(piece);
        loop {
            match chunks.take(&mut unread)? {
                Taken::Nothing => break,
                Taken::End => return Ok((body, trailers, true, unread)),
                Taken::Frame(frame) => match frame.into_data() {
                    Ok(data) => body.extend_from_slice(&data),
                    Err(frame) => trailers = frame.into_trailers().expect("trailers"),
                },
            }
        }
    }
    Ok((body, trailers, false, unread))
}

#[test]
fn what_is_no_body_of_chunks_is_refused_at_the_first_byte_that_shows_it() {
    for body in [
        "\n",
        "\r\n",
        ";x\r\n",
        "x\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        " 1\r\n",
        "1 1\r\n",
        "1\n",
        "1\r\r\n",
        "1;\n",
        "1;a\rb\r\n",
        "1;a\0\r\n",
        "10000000000000000\r\n",
        "1\r\nab\n",
        "1\r\na\n",
        "1\r\na\rb\n",
        "0\r\nno field\r\n\r\n",
        "0\r\n: y\r\n\r\n",
        "0\r\n\n",
        "0\r\nX: y\n",
        "0\r\nX: y\r\n folded\r\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        "0\r\r\n",
    ] {
        assert!(
            matches!(read(&[body.as_bytes()]), Err(Fault::Malformed(_))),
            "{body:?}"
        );
    }
}

#[test]
fn lines_and_trailers_have_an_end() {
    let line = [b"1;".as_slice(), &[b'x'; MOST_LINE]].concat();
    assert!(read(&[&line]).is_err());
    assert!(read(&[&line, b"\r\n"]).is_err());
    let many = format!("0\r\n{}\r\n", "X: y\r\n".repeat(MOST_TRAILERS + 1));
    assert!(read(&[many.as_bytes()]).is_err());
    let large = format!("0\r\nX: {}", "y".repeat(MOST_TRAILER_BYTES));
    assert!(read(&[large.as_bytes()]).is_err());
}

#[test]
fn an_extension_says_nothing() {
    let body = b"2 ;a=\"b\"\r\nok\r\n000;x\r\n\r\n";
    let (read, _, is_over, _) = read(&[body]).expect("chunks");
    assert_eq!((read.as_slice(), is_over), (b"ok".as_slice(), true));
}

proptest! {
    /// However they were cut, and however they arrive.
    #[test]
    fn chunks_are_what_was_put_into_them(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
        trailers in prop::collection::vec("[a-z]{1,5}", 0..3),
        behind in prop::collection::vec(any::<u8>(), 0..5),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut wire = Vec::new();
        for part in &parts {
            wire.extend_from_slice(format!("{:X}\r\n", part.len()).as_bytes());
            wire.extend_from_slice(part);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\n");
        for name in &trailers {
            wire.extend_from_slice(format!("{name}: 1\r\n").as_bytes());
        }
        wire.extend_from_slice(b"\r\n");
        let length = wire.len();
        wire.extend_from_slice(&behind);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(length)).collect();
        cuts.extend([0, wire.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &wire[cut[0]..cut[1]]).collect();
        let (body, read_trailers, is_over, left) = read(&pieces).expect("chunks");
        prop_assert!(is_over);
        prop_assert_eq!(body, parts.concat());
        prop_assert_eq!(read_trailers.len(), trailers.len());
        prop_assert_eq!(left, Bytes::from(behind));
    }
}
