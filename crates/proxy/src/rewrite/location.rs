use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;

use super::Visit;
use crate::route::WorkspaceUrl;

/// Makes a redirect to the workspace one to the gateway: a client that followed it past us would show its JWT there.
/// Whatever leads elsewhere, and every relative reference, stays as it is.
pub(super) fn lead_back(headers: &mut HeaderMap, workspace: &WorkspaceUrl, visit: &Visit) {
    // Nearly no answer has one: to find that out costs less than to go through all that it has.
    if !LOCATIONS.iter().any(|name| headers.contains_key(name)) {
        return;
    }
    for (name, value) in headers.iter_mut() {
        if LOCATIONS.contains(name)
            && let Some(ours) = on_the_gateway(value.as_bytes(), workspace, visit)
        {
            *value = ours;
        }
    }
}

fn on_the_gateway(location: &[u8], workspace: &WorkspaceUrl, visit: &Visit) -> Option<HeaderValue> {
    let rest = behind_the_origin(location, workspace)?;
    let origin = format!("{}://{}", visit.scheme, visit.host.as_str());
    HeaderValue::from_bytes(&[origin.as_bytes(), rest].concat()).ok()
}

/// RFC 3986 section 4.2: an absolute URL, or a network-path reference, which only inherits the scheme. The scheme
/// makes no difference: `http://` would show the JWT to the whole way.
fn behind_the_origin<'a>(location: &'a [u8], workspace: &WorkspaceUrl) -> Option<&'a [u8]> {
    let start = location.windows(2).position(|pair| pair == b"//")?;
    let (scheme, reference) = location.split_at_checked(start)?;
    if ![&b"https:"[..], b"http:", b""]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return None;
    }
    let reference = reference.strip_prefix(b"//")?;
    let end = reference
        .iter()
        .position(|byte| b"/?#".contains(byte))
        .unwrap_or(reference.len());
    let (authority, rest) = reference.split_at_checked(end)?;
    let authority = Authority::try_from(authority).ok()?;
    workspace.is_at(&authority).then_some(rest)
}

/// RFC 9110 sections 10.2.2 and 8.7.
const LOCATIONS: [HeaderName; 2] = [header::LOCATION, header::CONTENT_LOCATION];
