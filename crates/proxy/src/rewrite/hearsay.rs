use std::ops::BitOr;

/// What clients say about who they are and which way they came: that is for proxies to say, and whoever is behind us might
/// believe it. Databricks Apps trust `X-Forwarded-*`, Envoy trusts `X-Envoy-*`.
///
/// By prefix where a proxy has a family of names.
///
/// Every name with an underscore is one: CGI and WSGI write `-` as `_`, so that a server behind us might take
/// `X_Forwarded_User` for the name without underscores. No client of Databricks' sends any.
pub(super) fn is_hearsay(name: &str) -> bool {
    stands_alone(name) || is_of_a_family(name) || has_underscore(name)
}

fn stands_alone(name: &str) -> bool {
    matches!(
        name,
        // RFC 7239, RFC 9440, RFC 8586: what RFCs gave to proxies.
        "forwarded"
            | "client-cert"
            | "client-cert-chain"
            | "cdn-loop"
        // Addresses, as nginx, Akamai, Cloudflare, Fastly and App Engine write them.
            | "x-real-ip"
            | "x-client-ip"
            | "x-cluster-client-ip"
            | "true-client-ip"
            | "cf-connecting-ip"
            | "fastly-client-ip"
            | "x-appengine-user-ip"
        // Users, as CGI and authenticating front ends write them.
            | "remote-user"
            | "x-remote-user"
        // Another path than the one that was judged.
            | "x-rewrite-url"
    )
}

/// Families, some of which have more members than anybody lists.
fn is_of_a_family(name: &str) -> bool {
    match name.strip_prefix("x-") {
        Some(rest) => FAMILIES_OF_X.iter().any(|family| rest.starts_with(family)),
        None => name.starts_with("forwarded-"),
    }
}

/// To the end, whatever is found: a branch for each byte costs more than to look at all of them.
fn has_underscore(name: &str) -> bool {
    name.bytes().map(|byte| byte == b'_').fold(false, BitOr::bitor)
}

/// Behind their `x-`.
const FAMILIES_OF_X: [&str; 13] = [
    "forwarded",
    "original-",
    "envoy-",
    "auth-request-",
    "authenticated-",
    "remote-",
    "ssl-client-",
    "pomerium-",
    "amzn-oidc-",
    "goog-authenticated-",
    "goog-iap-",
    "ms-client-principal",
    "vouch-",
];
