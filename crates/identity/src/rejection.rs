use std::fmt;
use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::{Expiry, UnixTime};

/// Why a token was refused, in words that tell a person how to mend it.
///
/// Never contains the token. Text that came with the token is quoted only as a [`Quoted`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Keys of this issuer were never loaded, or not for too long: not the caller's fault, and it may pass.
    #[error("the keys of issuer {issuer} are not available yet; the same token may be accepted in a moment")]
    KeysUnavailable {
        /// The configured issuer.
        issuer: String,
    },
    /// Longer than any token should be.
    #[error(
        "the token has {size} bytes, more than the {max} that are accepted; ask the identity provider for fewer claims, \
         for example without group lists",
        max = crate::jws::MAX_TOKEN_BYTES
    )]
    TooLarge {
        /// As presented.
        size: usize,
    },
    /// Not a compact JWS with a JSON header and a JSON claims set.
    #[error("the token is not a JWT: {0}")]
    Malformed(&'static str),
    /// A Databricks personal access token, or one that Databricks issued itself.
    #[error(
        "the token was issued by Databricks; present the token of your own identity provider instead, it is exchanged here"
    )]
    DatabricksToken {
        /// `iss` as it is claimed; `None` for a personal access token, which has none.
        issuer: Option<Quoted>,
    },
    /// `jwk`, `jku`, `x5u` or `x5c`: the sender may not bring the key that vouches for him.
    #[error("the token's header carries or points to a key ({parameter}), which is not accepted")]
    KeyInHeader {
        /// The header parameter.
        parameter: &'static str,
    },
    /// `crit`, `b64`, `zip` or `enc`.
    #[error(
        "the token's header uses {parameter}, which is not supported; only plain signed JWTs are accepted"
    )]
    ExtensionNotSupported {
        /// The header parameter.
        parameter: &'static str,
    },
    /// A token made for another purpose.
    #[error("the token is of type {presented}; only JWT and at+jwt are accepted")]
    TypeNotAllowed {
        /// `typ`.
        presented: Quoted,
    },
    /// Anything but RS256 and ES256, `none` and the symmetric algorithms above all.
    #[error("the token is signed with {presented}; only {allowed} are accepted", allowed = Algorithm::ALLOWED)]
    AlgorithmNotAllowed {
        /// `alg`.
        presented: Quoted,
    },
    /// An accepted algorithm, but not that of the key that the token names.
    #[error("the token's header says {presented}, but the key that it names is for {of_key}")]
    AlgorithmMismatch {
        /// `alg` of the token.
        presented: &'static str,
        /// The algorithm of the key.
        of_key: &'static str,
    },
    /// A configured issuer but for the slash at the end.
    #[error(
        "the token's issuer is {presented}, but {configured} is configured: the slash at the end matters; \
         mend the configuration so that both are the same"
    )]
    IssuerTrailingSlash {
        /// `iss`.
        presented: Quoted,
        /// The configured issuer that would match.
        configured: String,
    },
    /// An issuer that is not configured.
    #[error("the token's issuer {presented} is not accepted; configured are: {configured}")]
    UnknownIssuer {
        /// `iss`.
        presented: Quoted,
        /// Every configured issuer, separated by commas.
        configured: String,
    },
    /// No key of the issuer has this `kid`.
    #[error("the token names key {kid}, which issuer {issuer} does not publish; {freshness}")]
    UnknownKey {
        /// `kid`.
        kid: Quoted,
        /// The configured issuer.
        issuer: String,
        /// How fresh the keys are that were looked through.
        freshness: Freshness,
    },
    /// No `kid`, and the algorithm does not single out one key of the issuer.
    #[error(
        "the token names no key (kid), and issuer {issuer} has {candidates} keys for {algorithm}; \
         let the identity provider put kid into the header"
    )]
    KeyNotNamed {
        /// The configured issuer.
        issuer: String,
        /// `alg` of the token.
        algorithm: &'static str,
        /// How many keys would fit; anything but 1.
        candidates: usize,
    },
    /// The key that the token names did not sign it.
    #[error(
        "the token's signature is not that of issuer {issuer}; the token was altered, cut short, or made by somebody else"
    )]
    BadSignature {
        /// The configured issuer.
        issuer: String,
    },
    /// A claim that must be there is not.
    #[error("the token has no {claim} claim, which is required; let the identity provider add it")]
    MissingClaim {
        /// Its name.
        claim: &'static str,
    },
    /// A header parameter or a claim of the wrong type.
    #[error("the token's {member} must be {expected}")]
    WrongType {
        /// Its name.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Issued for somebody else.
    #[error(
        "the token is for audience {presented}, but {expected} is expected; request a token for the right audience"
    )]
    WrongAudience {
        /// The first few of `aud`, separated by commas.
        presented: String,
        /// The configured audiences, separated by commas.
        expected: String,
    },
    /// `exp` has passed.
    #[error("the token expired {} ago, at {at}; get a new one from the identity provider", Span(*ago))]
    Expired {
        /// `exp`.
        at: UnixTime,
        /// How long ago that was.
        ago: Duration,
    },
    /// `exp` is so near that the token could die on its way.
    #[error(
        "the token expires at {at}, too soon to be used ({} s must be left); get a new one from the identity provider",
        Expiry::MARGIN.as_secs()
    )]
    ExpiresTooSoon {
        /// `exp`.
        at: UnixTime,
    },
    /// `nbf` or `iat` lies further in the future than clocks may differ.
    #[error("the token's {claim} is {at}, {} from now; check the clocks of this host and of the identity provider", Span(*ahead))]
    NotYetValid {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// Its value.
        at: UnixTime,
        /// How far that lies in the future.
        ahead: Duration,
    },
}

/// A token that none of the configured issuers could have issued, by what it claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign<'a> {
    /// A personal access token of Databricks.
    PersonalAccessToken,
    /// A JWT of this issuer, or so it says.
    Jwt {
        /// `iss`.
        issuer: &'a str,
    },
}

/// How fresh the keys are among which a `kid` was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The keys were fetched again because of this very token.
    Refetched,
    /// The keys could not be fetched again, so those of an earlier fetch had to do.
    RefetchFailed,
    /// They were fetched again a moment ago; the next unknown key may fetch them once more.
    RefetchedRecently,
    /// They come from a file, or are otherwise never fetched.
    Fixed,
}

/// Text that came with a token, made harmless: at most 200 characters, each printable ASCII and no space;
/// `?` stands for every other character.
#[derive(Clone, PartialEq, Eq)]
pub struct Quoted(String);

/// A time span in its largest whole unit, for people.
struct Span(Duration);

// === impl Rejection ===

impl Rejection {
    /// Whether the same token may be accepted later without any change to it: answer 503, not 401.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::KeysUnavailable { .. })
    }

    /// Whether it was refused for no fault of its own but that Databricks, not one of the configured issuers, would have to
    /// judge it: nothing about it was verified.
    pub fn foreign(&self) -> Option<Foreign<'_>> {
        match self {
            Self::DatabricksToken { issuer: None } => Some(Foreign::PersonalAccessToken),
            Self::DatabricksToken {
                issuer: Some(presented),
            }
            | Self::UnknownIssuer { presented, .. } => presented.is_whole().then(|| Foreign::Jwt {
                issuer: presented.as_str(),
            }),
            _ => None,
        }
    }

    /// A stable name for machines: error details and metric labels.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeysUnavailable { .. } => "JWT_KEYS_UNAVAILABLE",
            Self::TooLarge { .. } => "JWT_TOO_LARGE",
            Self::Malformed(_) => "JWT_MALFORMED",
            Self::DatabricksToken { .. } => "DATABRICKS_TOKEN",
            Self::KeyInHeader { .. } => "JWT_KEY_IN_HEADER",
            Self::ExtensionNotSupported { .. } => "JWT_EXTENSION_NOT_SUPPORTED",
            Self::TypeNotAllowed { .. } => "JWT_TYPE_NOT_ALLOWED",
            Self::AlgorithmNotAllowed { .. } => "JWT_ALGORITHM_NOT_ALLOWED",
            Self::AlgorithmMismatch { .. } => "JWT_ALGORITHM_MISMATCH",
            Self::IssuerTrailingSlash { .. } => "JWT_ISSUER_TRAILING_SLASH",
            Self::UnknownIssuer { .. } => "JWT_UNKNOWN_ISSUER",
            Self::UnknownKey { .. } => "JWT_UNKNOWN_KEY",
            Self::KeyNotNamed { .. } => "JWT_KEY_NOT_NAMED",
            Self::BadSignature { .. } => "JWT_BAD_SIGNATURE",
            Self::MissingClaim { .. } => "JWT_MISSING_CLAIM",
            Self::WrongType { .. } => "JWT_WRONG_TYPE",
            Self::WrongAudience { .. } => "JWT_WRONG_AUDIENCE",
            Self::Expired { .. } => "JWT_EXPIRED",
            Self::ExpiresTooSoon { .. } => "JWT_EXPIRES_TOO_SOON",
            Self::NotYetValid { .. } => "JWT_NOT_YET_VALID",
        }
    }
}

// === impl Freshness ===

impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refetched => "its keys were fetched again just now and do not hold it either",
            Self::RefetchFailed => {
                "its keys could not be fetched again just now, which will be repeated in a moment"
            }
            Self::RefetchedRecently => {
                "its keys were fetched again recently and will be once more in a moment"
            }
            Self::Fixed => "its keys are configured here and never fetched, so add the new one to them",
        })
    }
}

// === impl Quoted ===

impl Quoted {
    const MAX_CHARS: usize = 200;

    pub(crate) fn new(text: &str) -> Self {
        let harmless = |c: char| if c.is_ascii_graphic() { c } else { '?' };
        Self(text.chars().take(Self::MAX_CHARS).map(harmless).collect())
    }

    /// Whether it was harmless as it came: nothing was cut or replaced.
    fn is_whole(&self) -> bool {
        self.0.len() < Self::MAX_CHARS && !self.0.contains('?')
    }

    /// The text as it may be shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(empty)" } else { &self.0 })
    }
}

impl fmt::Debug for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

// === impl Span ===

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (count, unit) = match seconds {
            0..60 => (seconds, "second"),
            60..3_600 => (seconds / 60, "minute"),
            3_600..86_400 => (seconds / 3_600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests;
