use std::time::Duration;

use reqwest::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use url::Url;

use super::{FetchKeys as _, HttpKeys, Location, jwks_uri, max_age};
use crate::key_set::MAX_DOCUMENT_BYTES;
use crate::testing::{EC, RSA, Server, http, jwks};

async fn fetch(location: Location) -> Result<(usize, Option<Duration>), String> {
    let fetched = HttpKeys {
        http: http(),
        location,
    }
    .fetch()
    .await;
    fetched
        .map(|fetched| (fetched.keys.len(), fetched.max_age))
        .map_err(|error| error.chain())
}

async fn fetch_jwks(server: &Server) -> Result<(usize, Option<Duration>), String> {
    fetch(Location::Jwks(
        Url::parse(&format!("{}/jwks", server.url)).unwrap(),
    ))
    .await
}

async fn discover(issuer: &str) -> Result<(usize, Option<Duration>), String> {
    fetch(Location::Discovery {
        issuer: issuer.to_owned(),
    })
    .await
}

#[tokio::test]
async fn keys_are_found_through_discovery() {
    let idp = Server::idp(&[&RSA, &EC]).await;
    assert_eq!(discover(&idp.url).await, Ok((2, None)));
}

#[tokio::test]
async fn an_issuer_with_a_trailing_slash_is_discovered_too() {
    let idp = Server::idp(&[&RSA]).await;
    let issuer = format!("{}/", idp.url);
    let discovery = serde_json::json!({"issuer": issuer, "jwks_uri": format!("{}/jwks", idp.url)});
    idp.serve("/.well-known/openid-configuration", &discovery.to_string());
    assert_eq!(discover(&issuer).await, Ok((1, None)));
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_refused() {
    let idp = Server::idp(&[&RSA]).await;
    let refused = discover(&format!("{}/", idp.url)).await.unwrap_err();
    assert!(refused.contains("byte for byte"), "{refused}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = Server::start().await;
    server.serve("/elsewhere", &jwks(&[&RSA]));
    server.answer("/jwks", "302 Found", &["location: /elsewhere"], "");
    let refused = fetch_jwks(&server).await.unwrap_err();
    assert!(
        refused.contains("302") && refused.contains("redirects are not followed"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_error_status_is_named() {
    let server = Server::start().await;
    assert!(fetch_jwks(&server).await.unwrap_err().contains("404"));
}

#[tokio::test]
async fn an_endless_body_is_cut_off_at_the_cap() {
    let server = Server::start().await;
    let chunk = format!("{:x}\r\n{}\r\n", 65_536, " ".repeat(65_536));
    let endless = chunk.repeat(2 * MAX_DOCUMENT_BYTES / 65_536);
    server.answer_raw(
        "/jwks",
        &format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{endless}"),
    );
    let refused = fetch_jwks(&server).await.unwrap_err();
    assert!(refused.contains("larger than"), "{refused}");
}

#[tokio::test]
async fn the_servers_max_age_is_read() {
    let server = Server::start().await;
    server.answer(
        "/jwks",
        "200 OK",
        &["cache-control: public, max-age=300"],
        &jwks(&[&RSA]),
    );
    assert_eq!(fetch_jwks(&server).await, Ok((1, Some(Duration::from_secs(300)))));
}

#[tokio::test]
async fn credentials_in_a_url_are_not_told() {
    let server = Server::start().await;
    let url = format!("{}/jwks?key=secret", server.url.replace("//", "//user:secret@"));
    for status in ["404 Not Found", "garbage"] {
        server.answer("/jwks?key=secret", status, &[], "");
        let refused = fetch(Location::Jwks(Url::parse(&url).unwrap()))
            .await
            .unwrap_err();
        assert!(
            refused.contains("/jwks") && !refused.contains("secret"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_with_its_cause() {
    let server = Server::start().await;
    let url = server.url.clone();
    drop(server);
    let refused = discover(&url).await.unwrap_err();
    assert!(
        refused.starts_with("the discovery document at http://127.0.0.1:"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_issuer_that_is_not_a_url_cannot_be_discovered() {
    assert!(discover("my-idp").await.unwrap_err().contains("not a URL"));
}

#[test]
fn keys_come_over_https_unless_the_issuer_does_not_either() {
    let judge = |uri: &str, plain_http| {
        let document = serde_json::json!({"issuer": "i", "jwks_uri": uri}).to_string();
        jwks_uri(document.as_bytes(), "i", plain_http).is_ok()
    };
    assert!(judge("https://a.example/k", false) && judge("https://a.example/k", true));
    assert!(judge("http://a.example/k", true) && !judge("http://a.example/k", false));
    assert!(!judge("file:///etc/passwd", true) && !judge("/jwks", true) && !judge("", false));
}

#[test]
fn a_discovery_document_must_be_plain() {
    for document in [
        "",
        "[]",
        "{}",
        r#"{"issuer":"i"}"#,
        r#"{"issuer":1,"jwks_uri":"https://a"}"#,
        r#"{"issuer":"i","issuer":"i","jwks_uri":"https://a"}"#,
    ] {
        assert!(jwks_uri(document.as_bytes(), "i", false).is_err(), "{document}");
    }
}

#[test]
fn max_age_is_found_among_other_directives() {
    let of = |value: &'static str| {
        max_age(&HeaderMap::from_iter([(
            CACHE_CONTROL,
            HeaderValue::from_static(value),
        )]))
    };
    assert_eq!(of("no-cache, Max-Age = 60"), Some(Duration::from_secs(60)));
    assert_eq!(of("s-maxage=9, max-age=0"), Some(Duration::ZERO));
    for none in [
        "no-store",
        "max-age",
        "max-age=",
        "max-age=-1",
        "max-age=x",
        "max-age=99999999999999999999999",
    ] {
        assert_eq!(of(none), None, "{none}");
    }
}
