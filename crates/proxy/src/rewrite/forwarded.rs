use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::Visit;

/// `Forwarded` (RFC 7239) and what came before it. The gateway is the first proxy that is believed, so each has one element.
pub(super) fn set(headers: &mut HeaderMap, visit: &Visit) {
    // A client that came by IPv4 to a listener on `[::]` is one of IPv4.
    let client = visit.client.to_canonical();
    let (host, scheme) = (visit.host.as_str(), visit.scheme);
    // RFC 7239 section 6: an IPv6 address stands in brackets, and those in quotes.
    let node = if client.is_ipv6() {
        format!("\"[{client}]\"")
    } else {
        client.to_string()
    };
    let element = format!("for={node};host=\"{host}\";proto={scheme}");
    for (name, value) in [
        (header::FORWARDED, element),
        (HeaderName::from_static("x-forwarded-for"), client.to_string()),
        (HeaderName::from_static("x-forwarded-host"), host.to_owned()),
        (HeaderName::from_static("x-forwarded-proto"), scheme.to_owned()),
    ] {
        // An address and a host that was parsed: neither holds anything that a header may not.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}
