//! Headers in, headers out: pure and synchronous. What a client says about connections, forwarding and identity ends
//! here; what it says to the workspace goes on untouched, in order and multiplicity.
//!
//! Public so that anybody can try these rules on any head without a socket; the fuzz target `rewrite` does.

mod authority;
mod forwarded;
mod hearsay;
mod location;

use std::net::{IpAddr, SocketAddr};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Scheme, Uri};
use http::{Request, Version, request, response};

use crate::grpc;
use crate::route::{Allowances, Host, Workspace, WorkspaceUrl};

pub use authority::Authority;

/// A client's request as the two ends of its connection see each other.
#[derive(Debug)]
pub struct Visit {
    /// `http` or `https`, by which the client reached the gateway.
    pub(crate) scheme: &'static str,
    /// The host under which the client knows the gateway.
    pub(crate) host: Host,
    /// The client itself.
    pub(crate) client: IpAddr,
}

impl Visit {
    /// The visit that `request` belongs to; `None` when it names no host, or several.
    pub fn of<B>(request: &Request<B>, client: SocketAddr, secure: bool) -> Option<Self> {
        Host::of(request).ok().map(|host| Self {
            scheme: if secure { "https" } else { "http" },
            host,
            client: client.ip(),
        })
    }
}

/// Turns a client's request into the workspace's: one host, one credential, the target byte for byte.
///
/// The order is the security: what a client's `Connection` nominates is dropped first, so that nobody can nominate
/// away what is set after it.
pub fn request(head: &mut request::Parts, workspace: &Workspace, authority: &Authority) {
    let grpc = grpc::is_asked_by(head);
    let trailers = grpc || accepts_trailers(&head.headers);
    strip_hop_by_hop_and(&mut head.headers, |name| {
        hearsay::is_hearsay(name) || FROM_CLIENTS_NEVER.contains(name)
    });
    cookies(&mut head.headers, workspace.allowances);
    head.headers.insert(header::AUTHORIZATION, authority.header());
    if trailers {
        head.headers.insert(header::TE, TRAILERS);
    }
    if grpc {
        to_http2(head, &workspace.url);
    } else {
        to_http1(head, &workspace.url, trailers);
    }
}

/// RFC 9113 section 8.3.1: the authority stands in the target, and in no `Host`.
fn to_http2(head: &mut request::Parts, workspace: &WorkspaceUrl) {
    head.headers.remove(header::HOST);
    head.uri = absolute_form(&head.uri, workspace);
    head.version = Version::HTTP_2;
}

/// RFC 9110 section 10.1.4: who sends `TE` says in `Connection` that it is for the next hop alone.
fn to_http1(head: &mut request::Parts, workspace: &WorkspaceUrl, trailers: bool) {
    head.headers.insert(header::HOST, workspace.host_header.clone());
    if trailers {
        head.headers
            .insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
    head.uri = origin_form(&head.uri);
    head.version = Version::HTTP_11;
}

/// Whether the client wants the fields behind a body (RFC 9110 section 10.1.4).
fn accepts_trailers(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(header::TE).iter();
    let mut listed = listed.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    listed.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(TRAILERS.as_bytes()))
}

/// What is behind a client's body is judged as what is before it; and what decided over the request cannot come late
/// (RFC 9110 section 6.5.1).
pub fn request_trailers(trailers: &mut HeaderMap) {
    remove_where(trailers, hearsay::is_hearsay);
    for name in FROM_CLIENTS_NEVER.iter().chain([&header::COOKIE]) {
        trailers.remove(name);
    }
    strip_from_trailers(trailers);
}

/// The same behind a workspace's.
pub fn response_trailers(trailers: &mut HeaderMap) {
    for name in FROM_WORKSPACES_NEVER.iter().chain(&SET_COOKIES) {
        trailers.remove(name);
    }
    strip_from_trailers(trailers);
}

fn strip_from_trailers(trailers: &mut HeaderMap) {
    for name in HOP_BY_HOP.iter().chain(&ONLY_AT_THE_HEAD) {
        trailers.remove(name);
    }
}

/// Tells the workspace who asks, from the connection itself (RFC 7239): after [`request()`] has dropped what the client
/// said of it.
pub fn forwarded(headers: &mut HeaderMap, visit: &Visit) {
    forwarded::set(headers, visit);
}

/// Asks for WebSocket, or agrees to it, on the one connection that this head goes to (RFC 9110 section 7.8). There is
/// no body and nothing behind one, so nothing may seem to say how long it is.
pub fn upgrade(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// Turns a workspace's response into the gateway's.
pub fn response(head: &mut response::Parts, workspace: &Workspace, visit: &Visit) {
    from_workspace(&mut head.headers, workspace.allowances);
    location::lead_back(&mut head.headers, &workspace.url, visit);
}

/// Turns a head that comes before the response into the gateway's. There is no body behind it, so nothing may say how
/// long that is (RFC 9110 section 8.6), and no redirect in it.
pub fn interim(headers: &mut HeaderMap, workspace: &Workspace) {
    from_workspace(headers, workspace.allowances);
    for name in &ONLY_AT_THE_HEAD {
        headers.remove(name);
    }
}

fn from_workspace(headers: &mut HeaderMap, allowances: Allowances) {
    strip_hop_by_hop_and(headers, |name| {
        FROM_WORKSPACES_NEVER.contains(name) || (!allowances.cookies && SET_COOKIES.contains(name))
    });
}

/// RFC 9113 section 8.2.3: HTTP/2 may send one cookie string in several fields, HTTP/1.1 may not.
fn cookies(headers: &mut HeaderMap, allowances: Allowances) {
    if !allowances.cookies {
        headers.remove(header::COOKIE);
        return;
    }
    let crumbs: Vec<_> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if crumbs.len() > 1
        && let Ok(mut joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        joined.set_sensitive(true);
        headers.insert(header::COOKIE, joined);
    }
}

/// RFC 9110 section 7.6.1: what concerns one connection stays on it. `Connection` may stand more than once, so every
/// value is read. And what else this way is closed to.
fn strip_hop_by_hop_and(headers: &mut HeaderMap, closed_to: impl Fn(&HeaderName) -> bool) {
    // RFC 9112 section 6.3: beside chunks a length means nothing, and without them it would be believed.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    let nominated = nominated(headers);
    remove_where(headers, |name| {
        HOP_BY_HOP.contains(name) || nominated.contains(name) || closed_to(name)
    });
}

/// To look at the few names that there are costs less than to look for each that there might be.
fn remove_where(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    let unwanted: Vec<_> = headers.keys().filter(|name| is_unwanted(name)).cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
}

fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter();
    values
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect()
}

/// RFC 9112 section 3.2.1. The path and the query are moved, not parsed: `%2F` and `//` mean something to Databricks.
///
/// An empty path is written as `/`. `http` makes one of a `:path` that is a fragment alone, calls it `/`, and writes nothing.
fn origin_form(target: &Uri) -> Uri {
    let path_and_query = target.path_and_query().filter(|path| path.as_str() != "/");
    Uri::from(
        path_and_query
            .cloned()
            .unwrap_or_else(|| PathAndQuery::from_static("/")),
    )
}

/// RFC 9113 section 8.3.1, in the parts from which hyper makes the pseudo-header fields.
fn absolute_form(target: &Uri, workspace: &WorkspaceUrl) -> Uri {
    let mut parts = origin_form(target).into_parts();
    parts.scheme = Some(match workspace.tls {
        Some(_) => Scheme::HTTPS,
        None => Scheme::HTTP,
    });
    parts.authority = Some(workspace.authority.clone());
    // A path, a scheme and an authority: nothing is missing.
    Uri::from_parts(parts).unwrap_or_default()
}

const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");

/// RFC 9110 section 7.6.1, and what older peers still send. `Trailer` is none of them: it announces what is relayed.
static HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// What a client may not say to the workspace through us; beside all that `hearsay` knows.
static FROM_CLIENTS_NEVER: [HeaderName; 6] = [
    // The identity provider's JWT never goes upstream; the swapped token takes its place.
    header::AUTHORIZATION,
    // Wherever these are read they are credentials, and may hold the JWT whether or not it was looked for there.
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    // The gateway itself answers `100 Continue`, once the credential is good.
    header::EXPECT,
    // Credentials of the Azure and Google control planes, with which a caller could be somebody else.
    HeaderName::from_static("x-databricks-azure-sp-management-token"),
    HeaderName::from_static("x-databricks-gcp-sa-access-token"),
];

/// Routing, framing and what a message is: said at its head (RFC 9110 section 6.5.1), neither in its trailers nor in what
/// comes before it.
static ONLY_AT_THE_HEAD: [HeaderName; 10] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_RANGE,
    header::CONTENT_LOCATION,
    header::LOCATION,
    header::TRAILER,
    header::WWW_AUTHENTICATE,
    header::CACHE_CONTROL,
];

/// What a workspace may not say to a client through us.
static FROM_WORKSPACES_NEVER: [HeaderName; 2] = [
    // A server that echoes its input must not hand the swapped token to the client.
    header::AUTHORIZATION,
    // It would send clients past the gateway.
    header::ALT_SVC,
];

/// A session cookie is a credential that the gateway could neither see expire nor tie to a caller.
static SET_COOKIES: [HeaderName; 2] = [header::SET_COOKIE, HeaderName::from_static("set-cookie2")];

#[cfg(test)]
mod tests;
