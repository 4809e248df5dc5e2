use std::borrow::Cow;
use std::time::Duration;

use crate::UnixTime;
use crate::members::{Members, WrongType};
use crate::rejection::Rejection;

/// A JWT claims set (RFC 7519 section 4), parsed and not trusted: a forger may have written it.
///
/// A claim of the wrong type is refused, never treated as absent.
pub(crate) struct Claims<'a>(Members<'a>);

impl<'a> Claims<'a> {
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, Rejection> {
        Members::parse(payload).map(Self).ok_or(Rejection::Malformed(
            "its claims are not a JSON object, or a claim occurs twice",
        ))
    }

    pub(crate) fn members(&self) -> &Members<'a> {
        &self.0
    }

    /// `iss`, which is a string here and not an array of them, whatever other parsers may accept.
    pub(crate) fn issuer(&self) -> Result<Cow<'a, str>, Rejection> {
        self.required_string("iss")
    }

    /// `sub`, never empty.
    pub(crate) fn subject(&self) -> Result<Cow<'a, str>, Rejection> {
        let subject = self.required_string("sub")?;
        if subject.is_empty() {
            return Err(Rejection::WrongType {
                member: "sub",
                expected: "a string that is not empty",
            });
        }
        Ok(subject)
    }

    /// `aud`: one string, or an array of them (RFC 7519 section 4.1.3).
    pub(crate) fn audiences(&self) -> Result<Vec<Cow<'a, str>>, Rejection> {
        if let Ok(one) = self.0.string("aud") {
            return one
                .map(|one| vec![one])
                .ok_or(Rejection::MissingClaim { claim: "aud" });
        }
        let several = self.0.strings("aud").map_err(|WrongType| Rejection::WrongType {
            member: "aud",
            expected: "a string or an array of strings",
        })?;
        several.ok_or(Rejection::MissingClaim { claim: "aud" })
    }

    /// `exp`, which is required; a fraction of a second is taken off.
    pub(crate) fn expiry(&self) -> Result<UnixTime, Rejection> {
        let exp = self
            .moment("exp")?
            .ok_or(Rejection::MissingClaim { claim: "exp" })?;
        Ok(whole_seconds(exp.floor()))
    }

    /// `nbf` or `iat`; a fraction of a second is rounded up.
    pub(crate) fn start(&self, claim: &'static str) -> Result<Option<UnixTime>, Rejection> {
        Ok(self.moment(claim)?.map(|start| whole_seconds(start.ceil())))
    }

    /// A `NumericDate` (RFC 7519 section 2). A number that is no count of seconds since 1970 is none.
    fn moment(&self, claim: &'static str) -> Result<Option<f64>, Rejection> {
        match self.0.number(claim) {
            Ok(moment) if moment.is_none_or(|moment| NUMERIC_DATES.contains(&moment)) => Ok(moment),
            _ => Err(Rejection::WrongType {
                member: claim,
                expected: "a number of seconds since 1970",
            }),
        }
    }

    fn required_string(&self, claim: &'static str) -> Result<Cow<'a, str>, Rejection> {
        self.0
            .string(claim)
            .map_err(|WrongType| Rejection::WrongType {
                member: claim,
                expected: "a string",
            })?
            .ok_or(Rejection::MissingClaim { claim })
    }
}

/// From 1970 to the end of `u64`, to which the last of them is rounded.
const NUMERIC_DATES: std::ops::RangeInclusive<f64> = 0.0..=18_446_744_073_709_551_616.0;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, as it should"
)]
fn whole_seconds(seconds: f64) -> UnixTime {
    UnixTime::from_seconds(seconds as u64)
}

/// Refuses a `claim` that says the token's life begins later than `leeway` from `now`.
pub(crate) fn check_start(
    claim: &'static str,
    at: UnixTime,
    now: UnixTime,
    leeway: Duration,
) -> Result<(), Rejection> {
    if at.minus(leeway) > now {
        return Err(Rejection::NotYetValid {
            claim,
            at,
            ahead: at.since(now),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
