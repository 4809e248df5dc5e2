use http::Response;

use super::*;

fn framing(
    version: Version,
    status: u16,
    fields: &[(&'static str, &str)],
    to_head: bool,
) -> Result<Framing, Fault> {
    let mut response = Response::builder().version(version).status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    Framing::of(&response.body(()).expect("a head").into_parts().0, to_head)
}

fn of(fields: &[(&'static str, &str)]) -> Result<Framing, Fault> {
    framing(Version::HTTP_11, 200, fields, false)
}

#[test]
fn a_length_is_one_number_however_often_it_is_said() {
    for said in [&["7"][..], &["7", "7"], &["7, 7"], &["7 ,7", "7"]] {
        let fields: Vec<_> = said.iter().map(|said| ("content-length", *said)).collect();
        assert!(matches!(of(&fields), Ok(Framing::Length(7))), "{said:?}");
    }
    for said in [
        "",
        "+7",
        "-7",
        "7 7",
        "0x7",
        "7,",
        "7, 8",
        "18446744073709551616",
        "\u{664}",
    ] {
        assert!(
            matches!(of(&[("content-length", said)]), Err(Fault::Malformed(_))),
            "{said:?}"
        );
    }
}

#[test]
fn chunks_win_over_a_length_and_no_other_coding_is_taken() {
    let both = [("transfer-encoding", "Chunked"), ("content-length", "7")];
    assert!(matches!(of(&both), Ok(Framing::Chunked(_))));
    for coding in [
        "gzip",
        "gzip, chunked",
        "chunked, chunked",
        "identity",
        "",
        "chunked;q=1",
    ] {
        assert!(
            matches!(of(&[("transfer-encoding", coding)]), Err(Fault::Malformed(_))),
            "{coding}"
        );
    }
    let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
    assert!(of(&twice).is_err());
    assert!(framing(Version::HTTP_10, 200, &[("transfer-encoding", "chunked")], false).is_err());
}

#[test]
fn what_has_no_body_has_none_whatever_is_said_of_it() {
    let said = [("content-length", "7"), ("transfer-encoding", "chunked")];
    for (status, to_head) in [(204, false), (304, false), (200, true), (404, true)] {
        let framing = framing(Version::HTTP_11, status, &said, to_head);
        assert!(matches!(framing, Ok(Framing::Length(0))), "{status}");
    }
    assert!(matches!(
        framing(Version::HTTP_11, 101, &said, false),
        Ok(Framing::Switched)
    ));
}

#[test]
fn without_a_word_it_ends_with_the_connection() {
    assert!(matches!(of(&[]), Ok(Framing::UntilClose)));
}

#[test]
fn no_more_is_taken_than_was_said() {
    let (mut framing, mut unread) = (Framing::Length(3), BytesMut::from("ab"));
    let mut taken = || match framing.take(&mut unread) {
        Ok(Taken::Frame(frame)) => frame.into_data().expect("data"),
        other => panic!("{other:?}"),
    };
    assert_eq!(taken(), "ab");
    unread.extend_from_slice(b"cd");
    assert_eq!(framing.most(), 1);
    let mut taken = || framing.take(&mut unread);
    assert!(matches!(taken(), Ok(Taken::Frame(frame)) if frame.data_ref().is_some_and(|data| data == "c")));
    assert!(matches!(taken(), Ok(Taken::End)));
    assert_eq!(unread, "d");
}
