//! Whatever head a client or a workspace sends: what goes on has one host, one credential and no hop-by-hop field, and loses
//! nothing else. The rules are told here anew, from RFC 9110 section 7.6.1, and not taken from the code that obeys them.

use std::sync::{Arc, LazyLock};

use exchange::{AccessToken, FederationPolicy, Grant, Scope, TokenEndpoint};
use http::uri::{Authority, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Version, request};
use identity::{Expiry, UnixTime};
use proxy::rewrite::{self, Visit};
use proxy::{Workspace, WorkspaceUrl};
use url::Url;

use crate::judge::{CLIENTS, NOW};

/// The head of a request, which is also that of an answer and what stands behind a body.
pub fn check(head: &[u8]) {
    let Some(request) = parsed(head) else { return };
    check_trailers(request.headers());
    check_interim(request.headers());
    if let Some(visit) = Visit::of(&request, ([192, 0, 2, 1], 1).into(), true) {
        check_answer(request.headers(), &visit);
        check_request(&request.into_parts().0, &visit);
    }
}

/// As hyper makes it.
fn parsed(head: &[u8]) -> Option<Request<()>> {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut parsed = httparse::Request::new(&mut fields);
    parsed.parse(head).ok().filter(httparse::Status::is_complete)?;
    let target = parsed.path?.parse::<Uri>().ok()?;
    let mut request = Request::builder()
        .method(parsed.method?)
        .uri(target)
        .body(())
        .ok()?;
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        request
            .headers_mut()
            .append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    Some(request)
}

fn check_request(before: &request::Parts, visit: &Visit) {
    let mut after = before.clone();
    rewrite::request(&mut after, &WORKSPACE, SWAPPED.clone());

    assert_eq!(path(&after.uri), path(&before.uri));
    assert_eq!(all(&after.headers, "authorization"), ["Bearer swapped"]);
    assert!(after.headers["authorization"].is_sensitive());
    if after.version == Version::HTTP_2 {
        assert_eq!(after.uri.authority().map(Authority::as_str), Some(HOST));
        assert!(!after.headers.contains_key("host"));
    } else {
        assert_eq!(after.uri.authority(), None);
        assert_eq!(all(&after.headers, "host"), [HOST]);
    }
    check_te(&before.headers, &after);
    let mut rest = after.headers.clone();
    for name in ["authorization", "host", "te", "connection"] {
        rest.remove(name);
    }
    check_clean(&rest);
    check_hops(&before.headers, &rest, &["authorization", "host"]);

    let mut told = after.headers.clone();
    rewrite::forwarded(&mut told, visit);
    for name in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    ] {
        assert_eq!(all(&told, name).len(), 1, "{name}");
    }
    check_upgrade(after.headers);
}

/// Only `trailers` may be asked for, and only as RFC 9110 section 10.1.4 has it.
fn check_te(before: &HeaderMap, after: &request::Parts) {
    let headers = &after.headers;
    if !headers.contains_key("te") {
        assert!(!headers.contains_key("connection"));
        return;
    }
    let asked = all(before, "te").iter().any(|te| holds(te, b"trailers"));
    assert!(asked || after.version == Version::HTTP_2);
    assert_eq!(all(headers, "te"), ["trailers"]);
    match after.version {
        Version::HTTP_2 => assert!(!headers.contains_key("connection")),
        _ => assert_eq!(all(headers, "connection"), ["te"]),
    }
}

/// There is no body, so nothing says how long it is; and whatever is for one connection is nominated.
fn check_upgrade(mut headers: HeaderMap) {
    rewrite::upgrade(&mut headers);
    assert_eq!(all(&headers, "connection"), ["upgrade"]);
    assert_eq!(all(&headers, "upgrade"), ["websocket"]);
    for name in ["content-length", "transfer-encoding", "te", "keep-alive"] {
        assert!(!headers.contains_key(name), "{name}");
    }
}

fn check_answer(before: &HeaderMap, visit: &Visit) {
    let (mut after, ()) = Response::new(()).into_parts();
    after.headers = before.clone();
    rewrite::response(&mut after, &WORKSPACE, visit);
    for name in ["authorization", "set-cookie", "alt-svc"] {
        assert!(!after.headers.contains_key(name), "{name}");
    }
    for name in ["location", "content-location"] {
        for value in all(&after.headers, name) {
            let location = value.as_bytes().to_ascii_lowercase();
            for ours in [
                format!("https://{HOST}/"),
                format!("http://{HOST}/"),
                format!("//{HOST}/"),
            ] {
                assert!(!location.starts_with(ours.as_bytes()), "{value:?}");
            }
        }
    }
    check_hops(before, &after.headers, &["location", "content-location"]);
}

/// What comes before an answer says nothing that only the answer may say.
fn check_interim(before: &HeaderMap) {
    let mut after = before.clone();
    rewrite::interim(&mut after, &WORKSPACE);
    for name in ["authorization", "set-cookie", "content-length", "location"] {
        assert!(!after.contains_key(name), "{name}");
    }
    for name in after.keys().map(HeaderName::as_str) {
        assert!(!HOPS.contains(&name), "{name}");
    }
}

/// What comes late is judged as what comes early, and frames nothing.
fn check_trailers(fields: &HeaderMap) {
    let mut of_a_request = fields.clone();
    rewrite::request_trailers(&mut of_a_request);
    check_clean(&of_a_request);
    let mut of_an_answer = fields.clone();
    rewrite::response_trailers(&mut of_an_answer);
    assert!(!of_an_answer.contains_key("set-cookie"));
    for trailers in [of_a_request, of_an_answer] {
        for name in HOPS
            .iter()
            .chain(&["authorization", "host", "content-length", "trailer"])
        {
            assert!(!trailers.contains_key(*name), "{name}");
        }
    }
}

/// Nothing of what callers may not say of themselves.
fn check_clean(headers: &HeaderMap) {
    for name in [
        "authorization",
        "cookie",
        "expect",
        "forwarded",
        "x-real-ip",
        "x-api-key",
    ] {
        assert!(!headers.contains_key(name), "{name}");
    }
    for name in headers.keys().map(HeaderName::as_str) {
        assert!(!name.starts_with("x-forwarded") && !name.contains('_'), "{name}");
    }
}

/// What concerns one connection is gone, however often it was nominated; of the rest, what is still there is all there, in
/// order; and what is nobody's business on the way is still there.
fn check_hops(before: &HeaderMap, after: &HeaderMap, set: &[&str]) {
    let nominated: Vec<_> = before
        .get_all("connection")
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(|name| name.trim_ascii().to_ascii_lowercase())
        .collect();
    let is_nominated = |name: &HeaderName| nominated.iter().any(|other| other == name.as_str().as_bytes());
    for name in after.keys().filter(|name| !set.contains(&name.as_str())) {
        assert!(!HOPS.contains(&name.as_str()), "{name}");
        assert!(!is_nominated(name), "{name} was nominated");
        assert_eq!(all(before, name.as_str()), all(after, name.as_str()), "{name}");
    }
    for name in before.keys().filter(|name| !is_nominated(name)) {
        let lost = !after.contains_key(name);
        assert!(
            !lost || set.contains(&name.as_str()) || may_be_lost(name.as_str()),
            "{name} was lost"
        );
    }
}

/// Told coarsely: proxies' words are in these families, and nothing else that Databricks' clients and workspaces say.
fn may_be_lost(name: &str) -> bool {
    const DROPPED: [&str; 11] = [
        "alt-svc",
        "authorization",
        "cdn-loop",
        "client-cert",
        "client-cert-chain",
        "content-length",
        "cookie",
        "expect",
        "remote-user",
        "set-cookie",
        "set-cookie2",
    ];
    const FAMILIES: [&str; 6] = ["forwarded", "x-", "cf-", "fastly-", "true-client-ip", "te"];
    let is_databricks = name.starts_with("x-databricks-");
    HOPS.contains(&name)
        || DROPPED.contains(&name)
        || name.contains('_')
        || CREDENTIALS.contains(&name)
        || !is_databricks && FAMILIES.iter().any(|family| name.starts_with(family))
}

fn all<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a HeaderValue> {
    headers.get_all(name).iter().collect()
}

fn path(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

fn holds(value: &HeaderValue, part: &[u8]) -> bool {
    let value = value.as_bytes().to_ascii_lowercase();
    value.windows(part.len()).any(|window| window == part)
}

static SWAPPED: LazyLock<rewrite::Authority> = LazyLock::new(|| {
    let token = AccessToken::new("swapped", Expiry(UnixTime::from_seconds(NOW.into())));
    rewrite::Authority::exchanged(token.expect("a token"))
});

static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| {
    let url: Url = format!("https://{HOST}").parse().expect("a URL");
    let grant = Grant::new(
        TokenEndpoint::workspace(&url),
        FederationPolicy::AccountWide,
        Scope::default(),
    );
    let url = WorkspaceUrl::new(&url, Arc::clone(&CLIENTS.tls)).expect("an origin");
    Workspace::new("analytics", url, Vec::new(), grant)
});

const HOST: &str = "dbc-1.cloud.databricks.com";

/// RFC 9110 section 7.6.1, RFC 9113 section 8.2.2, and what older peers still send.
const HOPS: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Credentials of other planes.
const CREDENTIALS: [&str; 2] = [
    "x-databricks-azure-sp-management-token",
    "x-databricks-gcp-sa-access-token",
];
