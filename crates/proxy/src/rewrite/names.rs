//! The names that end at the gateway. Each set is a question and not a list: what a name is compared with is decided by its
//! length, so that those that are in none, which is most of them, cost next to nothing. Names come in lower case, as
//! `HeaderName` has them.

/// RFC 9110 section 7.6.1, and what older peers still send. `Trailer` is none of them: it announces what is relayed.
pub(super) fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// What a client may not say to the workspace through us; beside its credential, in whose place another one is set, and
/// all that `hearsay` knows.
pub(super) fn is_from_clients_never(name: &str) -> bool {
    matches!(
        name,
        // Wherever these are read they are credentials, and may hold the JWT whether or not it was looked for there.
        "x-api-key" | "x-goog-api-key"
        // The gateway itself answers `100 Continue`, once the credential is good.
            | "expect"
        // Credentials of the Azure and Google control planes, with which a caller could be somebody else.
            | "x-databricks-azure-sp-management-token"
            | "x-databricks-gcp-sa-access-token"
    )
}

/// Routing, framing and what a message is: said at its head (RFC 9110 section 6.5.1), neither in its trailers nor in what
/// comes before it.
pub(super) fn is_only_at_the_head(name: &str) -> bool {
    matches!(
        name,
        "host"
            | "content-length"
            | "content-type"
            | "content-encoding"
            | "content-range"
            | "content-location"
            | "location"
            | "trailer"
            | "www-authenticate"
            | "cache-control"
    )
}

/// What a workspace may not say to a client through us.
pub(super) fn is_from_workspaces_never(name: &str) -> bool {
    matches!(
        name,
        // A server that echoes its input must not hand the swapped token to the client.
        AUTHORIZATION
        // It would send clients past the gateway.
            | "alt-svc"
    )
}

/// A session cookie is a credential that the gateway could neither see expire nor tie to a caller.
pub(super) fn is_set_cookie(name: &str) -> bool {
    matches!(name, "set-cookie" | "set-cookie2")
}

pub(super) const AUTHORIZATION: &str = "authorization";
pub(super) const COOKIE: &str = "cookie";
