use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::server::Head;

/// Whether an identity provider's JWT stands anywhere in this head: in the target, in a header field, or in `Basic`
/// credentials. Everything that looks like a JWT and names an issuer other than `own_issuer` is one.
pub(super) fn carries_foreign_jwt(head: &Head, own_issuer: &str) -> bool {
    let texts = std::iter::once(head.target.as_str()).chain(
        head.headers
            .iter()
            .flat_map(|(name, value)| [name.as_str(), value.as_str()]),
    );
    texts.into_iter().any(|text| {
        issuers(text).any(|issuer| issuer != own_issuer)
            || decode_basic(text).is_some_and(|text| issuers(&text).any(|issuer| issuer != own_issuer))
    })
}

/// The `user:password` of `Basic` credentials (RFC 7617 section 2).
pub(super) fn decode_basic(value: &str) -> Option<String> {
    let (scheme, credentials) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()
}

/// The `iss` of everything in `text` that looks like a JWT, with its signature or without.
fn issuers(text: &str) -> impl Iterator<Item = String> {
    text.match_indices(JSON_OBJECT).filter_map(move |(at, _)| {
        let run = text
            .get(at..)?
            .split(|symbol: char| !is_jwt_symbol(symbol))
            .next()?;
        let payload = URL_SAFE_NO_PAD.decode(run.split('.').nth(1)?).ok()?;
        let payload: Value = serde_json::from_slice(&payload).ok()?;
        payload.get("iss")?.as_str().map(str::to_owned)
    })
}

fn is_jwt_symbol(symbol: char) -> bool {
    symbol.is_ascii_alphanumeric() || matches!(symbol, '-' | '_' | '.')
}

/// How `{"` begins in base64url.
const JSON_OBJECT: &str = "eyJ";
