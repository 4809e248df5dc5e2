use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::claims::{Claims, check_start};
use crate::facts::{Facts, SubjectDigest, Validity, Verified};
use crate::jws::Jws;
use crate::key::Key;
use crate::keys::Keys;
use crate::rejection::{Quoted, Rejection};
use crate::{Expiry, Issuer, UnixTime};

/// A configured identity provider with its keys.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) issuer: Issuer,
    pub(crate) name: Arc<Box<str>>,
    pub(crate) keys: Keys,
}

/// How many of the presented audiences a message quotes.
const QUOTED_AUDIENCES: usize = 5;

impl Provider {
    /// The key of this provider that signed the token.
    pub(crate) async fn signer(&self, jws: &Jws<'_>) -> Result<Arc<Key>, Rejection> {
        let key = self.keys.find(&self.name, &jws.header).await?;
        if key.signed(jws) {
            Ok(key)
        } else {
            Err(Rejection::BadSignature {
                issuer: self.issuer.url.clone(),
            })
        }
    }

    /// Judges the claims of a token that `key` signed.
    ///
    /// The audience comes before the times: who has the wrong one needs another token anyway, so an expired
    /// token for somebody else is mended in one step.
    pub(crate) fn admit(
        &self,
        claims: &Claims<'_>,
        key: Arc<Key>,
        now: UnixTime,
        leeway: Duration,
    ) -> Result<Verified, Rejection> {
        let subject = claims.subject()?;
        self.check_audience(claims)?;
        let validity = Validity {
            until: expiry(claims, now)?,
            from: valid_from(claims, now, leeway)?,
        };
        let facts = Facts {
            issuer: Arc::clone(&self.name),
            digest: SubjectDigest::new(&self.issuer, claims),
            validity,
            key,
        };
        Ok(Verified::new(&subject, facts))
    }

    /// RFC 7519 section 4.1.3: one of the token's audiences is one of ours.
    fn check_audience(&self, claims: &Claims<'_>) -> Result<(), Rejection> {
        let presented = claims.audiences()?;
        let ours = |audience: &str| self.issuer.audiences.iter().any(|ours| ours.0 == audience);
        if presented.iter().any(|audience| ours(audience)) {
            return Ok(());
        }
        let expected: Vec<_> = self
            .issuer
            .audiences
            .iter()
            .map(|audience| audience.0.as_str())
            .collect();
        Err(Rejection::WrongAudience {
            presented: listed(&presented),
            expected: expected.join(" or "),
        })
    }
}

fn listed(audiences: &[Cow<'_, str>]) -> String {
    let quoted = audiences
        .iter()
        .take(QUOTED_AUDIENCES)
        .map(|audience| Quoted::new(audience).to_string());
    let quoted = quoted.collect::<Vec<_>>().join(", ");
    match audiences.len() {
        0 => "(none)".to_owned(),
        1..=QUOTED_AUDIENCES => quoted,
        more => format!("{quoted} and {} more", more - QUOTED_AUDIENCES),
    }
}

/// RFC 7519 section 4.1.4, without leeway: Databricks grants none.
fn expiry(claims: &Claims<'_>, now: UnixTime) -> Result<Expiry, Rejection> {
    let at = claims.expiry()?;
    if now >= at {
        return Err(Rejection::Expired {
            at,
            ago: now.since(at),
        });
    }
    if !Expiry(at).is_usable_at(now) {
        return Err(Rejection::ExpiresTooSoon { at });
    }
    Ok(Expiry(at))
}

/// RFC 7519 sections 4.1.5 and 4.1.6: a token from the future is refused, whichever of the two says so.
fn valid_from(claims: &Claims<'_>, now: UnixTime, leeway: Duration) -> Result<UnixTime, Rejection> {
    let mut latest = UnixTime::from_seconds(0);
    for claim in ["nbf", "iat"] {
        if let Some(at) = claims.start(claim)? {
            check_start(claim, at, now, leeway)?;
            latest = latest.max(at);
        }
    }
    Ok(latest.minus(leeway))
}
