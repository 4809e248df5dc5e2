use std::fmt;

use url::Host;

use super::fault::Fault;
use super::given::Given;

/// A host that callers may name in `Host` or `:authority`, in lower case, with a port or without:
/// `analytics.data.example.com`, `localhost:8080`.
///
/// It is matched exactly: no wildcards, nothing derived from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

impl HostName {
    pub(super) fn parse(given: &Given<String>) -> Result<Self, Fault> {
        let text = given.value.to_ascii_lowercase();
        let (name, port) = split_port(&text);
        let fault = |why: &str| given.fault(format!("`{}` is not a host name: {why}", given.value));
        if name.contains('*') {
            return Err(fault("hosts are matched exactly").help("list each host name by itself"));
        }
        if name.contains('/') {
            return Err(fault("it looks like a URL").help("write the host alone, such as data.example.com"));
        }
        if port.is_some_and(|port| !is_port(port)) {
            return Err(fault("its port is not a number between 0 and 65535"));
        }
        if !is_exact(name) {
            return Err(fault("use letters, digits, dashes and dots, or an IP address"));
        }
        Ok(Self(text))
    }

    /// The host as it is matched.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The colon that starts a port is the last one, and not inside the brackets of an IPv6 address.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (text, None),
    }
}

/// Written the one way that clients write it: no sign, no leading zero.
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port.to_string() == text)
}

/// Whether a URL parser takes the name for what it is, without mending it.
fn is_exact(name: &str) -> bool {
    let labels = || {
        name.split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
    };
    match Host::parse(name) {
        Ok(Host::Domain(parsed)) => {
            parsed == name
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                && labels()
        }
        Ok(address) => address.to_string() == name,
        Err(_) => false,
    }
}
