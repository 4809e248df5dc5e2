use proptest::prelude::*;

use super::*;

const SECRET: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6MX0.c2lnbmF0dXJlLW9mLWFsaWNl";

#[test]
fn plain_words_are_repeated_as_they_are() {
    let said = "No federation policy of https://accounts.cloud.databricks.com matches issuer \"https://idp.example/\" (é).";
    assert_eq!(tame(said, SECRET), said);
}

#[test]
fn ids_and_long_host_names_are_not_mistaken_for_tokens() {
    let said = "SP 7cb2f8a4-49a7-4147-83db-35cb69e5cede at adb-1234567890123456.7.azuredatabricks.net/oidc/v1/token [TraceId: 0af7651916cd43dd8448eb211c80319c]";
    assert_eq!(tame(said, SECRET), said);
}

#[test]
fn anything_that_looks_like_a_token_is_redacted() {
    assert_eq!(
        tame("bad token dapi0123456789abcdef!", ""),
        "bad token [redacted]!"
    );
    assert_eq!(tame("got eyJhbGciOiJub25lIn0.", ""), "got [redacted].");
    assert_eq!(tame(&"a1".repeat(20), ""), "[redacted]");
    assert_eq!(
        tame(&format!("token={SECRET}"), SECRET),
        "[redacted].[redacted].[redacted]"
    );
}

#[test]
fn the_token_that_was_sent_is_recognised_in_pieces() {
    let signature = SECRET.rsplit_once('.').unwrap().1;
    assert_eq!(
        tame(&format!("signature {signature} is wrong"), SECRET),
        "signature [redacted] is wrong"
    );
    assert_eq!(
        tame(&format!("near '{}'", &signature[3..12]), SECRET),
        "near '[redacted]'"
    );
}

fn line(bytes: &[u8]) -> String {
    format!("{}\r\n", str::from_utf8(bytes).unwrap())
}

/// Asserts that no eight characters of any segment are left.
fn assert_gives_nothing_away(tamed: &str) {
    for segment in SECRET.split('.') {
        for piece in segment.as_bytes().windows(8) {
            assert!(!tamed.contains(str::from_utf8(piece).unwrap()), "{tamed}");
        }
    }
}

#[test]
fn a_token_broken_up_by_invisible_characters_is_recognised() {
    let hidden: String = SECRET.chars().flat_map(|c| [c, '\u{200b}']).collect();
    assert_eq!(tame(&hidden, SECRET), "[redacted].[redacted].[redacted]");
    assert_gives_nothing_away(&tame(
        &SECRET.as_bytes().chunks(12).map(line).collect::<String>(),
        SECRET,
    ));
}

#[test]
fn control_characters_and_turned_writing_do_not_pass() {
    assert_eq!(
        tame("a\r\nb\u{1b}[31m\tc\u{202e}d\u{2028}e\0", ""),
        "a b [31m cd e"
    );
}

#[test]
fn words_are_bounded() {
    let tamed = tame(&"word ".repeat(1_000_000), "");
    assert_eq!(tamed.chars().count(), 300);
    assert!(tamed.ends_with('…'));
}

#[test]
fn words_that_ask_an_sdk_to_retry_are_dropped() {
    for magic in [
        "context deadline exceeded",
        "Timed out after 30s",
        "x ClusterNotReadyException x",
        "worker env abc-1 was not found",
        "REQUEST_LIMIT_EXCEEDED",
        "Unexpected error",
        "Please try again later or try a faster operation.",
        "RPC token bucket limit has been exceeded",
        "deadline\r\n exceeded",
        "unexpected\u{200b} ERROR",
    ] {
        assert_eq!(tame(magic, ""), "", "{magic}");
    }
    assert_ne!(tame("Please try again later.", ""), "");
}

proptest! {
    #[test]
    fn whatever_is_said_nothing_unprintable_or_secret_or_long_comes_out(
        before in ".{0,40}", after in ".{0,40}", from in 0..60_usize,
    ) {
        let tamed = tame(&format!("{before}{}{after}", &SECRET[from..]), SECRET);
        prop_assert!(tamed.chars().count() <= 300);
        prop_assert!(!tamed.chars().any(char::is_control));
        assert_gives_nothing_away(&tamed);
    }
}
