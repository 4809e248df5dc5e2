mod passed;

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use identity::BearerToken;

use crate::Failure;
use crate::route::Allowances;

pub(crate) use passed::PassedToken;

/// The JWT that a request presents: `Authorization: Bearer <jwt>` (RFC 6750 section 2.1), or
/// `Authorization: Basic` with user `token` and the JWT as the password, which is how `.netrc`, `curl -u` and the
/// older SQL drivers send what they know as a Databricks token; or, where the workspace allows it, the JWT as an API key.
///
/// # Errors
/// When there is none, more than one, or one of another kind. Two credentials are never a choice to be made: what is
/// behind us might choose the other one.
pub(crate) fn credential<B>(request: &Request<B>, allowances: Allowances) -> Result<BearerToken, Failure> {
    let mut presented = None;
    for carrier in carriers(request.uri().path(), allowances) {
        for value in request.headers().get_all(carrier) {
            if presented.replace((carrier, value)).is_some() {
                return Err(Failure::TwoCredentials);
            }
        }
    }
    match presented {
        None => Err(Failure::NoCredential),
        Some((&header::AUTHORIZATION, value)) => authorization(value),
        Some((_, key)) => Ok(BearerToken::within(key.clone(), 0)),
    }
}

/// Where a credential is looked for. Everywhere else these names mean nothing, and none of them goes upstream.
fn carriers(path: &str, allowances: Allowances) -> &'static [HeaderName] {
    if allowances.api_key_carriers && path.starts_with("/ai-gateway/") {
        &CARRIERS
    } else {
        &CARRIERS[..1]
    }
}

fn authorization(value: &HeaderValue) -> Result<BearerToken, Failure> {
    let (scheme, token) = split_scheme(value.as_bytes());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        Ok(BearerToken::within(value.clone(), token.start))
    } else if scheme.eq_ignore_ascii_case(b"basic") {
        let encoded = value.as_bytes().get(token).unwrap_or_default();
        password_of_token_user(encoded).map(BearerToken::new)
    } else {
        Err(Failure::UnsupportedCredential)
    }
}

/// RFC 9110 section 11.4: the scheme, one or more spaces, and where the rest lies.
fn split_scheme(value: &[u8]) -> (&[u8], Range<usize>) {
    let scheme = value.split(|&byte| byte == b' ').next().unwrap_or_default();
    let spaces = value
        .iter()
        .skip(scheme.len())
        .take_while(|&&byte| byte == b' ')
        .count();
    (scheme, scheme.len() + spaces..value.len())
}

/// RFC 7617. Databricks knows one user name for a token, `token`, in lower case.
fn password_of_token_user(encoded: &[u8]) -> Result<Bytes, Failure> {
    let pair = STANDARD
        .decode(encoded)
        .map_err(|_| Failure::UnsupportedCredential)?;
    let password = pair
        .strip_prefix(b"token:")
        .ok_or(Failure::UnsupportedCredential)?;
    Ok(Bytes::copy_from_slice(password))
}

/// `Authorization` first; then those that need an allowance.
static CARRIERS: [HeaderName; 3] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

#[cfg(test)]
mod tests;
