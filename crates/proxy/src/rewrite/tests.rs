use std::sync::Arc;

use exchange::{AccessToken, FederationPolicy, Grant, Scope, TokenEndpoint};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, request};
use identity::{Expiry, UnixTime};
use proptest::prelude::*;

use super::Authority;
use super::Visit;
use super::hearsay::is_hearsay;
use crate::route::{Allowances, Host};
use crate::{Workspace, WorkspaceUrl};

fn workspace() -> Workspace {
    workspace_at("https://dbc-1.cloud.databricks.com")
}

fn workspace_at(url: &str) -> Workspace {
    let url: url::Url = url.parse().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let endpoint = TokenEndpoint::workspace(&url);
    let grant = Grant::new(endpoint, FederationPolicy::AccountWide, Scope::default());
    let url = WorkspaceUrl::new(&url, Arc::new(tls)).unwrap();
    Workspace::new("w", url, Vec::new(), grant)
}

fn with_cookies() -> Workspace {
    let mut workspace = workspace();
    workspace.allowances = Allowances {
        cookies: true,
        ..Allowances::default()
    };
    workspace
}

fn visit(scheme: &'static str, host: &str, client: &str) -> Visit {
    let request = Request::get("/").header("host", host).body(()).unwrap();
    Visit {
        scheme,
        host: Host::of(&request).unwrap(),
        client: client.parse().unwrap(),
    }
}

fn token() -> Authority {
    let token = AccessToken::new("swapped", Expiry(UnixTime::from_seconds(1))).unwrap();
    Authority::exchanged(token)
}

fn rewritten(request: Request<()>) -> request::Parts {
    let (mut head, ()) = request.into_parts();
    super::request(&mut head, &workspace(), token());
    head
}

fn rewritten_headers(fields: &[(&str, &str)]) -> HeaderMap {
    rewritten(request_with(fields)).headers
}

fn request_with(fields: &[(&str, &str)]) -> Request<()> {
    let request = Request::get("http://gateway.example.com/api");
    let request = fields
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap()
}

/// What becomes of a `Location` that the workspace at `url` sends to a client of `https://gateway.example.com:8443`.
fn location(url: &str, location: &str) -> String {
    let response = Response::builder().header("location", location).body(()).unwrap();
    let (mut head, ()) = response.into_parts();
    let visit = visit("https", "gateway.example.com:8443", "192.0.2.1");
    super::response(&mut head, &workspace_at(url), &visit);
    head.headers["location"].to_str().unwrap().to_owned()
}

#[test]
fn the_jwt_gives_way_to_the_swapped_token() {
    let headers = rewritten_headers(&[("authorization", "Bearer jwt"), ("authorization", "Basic jwt")]);
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
    let all = "forwarded x-forwarded x-forwarded-for x-forwarded-proto x-forwarded-user x-forwarded-access-token \
        x-forwarded-client-cert x-forwarded-anything x-real-ip x-client-ip x-original-url x-original-host x-rewrite-url \
        x-auth-request-user x-auth-request-access-token x-remote-user remote-user x-envoy-original-path \
        x-ms-client-principal-id x-amzn-oidc-data client-cert client-cert-chain cdn-loop x-cluster-client-ip true-client-ip \
        cf-connecting-ip fastly-client-ip x-appengine-user-ip forwarded-for x-authenticated-user x-remote-groups \
        x-ssl-client-verify x-pomerium-claim-email x-goog-authenticated-user-email x-goog-iap-jwt-assertion x-vouch-user \
        x-envoy- x-ms-client-principal x_forwarded_user x-forwarded_user authorization_ \
        content_length transfer_encoding _ x-api-key x-goog-api-key cookie expect";
    for name in all.split_ascii_whitespace() {
        for name in [name.to_owned(), name.to_ascii_uppercase()] {
            let headers = rewritten_headers(&[(&name, "spoofed")]);
            assert!(!headers.contains_key(&name), "{name}");
        }
    }
}

#[test]
fn names_that_only_resemble_those_of_proxies_go_on() {
    for name in [
        "x-forward",
        "x-real",
        "via",
        "user-agent",
        "x-databricks-org-id",
        "x-request-id",
        "traceparent",
        "origin",
        "x-origin",
        "x-authentication",
        "x-x-forwarded-for",
        "x-client-cert",
        "original-url",
    ] {
        assert!(rewritten_headers(&[(name, "1")]).contains_key(name), "{name}");
    }
}

#[test]
fn the_workspace_is_told_who_asks_from_the_connection_itself() {
    let mut headers = rewritten_headers(&[("forwarded", "for=spoofed"), ("x-forwarded-for", "spoofed")]);
    super::forwarded(&mut headers, &visit("https", "gateway.example.com", "192.0.2.1"));
    let told: Vec<_> = headers.get_all("forwarded").iter().collect();
    assert_eq!(told, ["for=192.0.2.1;host=\"gateway.example.com\";proto=https"]);
    assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
    assert_eq!(headers["x-forwarded-host"], "gateway.example.com");
    assert_eq!(headers["x-forwarded-proto"], "https");
}

#[test]
fn addresses_are_told_as_rfc_7239_writes_them() {
    let mut headers = HeaderMap::new();
    super::forwarded(&mut headers, &visit("http", "[::1]:8080", "2001:db8::1"));
    assert_eq!(
        headers["forwarded"],
        "for=\"[2001:db8::1]\";host=\"[::1]:8080\";proto=http"
    );
    super::forwarded(&mut headers, &visit("http", "a", "::ffff:192.0.2.1"));
    assert_eq!(headers["forwarded"], "for=192.0.2.1;host=\"a\";proto=http");
}

#[test]
fn cookies_that_may_cross_are_one_field_in_http_1() {
    let (mut head, ()) = request_with(&[("cookie", "a=1"), ("cookie", "b=2; c=3")]).into_parts();
    super::request(&mut head, &with_cookies(), token());
    assert_eq!(
        head.headers.get_all("cookie").iter().collect::<Vec<_>>(),
        ["a=1; b=2; c=3"]
    );
}

#[test]
fn a_redirect_to_the_workspace_leads_to_the_gateway() {
    const W: &str = "https://dbc-1.cloud.databricks.com";
    for (from, to) in [
        ("https://dbc-1.cloud.databricks.com/a%2Fb?c=d#e", "/a%2Fb?c=d#e"),
        ("HTTPS://DBC-1.Cloud.Databricks.com:443/", "/"),
        ("http://dbc-1.cloud.databricks.com/login", "/login"),
        ("//dbc-1.cloud.databricks.com//x", "//x"),
        ("https://dbc-1.cloud.databricks.com", ""),
        (
            "https://dbc-1.cloud.databricks.com?next=https://x.example.com/",
            "?next=https://x.example.com/",
        ),
    ] {
        assert_eq!(
            location(W, from),
            format!("https://gateway.example.com:8443{to}"),
            "{from}"
        );
    }
    assert_eq!(
        location("http://[::1]:9000", "http://[::1]:9000/x"),
        "https://gateway.example.com:8443/x"
    );
}

#[test]
fn every_other_redirect_is_untouched() {
    for elsewhere in [
        "/login",
        "login?next=//dbc-1.cloud.databricks.com/",
        "//elsewhere.example.com/",
        "https://storage.example.com/x?y=https://dbc-1.cloud.databricks.com/",
        "https://dbc-1.cloud.databricks.com.example.com/",
        "https://dbc-1.cloud.databricks.com:8443/",
        "https://user@dbc-1.cloud.databricks.com/",
        "https://example.com@dbc-1.cloud.databricks.com/",
        "https:dbc-1.cloud.databricks.com",
        "ftp://dbc-1.cloud.databricks.com/",
        "https:///",
        "",
    ] {
        assert_eq!(
            location("https://dbc-1.cloud.databricks.com", elsewhere),
            elsewhere
        );
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
fn an_upgrade_says_nothing_of_a_body_or_of_what_is_behind_one() {
    let mut headers = rewritten_headers(&[("te", "trailers"), ("content-length", "0")]);
    super::upgrade(&mut headers);
    assert!(!headers.contains_key("te") && !headers.contains_key("content-length"));
    assert_eq!(
        headers.get_all("connection").iter().collect::<Vec<_>>(),
        ["upgrade"]
    );
}

#[test]
fn every_name_that_ends_here_ends_here_in_trailers_too() {
    for name in NEVER
        .into_iter()
        .chain(ONLY_AT_THE_HEAD)
        .chain(["authorization", "x-forwarded-for"])
    {
        let mut trailers = request_with(&[(name, "1"), ("x-checksum", "2")])
            .into_parts()
            .0
            .headers;
        super::request_trailers(&mut trailers);
        assert_eq!(trailers.keys().collect::<Vec<_>>(), ["x-checksum"], "{name}");
    }
}

#[test]
fn a_workspaces_trailers_frame_nothing_and_hold_no_credential() {
    for name in
        ONLY_AT_THE_HEAD
            .into_iter()
            .chain(["authorization", "alt-svc", "set-cookie", "set-cookie2", "te"])
    {
        let mut trailers = request_with(&[(name, "1"), ("x-checksum", "2")])
            .into_parts()
            .0
            .headers;
        super::response_trailers(&mut trailers);
        assert_eq!(trailers.keys().collect::<Vec<_>>(), ["x-checksum"], "{name}");
    }
}

#[test]
fn what_comes_before_an_answer_says_only_what_may_be_said_there() {
    for name in ONLY_AT_THE_HEAD
        .into_iter()
        .chain(["authorization", "alt-svc", "set-cookie", "connection"])
    {
        let mut headers = request_with(&[(name, "1"), ("link", "2")]).into_parts().0.headers;
        super::interim(&mut headers, &workspace());
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["link"], "{name}");
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
    super::response(&mut head, &workspace(), &visit("https", "a", "::1"));
    let mut left: Vec<_> = head.headers.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["etag", "x-databricks-org-id"]);
}

/// What belongs to a message's head, name by name.
const ONLY_AT_THE_HEAD: [&str; 10] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "content-range",
    "content-location",
    "location",
    "trailer",
    "www-authenticate",
    "cache-control",
];

/// What goes no further, name by name: told here anew, so that none is lost from the code alone.
const NEVER: [&str; 15] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "x-api-key",
    "x-goog-api-key",
    "expect",
    "x-databricks-azure-sp-management-token",
    "x-databricks-gcp-sa-access-token",
    "cookie",
];

/// Names that mean nothing to the gateway, and some that do.
fn name() -> impl Strategy<Value = HeaderName> {
    let plain = "[a-z][a-z0-9-]{0,12}".prop_map(|name| HeaderName::try_from(name).unwrap());
    let special =
        proptest::sample::select([&NEVER[..], &["authorization"]].concat()).prop_map(HeaderName::from_static);
    let hearsay = "(x-forwarded-|x-original-|x-auth-request-|x_)[a-z_-]{0,6}"
        .prop_map(|name| HeaderName::try_from(name).unwrap());
    prop_oneof![8 => plain, 2 => special, 1 => hearsay]
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
        let nominated: Vec<_> = super::nominated(request.headers()).collect();
        let headers = rewritten(request).headers;

        let set = ["host", "authorization"];
        let dropped = |name: &HeaderName| {
            NEVER.contains(&name.as_str()) || is_hearsay(name.as_str()) || nominated.contains(name)
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
