//! The grammars of single values: text in, a finished type or a [`Fault`] out.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;
use url::{Host, Url};

use super::fault::{Fault, Place};
use super::given::{Given, Setting};

/// Where tokens may travel without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cleartext {
    LoopbackOnly,
    Accepted,
}

/// A day: longer than any timeout makes sense, and far from overflowing the arithmetic of a timer.
const LONGEST: Duration = Duration::from_hours(24);

// === impl Cleartext ===

impl Cleartext {
    /// What `insecure_http` says.
    pub(crate) fn from_switch(insecure_http: &Setting<bool>) -> Self {
        if insecure_http.is_on() {
            Self::Accepted
        } else {
            Self::LoopbackOnly
        }
    }
}

/// `10s`, `1m 30s`: more than nothing, at most a day.
pub(crate) fn duration(given: &Given<String>) -> Result<Duration, Fault> {
    match duration_or_off(given)? {
        Some(duration) => Ok(duration),
        None => Err(given.fault("a duration of zero would refuse everything")),
    }
}

/// A duration of which zero means that there is no limit.
pub(crate) fn duration_or_off(given: &Given<String>) -> Result<Option<Duration>, Fault> {
    let help = "write a number with its unit, such as \"500ms\", \"10s\" or \"5m\"";
    let parsed = humantime::parse_duration(&given.value);
    let duration = parsed.map_err(|_| {
        given
            .fault(format!("`{}` is not a duration", given.value))
            .help(help)
    })?;
    if duration > LONGEST {
        return Err(given.fault("a duration must not be longer than a day"));
    }
    Ok(Some(duration).filter(|duration| !duration.is_zero()))
}

/// A count of at least one, and of no more than would be a slip of the finger.
pub(crate) fn count(given: &Given<u64>, most: usize) -> Result<NonZeroUsize, Fault> {
    let counted = within(given, &(1..=most), "")?;
    NonZeroUsize::new(counted).ok_or_else(|| given.fault("must be at least 1"))
}

/// A count of which zero means that there is no limit.
pub(crate) fn count_or_off(given: &Given<u64>, most: usize) -> Result<Option<NonZeroUsize>, Fault> {
    within(given, &(0..=most), "").map(NonZeroUsize::new)
}

/// A number of bytes within bounds.
pub(crate) fn bytes(given: &Given<u64>, bounds: &RangeInclusive<usize>) -> Result<usize, Fault> {
    within(given, bounds, " bytes")
}

fn within(given: &Given<u64>, bounds: &RangeInclusive<usize>, unit: &str) -> Result<usize, Fault> {
    let (least, most) = (bounds.start(), bounds.end());
    let fits = usize::try_from(given.value)
        .ok()
        .filter(|number| bounds.contains(number));
    fits.ok_or_else(|| given.fault(format!("must be between {least} and {most}{unit}")))
}

/// An IP address with its port: what a socket binds to.
pub(crate) fn socket_address(given: &Given<String>) -> Result<SocketAddr, Fault> {
    given.value.parse().map_err(|_| {
        given
            .fault(format!("`{}` is not an IP address with a port", given.value))
            .help("write an address such as 127.0.0.1:8080, 0.0.0.0:8443 or [::]:8443")
    })
}

/// A network such as `10.0.0.0/8`, or one address; never a network with bits beyond its prefix, which is a slip.
pub(crate) fn network(given: &Given<String>) -> Result<IpNet, Fault> {
    let address = || {
        given
            .value
            .parse()
            .ok()
            .map(|address: IpAddr| IpNet::from(address))
    };
    let network = given.value.parse().ok().or_else(address).ok_or_else(|| {
        given
            .fault(format!("`{}` is not a network", given.value))
            .help("write an address such as 192.0.2.7, or a network such as 10.0.0.0/8 or 2001:db8::/32")
    })?;
    if network.trunc() == network {
        return Ok(network);
    }
    Err(given
        .fault(format!("`{network}` has bits beyond its prefix"))
        .help(format!("did you mean `{}`?", network.trunc())))
}

/// An `http` or `https` URL without credentials; `http` only where `cleartext` accepts it.
pub(crate) fn web_url(given: &Given<String>, cleartext: Cleartext) -> Result<Url, Fault> {
    let url = absolute_url(given)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(given.fault("a URL must not hold a user name or a password"));
    }
    if url.fragment().is_some() {
        return Err(given.fault("a URL must not have a fragment (`#`) here"));
    }
    if url.scheme() == "http" && cleartext == Cleartext::LoopbackOnly && !is_loopback(&url) {
        return Err(given
            .fault("http:// is accepted on loopback addresses only: tokens would travel in the clear")
            .help(format!(
                "use https://, or accept the risk with {}",
                accepting(&given.place)
            )));
    }
    Ok(url)
}

/// Refuses what the URL parser would mend in silence: white space, backslashes, upper case in the scheme.
fn absolute_url(given: &Given<String>) -> Result<Url, Fault> {
    let text = given.value.as_str();
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return Err(given.fault("a URL must start with https:// or http://"));
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(given.fault("a URL must not hold white space, control characters or backslashes"));
    }
    Url::parse(text).map_err(|error| given.fault(format!("not a URL: {error}")))
}

/// Loopback by its very address; `localhost` is loopback by RFC 6761 section 6.3, its subdomains only by habit.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn accepting(place: &Place) -> &'static str {
    match place {
        Place::Flag(_) => "--insecure-http",
        Place::File(_) | Place::Whole => "`insecure_http = true` beside it",
    }
}
