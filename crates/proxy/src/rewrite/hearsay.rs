/// What clients say about who they are and which way they came: that is for proxies to say, and whoever is behind us might
/// believe it. Databricks Apps trust `X-Forwarded-*`, Envoy trusts `X-Envoy-*`.
///
/// By prefix where a proxy has a family of names.
///
/// Every name with an underscore is one: CGI and WSGI write `-` as `_`, so that a server behind us might take
/// `X_Forwarded_User` for the name without underscores. No client of Databricks' sends any.
pub(super) fn is_hearsay(name: &str) -> bool {
    // Most names begin otherwise, and need not be looked for.
    let is_known = matches!(name.as_bytes().first(), Some(b'c' | b'f' | b'r' | b't' | b'x'))
        && (NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    is_known || name.contains('_')
}

/// Names that stand alone.
const NAMES: [&str; 14] = [
    // RFC 7239, RFC 9440, RFC 8586: what RFCs gave to proxies.
    "forwarded",
    "client-cert",
    "client-cert-chain",
    "cdn-loop",
    // Addresses, as nginx, Akamai, Cloudflare, Fastly and App Engine write them.
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-appengine-user-ip",
    // Users, as CGI and authenticating front ends write them.
    "remote-user",
    "x-remote-user",
    // Another path than the one that was judged.
    "x-rewrite-url",
];

/// Families, some of which have more members than anybody lists.
const PREFIXES: [&str; 14] = [
    "forwarded-",
    "x-forwarded",
    "x-original-",
    "x-envoy-",
    "x-auth-request-",
    "x-authenticated-",
    "x-remote-",
    "x-ssl-client-",
    "x-pomerium-",
    "x-amzn-oidc-",
    "x-goog-authenticated-",
    "x-goog-iap-",
    "x-ms-client-principal",
    "x-vouch-",
];
