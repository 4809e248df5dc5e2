//! `[[issuer]]`.

use identity::KeySource;

use super::{accepted, complaints, issuer, only, read};

fn about(lines: &str) -> String {
    only(complaints(&issuer(lines))).0
}

fn with_url(url: &str) -> String {
    issuer(&format!("url = \"{url}\"\naudiences = [\"a\"]"))
}

#[test]
fn an_issuer_needs_a_url_and_audiences() {
    assert_eq!(about("audiences = [\"a\"]"), "the issuer has no `url`");
    assert_eq!(about("url = \"https://a\""), "the issuer has no `audiences`");
    assert_eq!(
        about("url = \"https://a\"\naudiences = []"),
        "there must be at least one audience"
    );
    assert_eq!(
        about("url = \"https://a\"\naudiences = [\" \"]"),
        "the name of the audience is empty"
    );
}

#[test]
fn an_issuer_is_kept_byte_for_byte() {
    for url in [
        "https://login.example.com",
        "https://login.example.com/",
        "https://Login.example.com:443/a/../b",
    ] {
        assert_eq!(accepted(&with_url(url)).issuers[0].url, url);
    }
}

#[test]
fn an_issuer_that_no_url_parser_would_keep_is_refused() {
    for url in [
        " https://a",
        "https://a ",
        "https:\\\\\\\\a",
        "https://a\\tb",
        "HTTPS://a",
        "a.example.com",
        "https://",
    ] {
        let text = with_url(url);
        assert_eq!(read(&text).expect_err(url).list().len(), 1, "{url}");
    }
}

#[test]
fn an_issuer_has_no_query_no_fragment_and_no_credentials() {
    for url in [
        "https://a?b=c",
        "https://a#b",
        "https://user@a",
        "https://:secret@a",
    ] {
        assert_eq!(read(&with_url(url)).expect_err(url).list().len(), 1, "{url}");
    }
}

#[test]
fn http_issuers_are_for_loopback() {
    for url in [
        "http://127.0.0.1:9000",
        "http://127.9.9.9",
        "http://[::1]:9000",
        "http://localhost:9000",
    ] {
        accepted(&with_url(url));
    }
    for url in [
        "http://login.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://[::2]",
        "http://0.0.0.0",
    ] {
        let (message, _) = only(complaints(&with_url(url)));
        assert!(
            message.starts_with("http:// is accepted on loopback addresses only"),
            "{url}: {message}"
        );
    }
}

#[test]
fn insecure_http_accepts_http_for_its_own_issuer_alone() {
    accepted(&issuer(
        "url = \"http://a\"\naudiences = [\"a\"]\ninsecure_http = true",
    ));
    let off = "url = \"http://a\"\naudiences = [\"a\"]\ninsecure_http = false";
    assert!(about(off).starts_with("http:// is accepted"));
    let other = "url = \"http://a\"\naudiences = [\"a\"]\ninsecure_http = true\n\
        [[issuer]]\nurl = \"http://b\"\naudiences = [\"a\"]";
    assert_eq!(only(complaints(&issuer(other))).1, "\"http://b\"");
    let workspace = "url = \"http://a\"\naudiences = [\"a\"]\ninsecure_http = true\n\
        [[workspace]]\nurl = \"http://b\"\nhosts = [\"b\"]";
    let found = complaints(&issuer(workspace));
    assert!(
        found
            .iter()
            .any(|(message, under)| message.starts_with("http://") && under == "\"http://b\"")
    );
}

#[test]
fn keys_come_by_discovery_unless_told_otherwise() {
    assert!(matches!(
        accepted(&with_url("https://a")).issuers[0].keys,
        KeySource::Discovery
    ));
    let text = issuer("url = \"https://a\"\naudiences = [\"a\"]\njwks = { url = \"https://a/keys?x=y\" }");
    assert!(
        matches!(&accepted(&text).issuers[0].keys, KeySource::Url(url) if url.as_str() == "https://a/keys?x=y")
    );
}

#[test]
fn keys_come_from_exactly_one_place() {
    let jwks = |jwks: &str| {
        about(&format!(
            "url = \"https://a\"\naudiences = [\"a\"]\njwks = {jwks}"
        ))
    };
    assert_eq!(jwks("{}"), "`jwks` names neither a `url` nor a `file`");
    assert_eq!(
        jwks("{ url = \"https://a\", file = \"b\" }"),
        "keys come from a URL or from a file, not from both"
    );
}

#[test]
fn a_key_url_obeys_the_issuers_rule_for_http() {
    let jwks = "url = \"https://a\"\naudiences = [\"a\"]\njwks = { url = \"http://a/keys\" }";
    assert!(about(jwks).starts_with("http:// is accepted on loopback addresses only"));
    accepted(&issuer(&format!("{jwks}\ninsecure_http = true")));
}

#[test]
fn an_issuer_is_configured_once() {
    let twice =
        "url = \"https://a\"\naudiences = [\"a\"]\n[[issuer]]\nurl = \"https://a\"\naudiences = [\"b\"]";
    assert_eq!(about(twice), "this issuer is configured twice");
    // Another issuer, byte for byte.
    accepted(&issuer(
        "url = \"https://a\"\naudiences = [\"a\"]\n[[issuer]]\nurl = \"https://a/\"\naudiences = [\"b\"]",
    ));
}

#[test]
fn identity_claims_narrow_the_subject() {
    let text = issuer("url = \"https://a\"\naudiences = [\"a\"]\nidentity_claims = [\"sub\"]");
    assert_eq!(
        accepted(&text).issuers[0].identity_claims.as_deref(),
        Some(&["sub".to_owned()][..])
    );
    assert_eq!(accepted(&with_url("https://a")).issuers[0].identity_claims, None);
    let none = "url = \"https://a\"\naudiences = [\"a\"]\nidentity_claims = []";
    assert_eq!(about(none), "there must be at least one claim");
}
