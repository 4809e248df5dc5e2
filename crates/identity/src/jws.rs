use memchr::memchr_iter;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::members::{Members, WrongType};
use crate::rejection::{Quoted, Rejection};

/// The longest token that is looked at. Real ones stay below 8 KiB, the usual limit of a header line.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A compact JWS (RFC 7515 section 7.1) that is well formed; whether anybody vouches for it is not known.
pub(crate) struct Jws<'a> {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    signing_input: &'a [u8],
    signature: Vec<u8>,
}

/// What the JOSE header (RFC 7515 section 4) may say. Everything that could choose a key or change the
/// meaning of the token was refused before.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
}

// === impl Jws ===

impl<'a> Jws<'a> {
    /// Size, then shape, then header: the cheapest check that refuses comes first, and nothing is
    /// decoded of a token that is too large.
    pub(crate) fn parse(token: &'a [u8]) -> Result<Self, Rejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::TooLarge { size: token.len() });
        }
        let [header, payload, signature] = segments(token).ok_or_else(|| not_three_segments(token))?;
        let signed_length = header.len() + 1 + payload.len();
        Ok(Self {
            header: Header::parse(&decode(header, "its header is not unpadded base64url")?)?,
            payload: decode(payload, "its claims are not unpadded base64url")?,
            signing_input: token.get(..signed_length).unwrap_or_default(),
            signature: decode(signature, "its signature is not unpadded base64url")?,
        })
    }

    /// The bytes that were signed: the first two segments as presented (RFC 7515 section 5.1).
    pub(crate) fn signing_input(&self) -> &[u8] {
        self.signing_input
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// What stands between dots, if there are two of these.
fn segments(token: &[u8]) -> Option<[&[u8]; 3]> {
    let mut dots = memchr_iter(b'.', token);
    let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
        return None;
    };
    Some([
        token.get(..first)?,
        token.get(first + 1..second)?,
        token.get(second + 1..)?,
    ])
}

fn decode(segment: &[u8], fault: &'static str) -> Result<Vec<u8>, Rejection> {
    base64url::decode(segment).ok_or(Rejection::Malformed(fault))
}

/// Says what was probably sent instead.
fn not_three_segments(token: &[u8]) -> Rejection {
    if token.starts_with(b"dapi") {
        return Rejection::DatabricksToken { issuer: None };
    }
    Rejection::Malformed(match token.split(|byte| *byte == b'.').count() {
        1 => {
            "it has no dots; an opaque token or an API key cannot be verified here, ask the identity provider for a JWT"
        }
        5 => "it has five segments, so it is encrypted (JWE); ask the identity provider for a signed token",
        _ => "a signed JWT has exactly three segments, separated by dots",
    })
}

// === impl Header ===

/// Parameters that carry or point to a key: the sender does not choose what vouches for him (RFC 8725 section 3.10).
const KEY_CARRYING: [&str; 4] = ["jwk", "jku", "x5u", "x5c"];

/// Parameters that change what the token means (RFC 7515 section 4.1.11, RFC 7797, RFC 7516): none is
/// implemented, so none may be passed over.
const EXTENSIONS: [&str; 4] = ["crit", "b64", "zip", "enc"];

/// `typ` of a JWT that may be presented as proof of who is calling, without the optional `application/`:
/// RFC 7519 section 5.1, RFC 9068 section 2.1, and JWT-SVID section 2.3. Tokens typed for another purpose
/// (`logout+jwt`, `dpop+jwt`, `secevent+jwt`) are refused (RFC 8725 section 3.11).
const TYPES: [&str; 3] = ["jwt", "at+jwt", "jose"];

impl Header {
    fn parse(json: &[u8]) -> Result<Self, Rejection> {
        let members = Members::parse(json).ok_or(Rejection::Malformed(
            "its header is not a JSON object, or repeats a member",
        ))?;
        if let Some(parameter) = KEY_CARRYING.into_iter().find(|name| members.contains(name)) {
            return Err(Rejection::KeyInHeader { parameter });
        }
        if let Some(parameter) = EXTENSIONS.into_iter().find(|name| members.contains(name)) {
            return Err(Rejection::ExtensionNotSupported { parameter });
        }
        check_type(&members)?;
        Ok(Self {
            algorithm: algorithm(&members)?,
            key_id: key_id(&members)?,
        })
    }
}

fn check_type(members: &Members<'_>) -> Result<(), Rejection> {
    let Some(typ) = members.string("typ").map_err(|WrongType| wrong_type("typ"))? else {
        return Ok(());
    };
    let lower = typ.to_ascii_lowercase();
    if TYPES.contains(&lower.strip_prefix("application/").unwrap_or(&lower)) {
        Ok(())
    } else {
        Err(Rejection::TypeNotAllowed {
            presented: Quoted::new(&typ),
        })
    }
}

fn algorithm(members: &Members<'_>) -> Result<Algorithm, Rejection> {
    let name = members
        .string("alg")
        .map_err(|WrongType| wrong_type("alg"))?
        .ok_or(Rejection::Malformed("its header has no alg"))?;
    Algorithm::parse(&name).ok_or_else(|| Rejection::AlgorithmNotAllowed {
        presented: Quoted::new(&name),
    })
}

fn key_id(members: &Members<'_>) -> Result<Option<String>, Rejection> {
    let kid = members.string("kid").map_err(|WrongType| wrong_type("kid"))?;
    Ok(kid.map(std::borrow::Cow::into_owned))
}

fn wrong_type(parameter: &'static str) -> Rejection {
    Rejection::WrongType {
        member: parameter,
        expected: "a string",
    }
}

#[cfg(test)]
mod tests;
