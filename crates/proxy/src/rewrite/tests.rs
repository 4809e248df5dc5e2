use std::sync::Arc;

use exchange::AccessToken;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, request};
use identity::{Expiry, UnixTime};
use proptest::prelude::*;

use super::{FROM_CLIENTS_NEVER, HOP_BY_HOP};
use crate::WorkspaceUrl;

fn workspace() -> WorkspaceUrl {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    WorkspaceUrl::new(
        &"https://dbc-1.cloud.databricks.com".parse().unwrap(),
        Arc::new(tls),
    )
    .unwrap()
}

fn token() -> AccessToken {
    AccessToken::new("swapped", Expiry(UnixTime::from_seconds(1))).unwrap()
}

fn rewritten(request: Request<()>) -> request::Parts {
    let (mut head, ()) = request.into_parts();
    super::request(&mut head, &workspace(), &token());
    head
}

fn rewritten_headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut request = Request::get("http://gateway.example.com/api").body(()).unwrap();
    for (name, value) in fields {
        request
            .headers_mut()
            .append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    rewritten(request).headers
}

#[test]
fn the_jwt_gives_way_to_the_swapped_token() {
    let headers = rewritten_headers(&[("authorization", "Bearer jwt")]);
    let all: Vec<_> = headers.get_all("authorization").iter().collect();
    assert_eq!(all, ["Bearer swapped"]);
    assert!(all[0].is_sensitive());
}

#[test]
fn the_host_is_the_workspaces() {
    let headers = rewritten_headers(&[("host", "gateway.example.com"), ("host", "twice.example.com")]);
    assert_eq!(
        headers.get_all("host").iter().collect::<Vec<_>>(),
        ["dbc-1.cloud.databricks.com"]
    );
}

#[test]
fn nobody_can_nominate_away_what_the_gateway_sets() {
    let headers = rewritten_headers(&[
        ("connection", "authorization, host"),
        ("authorization", "Bearer jwt"),
    ]);
    assert_eq!(headers["authorization"], "Bearer swapped");
    assert_eq!(headers["host"], "dbc-1.cloud.databricks.com");
}

#[test]
fn what_every_connection_header_nominates_is_dropped() {
    let fields = [
        ("connection", "x-one"),
        ("connection", "close , X-Two,,"),
        ("x-one", "1"),
        ("x-two", "2"),
    ];
    let headers = rewritten_headers(&fields);
    assert!(
        !headers.contains_key("x-one")
            && !headers.contains_key("x-two")
            && !headers.contains_key("connection")
    );
}

#[test]
fn a_length_beside_a_transfer_coding_is_dropped() {
    let both = [
        ("connection", "transfer-encoding"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
    ];
    assert!(!rewritten_headers(&both).contains_key("content-length"));
    assert!(rewritten_headers(&both[1..2]).contains_key("content-length"));
}

#[test]
fn what_clients_say_about_forwarding_and_identity_is_dropped() {
    for name in FROM_CLIENTS_NEVER.iter().skip(1) {
        let headers = rewritten_headers(&[(name.as_str(), "spoofed")]);
        assert!(!headers.contains_key(name), "{name}");
    }
}

#[test]
fn the_target_goes_on_byte_for_byte() {
    for target in [
        "/api/2.0/fs/files/Volumes/a%2Fb//c/../d%20e",
        "/?a=b&&c=%00;d",
        "//x",
        "/a/./b/?",
        "/%E2%82%AC?q=a+b%2B",
    ] {
        let request = Request::get(format!("http://gateway.example.com{target}"))
            .body(())
            .unwrap();
        assert_eq!(rewritten(request).uri, target);
    }
}

#[test]
fn a_workspaces_answer_loses_its_connection_its_cookies_and_any_token() {
    let response = Response::builder()
        .header("connection", "x-internal, keep-alive")
        .header("x-internal", "1")
        .header("keep-alive", "timeout=5")
        .header("transfer-encoding", "chunked")
        .header("set-cookie", "a=b")
        .header("set-cookie", "c=d")
        .header("authorization", "Bearer swapped")
        .header("alt-svc", "h3=\":443\"")
        .header("x-databricks-org-id", "1")
        .header("etag", "x")
        .body(())
        .unwrap();
    let (mut head, ()) = response.into_parts();
    super::response(&mut head);
    let mut left: Vec<_> = head.headers.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["etag", "x-databricks-org-id"]);
}

/// Names that mean nothing to the gateway, and some that do.
fn name() -> impl Strategy<Value = HeaderName> {
    let plain = "[a-z][a-z0-9-]{0,12}".prop_map(|name| HeaderName::try_from(name).unwrap());
    let special = proptest::sample::select([&HOP_BY_HOP[..], &FROM_CLIENTS_NEVER[..]].concat());
    prop_oneof![4 => plain, 1 => special]
}

fn value() -> impl Strategy<Value = HeaderValue> {
    "[ -~]{0,20}".prop_map(|value| HeaderValue::try_from(value.trim()).unwrap())
}

proptest! {
    #[test]
    fn no_hop_by_hop_header_survives_and_all_others_do_in_order(
        fields in proptest::collection::vec((name(), value()), 0..30),
        nominated in proptest::collection::vec(name(), 0..3),
    ) {
        let mut request = Request::get("http://gateway.example.com/").body(()).unwrap();
        for (name, value) in &fields {
            request.headers_mut().append(name, value.clone());
        }
        for name in &nominated {
            request.headers_mut().append("connection", HeaderValue::from_name(name.clone()));
        }
        // A plain field may itself be a `Connection`, and nominate what it says.
        let nominated = super::nominated(request.headers());
        let headers = rewritten(request).headers;

        let set = ["host", "authorization"];
        let dropped = |name: &HeaderName| {
            HOP_BY_HOP.contains(name) || FROM_CLIENTS_NEVER.contains(name) || nominated.contains(name)
        };
        for (name, _) in &fields {
            if set.contains(&name.as_str()) {
                continue;
            }
            let before: Vec<_> = fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value).collect();
            let after: Vec<_> = headers.get_all(name).iter().collect();
            prop_assert_eq!(&after, if dropped(name) { &[][..] } else { &before[..] });
        }
        prop_assert_eq!(headers.get_all("authorization").iter().count(), 1);
        prop_assert_eq!(headers.get_all("host").iter().count(), 1);
    }
}
