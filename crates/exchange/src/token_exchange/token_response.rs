use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{Expiry, Identity, UnixTime};
use serde::Deserialize;
use serde_json::{Number, Value};

use crate::AccessToken;

/// RFC 8693 section 2.2.1, with every type still to be checked.
#[derive(Deserialize)]
struct TokenResponse {
    access_token: Option<Value>,
    token_type: Option<Value>,
    expires_in: Option<Value>,
}

/// Reads a token response whose shape is not trusted.
///
/// The token ends at the earliest of: the JWT's own `exp`; `expires_in` after `asked_at`, if it is there;
/// and the `exp` of the token itself, if that is a JWT. The last is read without verification, as it
/// can only shorten. Without `expires_in` the JWT's `exp` is the bound: Databricks derives one from the other.
pub(super) fn read(
    body: &[u8],
    identity: &Identity,
    asked_at: UnixTime,
) -> Result<AccessToken, &'static str> {
    let TokenResponse {
        access_token,
        token_type,
        expires_in,
    } = parse(body)?;
    let Some(Value::String(token)) = access_token else {
        return Err("no access_token in it");
    };
    if token.len() > LONGEST_TOKEN {
        return Err("the access_token is longer than 16 KiB");
    }
    if token.as_bytes() == identity.token().expose() {
        return Err("the access_token is the very JWT that was sent");
    }
    if !is_bearer(token_type.as_ref()) {
        return Err("the token_type is not Bearer");
    }
    let ends = [
        Some(identity.expiry()),
        ends_after(expires_in, asked_at)?,
        own_expiry(&token),
    ];
    let expiry = ends.into_iter().flatten().min().unwrap_or(identity.expiry());
    AccessToken::new(&token, expiry).ok_or("the access_token cannot stand in a header")
}

/// serde's words are not passed on: they quote what they do not like. It would also take an array for
/// the object, its items for the members.
fn parse(body: &[u8]) -> Result<TokenResponse, &'static str> {
    match body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(body).map_err(|_| "not a JSON object"),
        Some(b'<') => Err("HTML"),
        _ => Err("not a JSON object"),
    }
}

/// RFC 6749 section 7.1: the type is compared without regard to case. Absent, it is what it always is.
fn is_bearer(token_type: Option<&Value>) -> bool {
    match token_type {
        None | Some(Value::Null) => true,
        Some(Value::String(name)) => name.eq_ignore_ascii_case("bearer"),
        Some(_) => false,
    }
}

fn ends_after(expires_in: Option<Value>, asked_at: UnixTime) -> Result<Option<Expiry>, &'static str> {
    let lifetime = match expires_in {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => seconds(&number),
        Some(Value::String(text)) => text
            .trim()
            .parse()
            .ok()
            .and_then(|number: Number| seconds(&number)),
        Some(_) => None,
    };
    let lifetime = lifetime.ok_or("expires_in is not a number of seconds")?;
    Ok(Some(Expiry(asked_at.plus(lifetime))))
}

/// An integer or a fraction, negative or astronomical: nothing wraps, nothing overflows.
fn seconds(number: &Number) -> Option<Duration> {
    match (number.as_u64(), number.as_f64()) {
        (Some(seconds), _) => Some(Duration::from_secs(seconds)),
        (None, Some(seconds)) if seconds <= 0.0 => Some(Duration::ZERO),
        (None, Some(seconds)) => Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
        (None, None) => None,
    }
}

fn own_expiry(token: &str) -> Option<Expiry> {
    let mut segments = token.split('.');
    let (_, claims, _) = (segments.next()?, segments.next()?, segments.next()?);
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let Value::Number(exp) = claims.get("exp")? else {
        return None;
    };
    Some(Expiry(UnixTime::from_seconds(0).plus(seconds(exp)?)))
}

/// More would not fit into the head of a request, and a hundred thousand of them not into memory.
const LONGEST_TOKEN: usize = 16 * 1024;
