use http::{HeaderMap, Request};

use super::{LocalToken, bearer, is_of};
use crate::route::Host;
use identity::BearerToken;

fn host(name: &str) -> Host {
    let request = Request::get("/").header("host", name).body(()).unwrap();
    Host::of(&request).unwrap()
}

fn is_of_ours(fields: &[(&'static str, &str)]) -> bool {
    let fields = fields
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    is_of(&fields.collect::<HeaderMap>(), &host("127.0.0.1:8080"), "http")
}

#[test]
fn only_addresses_of_this_machine_and_localhost_are_its_own_names() {
    for name in [
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1:8080",
        "127.8.7.6",
        "[::1]:1",
        "[::ffff:127.0.0.1]",
    ] {
        assert!(host(name).is_loopback(), "{name}");
    }
    for name in [
        "evil.example.com",
        "localhost.evil.example.com",
        "a.localhost",
        "0.0.0.0",
        "127.0.0.1.nip.io",
        "192.0.2.1",
        "[::]",
        "2130706433",
    ] {
        assert!(!host(name).is_loopback(), "{name}");
    }
}

#[test]
fn no_page_of_another_origin_is_one_of_ours() {
    assert!(is_of_ours(&[]));
    assert!(is_of_ours(&[("origin", "http://127.0.0.1:8080")]));
    assert!(is_of_ours(&[("sec-fetch-site", "none")]));
    for origin in [
        "null",
        "http://127.0.0.1:9090",
        "https://127.0.0.1:8080",
        "http://localhost:8080",
        "https://evil.example.com",
        "",
    ] {
        assert!(!is_of_ours(&[("origin", origin)]), "{origin}");
        let two = [("origin", "http://127.0.0.1:8080"), ("origin", origin)];
        assert!(!is_of_ours(&two), "{origin} behind a good one");
    }
    for site in ["cross-site", "same-site", ""] {
        assert!(!is_of_ours(&[("sec-fetch-site", site)]), "{site}");
    }
}

#[test]
fn no_secret_of_an_agent_is_shown() {
    let local = LocalToken::new(b"0123456789abcdef").unwrap();
    assert_eq!(format!("{local:?}"), "LocalToken([redacted])");
    let header = bearer(&BearerToken::new("a.b.c")).unwrap();
    assert_eq!(header, "Bearer a.b.c");
    assert_eq!(format!("{header:?}"), "Sensitive");
}

#[test]
fn a_local_token_is_long_enough_not_to_be_guessed_and_fits_into_a_header() {
    assert!(LocalToken::new(b"0123456789abcde").is_none());
    assert!(LocalToken::new(b"0123456789 abcdef").is_none());
    let local = LocalToken::new(b"0123456789abcdef").unwrap();
    assert!(local.is(&BearerToken::new("0123456789abcdef")));
    assert!(!local.is(&BearerToken::new("0123456789abcdee")));
    assert!(!local.is(&BearerToken::new("0123456789abcdef0")));
    assert!(!local.is(&BearerToken::new("")));
}
