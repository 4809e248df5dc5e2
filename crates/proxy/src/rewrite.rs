//! Headers in, headers out: pure and synchronous. What a client says about connections, forwarding and identity ends
//! here; what it says to the workspace goes on untouched, in order and multiplicity.
//!
//! Public so that anybody can try these rules on any head without a socket; the fuzz target `rewrite` does.

mod authority;
mod forwarded;
mod hearsay;
mod location;
mod names;

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
/// away what is set after it. What is set takes the place of whatever the client sent under that name.
pub fn request(head: &mut request::Parts, workspace: &Workspace, authority: Authority) {
    let grpc = grpc::is_asked_by(head);
    let cookies = workspace.allowances.cookies;
    let unwanted = hop_by_hop_and(&head.headers, |name| {
        names::is_from_clients_never(name) || hearsay::is_hearsay(name) || (!cookies && name == names::COOKIE)
    });
    // `TE` is hop-by-hop: it need not be looked for where it is not among these.
    let trailers = grpc || (unwanted.contains(&header::TE) && accepts_trailers(&head.headers));
    remove_all(&mut head.headers, &unwanted);
    if cookies {
        join_cookies(&mut head.headers);
    }
    // In the place of the identity provider's JWT, which never goes upstream.
    head.headers
        .insert(header::AUTHORIZATION, authority.into_header());
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
    strip_trailers(trailers, |name| {
        names::is_from_clients_never(name)
            || hearsay::is_hearsay(name)
            || matches!(name, names::AUTHORIZATION | names::COOKIE)
    });
}

/// The same behind a workspace's.
pub fn response_trailers(trailers: &mut HeaderMap) {
    strip_trailers(trailers, |name| {
        names::is_from_workspaces_never(name) || names::is_set_cookie(name)
    });
}

fn strip_trailers(trailers: &mut HeaderMap, closed_to: impl Fn(&str) -> bool) {
    remove_where(trailers, |name| {
        names::is_hop_by_hop(name) || names::is_only_at_the_head(name) || closed_to(name)
    });
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
    remove_where(headers, names::is_only_at_the_head);
}

fn from_workspace(headers: &mut HeaderMap, allowances: Allowances) {
    let unwanted = hop_by_hop_and(headers, |name| {
        names::is_from_workspaces_never(name) || (!allowances.cookies && names::is_set_cookie(name))
    });
    remove_all(headers, &unwanted);
}

/// RFC 9113 section 8.2.3: HTTP/2 may send one cookie string in several fields, HTTP/1.1 may not.
fn join_cookies(headers: &mut HeaderMap) {
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
fn hop_by_hop_and(headers: &HeaderMap, closed_to: impl Fn(&str) -> bool) -> Vec<HeaderName> {
    let mut unwanted = those_where(headers, |name| names::is_hop_by_hop(name) || closed_to(name));
    // Both are hop-by-hop: where they are, they are among these.
    if unwanted.contains(&header::CONNECTION) {
        unwanted.extend(nominated(headers));
    }
    // RFC 9112 section 6.3: beside chunks a length means nothing, and without them it would be believed.
    if unwanted.contains(&header::TRANSFER_ENCODING) {
        unwanted.push(header::CONTENT_LENGTH);
    }
    unwanted
}

fn remove_where(headers: &mut HeaderMap, is_unwanted: impl Fn(&str) -> bool) {
    let unwanted = those_where(headers, is_unwanted);
    remove_all(headers, &unwanted);
}

/// To look at the few names that there are costs less than to look for each that there might be.
fn those_where(headers: &HeaderMap, is_unwanted: impl Fn(&str) -> bool) -> Vec<HeaderName> {
    let unwanted = headers.keys().filter(|name| is_unwanted(name.as_str()));
    unwanted.cloned().collect()
}

fn remove_all(headers: &mut HeaderMap, unwanted: &[HeaderName]) {
    for name in unwanted {
        headers.remove(name);
    }
}

fn nominated(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter();
    values
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
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

#[cfg(test)]
mod tests;
