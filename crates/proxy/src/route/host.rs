use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::uri::Authority;
use http::{HeaderValue, Request, Version, header};

use crate::Failure;

/// The one host that a request names, as the client wrote it.
#[derive(Debug)]
pub(crate) struct Host(Named);

/// Where it stands; a clone of either copies nothing.
#[derive(Debug)]
enum Named {
    InField(HeaderValue),
    InTarget(Authority),
}

// === impl Host ===

impl Host {
    /// As the client wrote it.
    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            // What is no text was refused.
            Named::InField(host) => host.to_str().unwrap_or_default(),
            Named::InTarget(authority) => authority.as_str(),
        }
    }

    /// Without its port.
    pub(super) fn name(&self) -> &str {
        name_and_port(self.as_str()).0
    }

    /// Whether it can mean this machine alone, whoever answers for names: a loopback address, or `localhost`
    /// (RFC 6761 section 6.3).
    pub(crate) fn is_loopback(&self) -> bool {
        let name = self.name();
        let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
        name.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// RFC 9112 section 3.2: exactly one `Host`, valid, and the same as an absolute target's (section 3.2.2 would
    /// let the target win; a request that disagrees with itself is refused instead). In HTTP/2 the `:authority` stands for
    /// it, and where both are sent they agree (RFC 9113 section 8.3.1).
    pub(crate) fn of<B>(request: &Request<B>) -> Result<Self, Failure> {
        let target = request.uri();
        if !target.path().starts_with('/') {
            return Err(Failure::BadRequest(
                "the request target must be a path that starts with /",
            ));
        }
        let mut fields = request.headers().get_all(header::HOST).iter();
        let host = match (fields.next(), fields.next(), target.authority()) {
            (Some(host), None, _) => Self(Named::InField(host.clone())),
            (None, _, Some(authority)) if request.version() == Version::HTTP_2 => {
                Self(Named::InTarget(authority.clone()))
            }
            _ => {
                return Err(Failure::BadRequest(
                    "a request must carry exactly one Host header",
                ));
            }
        };
        if !is_host(host.as_str()) {
            return Err(Failure::BadRequest("the Host header is not a host"));
        }
        match target.authority() {
            Some(authority) if !authority.as_str().eq_ignore_ascii_case(host.as_str()) => Err(
                Failure::BadRequest("the Host header and the request target name different hosts"),
            ),
            _ => Ok(host),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Narrower than RFC 3986, whose `reg-name` allows commas, quotes and percent signs, and whose port may be empty or
/// larger than any: no host has them, while some servers split, decode or cut off there.
fn is_host(text: &str) -> bool {
    let (name, rest) = name_and_port(text);
    let is_name = match name.strip_prefix('[') {
        Some(address) => address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => !name.is_empty(),
    };
    is_name && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

/// A name, or what is in brackets, as an address of IPv6 is; and what is behind it, a colon and a port if anything.
fn name_and_port(text: &str) -> (&str, &str) {
    let end = if text.starts_with('[') {
        text.find(']').map(|bracket| bracket + 1)
    } else {
        text.bytes().position(|byte| !is_of_a_name(byte))
    };
    // Either end is behind ASCII, and so between two characters.
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or_default()
}

fn is_of_a_name(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_')
}

/// `u16` would take a sign as well, before its digits.
fn is_port(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(text: &str) -> Result<Host, Failure> {
        Host::of(&Request::get("/").header("host", text).body(()).unwrap())
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for (text, name) in [
            ("A-1.b_c", "A-1.b_c"),
            ("a:1", "a"),
            ("127.0.0.1:65535", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
        ] {
            assert_eq!(host(text).unwrap().name(), name);
        }
    }

    #[test]
    fn nothing_that_somebody_may_read_as_another_host_is_one() {
        for text in [
            "",
            ":",
            ":1",
            "a:",
            "a:+1",
            "a:65536",
            "a:1:2",
            "a:b",
            "a,b",
            "a%2e",
            "a\"",
            "a b",
            "a@b",
            "a/b",
            "ä",
            "[",
            "[]",
            "[]:1",
            "[::1",
            "[::1]1",
            "[::1]]",
            "[::1]:",
            "[a]",
            "a[::1]",
            "[127.0.0.1]",
            "[::1%25lo]",
            "::1",
        ] {
            assert!(matches!(host(text), Err(Failure::BadRequest(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_a_host_is_an_authority_to_everybody_else_too(text in "[a1F.:_\\[\\]-]{0,9}|[ -~]{0,9}") {
            if let Ok(host) = host(&text) {
                let authority: Authority = text.parse().unwrap();
                prop_assert_eq!(host.name(), authority.host());
                prop_assert_eq!(host.as_str(), authority.as_str());
                prop_assert_eq!(authority.port().is_some(), host.name() != text);
            }
        }
    }
}
