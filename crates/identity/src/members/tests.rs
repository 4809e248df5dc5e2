use super::{Members, WrongType};

fn parse(json: &str) -> Option<Members<'_>> {
    Members::parse(json.as_bytes())
}

#[test]
fn members_are_found_by_their_decoded_names() {
    let members = parse(r#"{"b": 1.5, "\u0061": "x\n", "c": ["p", "q"]}"#).unwrap();
    assert_eq!(members.string("a").unwrap().unwrap(), "x\n");
    assert_eq!(members.number("b"), Ok(Some(1.5)));
    assert_eq!(members.strings("c").unwrap().unwrap(), ["p", "q"]);
    assert_eq!(members.string("d"), Ok(None));
    assert!(members.contains("c") && !members.contains("d"));
    assert_eq!(
        members.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
}

#[test]
fn a_repeated_member_is_refused_however_it_is_spelled() {
    for json in [
        r#"{"iss": "a", "iss": "a"}"#,
        r#"{"iss": "a", "x": 1, "\u0069ss": "b"}"#,
        r#"{"zz": 1, "a": 2, "zz": null}"#,
        r#"{"": 1, "": 2}"#,
    ] {
        assert!(parse(json).is_none(), "{json}");
    }
}

#[test]
fn what_is_not_one_object_is_refused() {
    for json in [
        "",
        "null",
        "[]",
        "1",
        r#""x""#,
        "{",
        "{}{}",
        "{} x",
        r#"{"a"}"#,
        r#"{"a": 01}"#,
        r"{a: 1}",
        "\u{feff}{}",
    ] {
        assert!(parse(json).is_none(), "{json}");
    }
    assert!(Members::parse(b"{\"a\": \"\xff\"}").is_none());
    assert!(parse(" {} \n").is_some());
}

#[test]
fn a_value_of_the_wrong_type_is_never_taken_as_absent() {
    let members =
        parse(r#"{"n": null, "s": "1", "i": 1, "big": 1e400, "mixed": ["a", 1], "lone": "\ud800"}"#).unwrap();
    assert_eq!(members.string("n"), Err(WrongType));
    assert_eq!(members.string("i"), Err(WrongType));
    assert_eq!(members.string("lone"), Err(WrongType));
    assert_eq!(members.number("n"), Err(WrongType));
    assert_eq!(members.number("s"), Err(WrongType));
    assert_eq!(members.number("big"), Err(WrongType));
    assert_eq!(members.strings("mixed"), Err(WrongType));
    assert_eq!(members.strings("n"), Err(WrongType));
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let depth = 100_000;
    let bomb = format!(r#"{{"a": {}{}, "b": 1}}"#, "[".repeat(depth), "]".repeat(depth));
    let members = parse(&bomb).unwrap();
    assert_eq!(members.string("a"), Err(WrongType));
    assert_eq!(members.strings("a"), Err(WrongType));
    let unfinished = format!(r#"{{"a": {}"#, r#"{"a":"#.repeat(depth));
    assert!(parse(&unfinished).is_none());
}
