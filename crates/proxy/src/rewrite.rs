//! Headers in, headers out: pure and synchronous. What a client says about connections, forwarding and identity ends
//! here; what it says to the workspace goes on untouched, in order and multiplicity.

use exchange::AccessToken;
use http::header::{self, HeaderMap, HeaderName};
use http::uri::{PathAndQuery, Uri};
use http::{request, response};

use crate::route::WorkspaceUrl;

/// Turns a client's request into the workspace's: one host, one credential, the target byte for byte.
///
/// The order is the security: what a client's `Connection` nominates is dropped first, so that nobody can nominate
/// away what is set after it.
pub(crate) fn request(head: &mut request::Parts, workspace: &WorkspaceUrl, token: &AccessToken) {
    strip_hop_by_hop(&mut head.headers);
    for name in &FROM_CLIENTS_NEVER {
        head.headers.remove(name);
    }
    head.headers.insert(header::HOST, workspace.host_header.clone());
    head.headers.insert(header::AUTHORIZATION, token.header());
    head.uri = origin_form(&head.uri);
    head.version = http::Version::HTTP_11;
}

/// Turns a workspace's response into the gateway's.
pub(crate) fn response(head: &mut response::Parts) {
    strip_hop_by_hop(&mut head.headers);
    for name in &FROM_WORKSPACES_NEVER {
        head.headers.remove(name);
    }
}

/// RFC 9110 section 7.6.1: what concerns one connection stays on it. `Connection` may stand more than once, so every
/// value is read.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    // RFC 9112 section 6.3: beside chunks a length means nothing, and without them it would be believed.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    if headers.contains_key(header::CONNECTION) {
        for name in nominated(headers) {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
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
fn origin_form(target: &Uri) -> Uri {
    let path_and_query = target
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    Uri::from(path_and_query)
}

/// RFC 9110 section 7.6.1, and what older peers still send.
const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// What a client may not say to the workspace through us.
const FROM_CLIENTS_NEVER: [HeaderName; 15] = [
    // The identity provider's JWT never goes upstream; the swapped token takes its place.
    header::AUTHORIZATION,
    // The gateway itself answers `100 Continue`, once the credential is good.
    header::EXPECT,
    // Cookies are credentials of their own, past every check made here.
    header::COOKIE,
    // Who the client is, is for the gateway to say: Databricks Apps trust some of these.
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-user"),
    HeaderName::from_static("x-forwarded-email"),
    HeaderName::from_static("x-forwarded-preferred-username"),
    HeaderName::from_static("x-forwarded-access-token"),
    HeaderName::from_static("x-real-ip"),
    // Credentials of the Azure and Google control planes, with which a caller could be somebody else.
    HeaderName::from_static("x-databricks-azure-sp-management-token"),
    HeaderName::from_static("x-databricks-gcp-sa-access-token"),
];

/// What a workspace may not say to a client through us.
const FROM_WORKSPACES_NEVER: [HeaderName; 4] = [
    // A server that echoes its input must not hand the swapped token to the client.
    header::AUTHORIZATION,
    // A session cookie is a credential that the gateway could neither see expire nor tie to a caller.
    header::SET_COOKIE,
    HeaderName::from_static("set-cookie2"),
    // It would send clients past the gateway.
    header::ALT_SVC,
];

#[cfg(test)]
mod tests;
