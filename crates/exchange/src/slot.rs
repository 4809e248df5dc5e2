use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use identity::{Expiry, UnixTime};
use tokio::time::Instant;

use crate::access_token::is_usable_at;
use crate::{AccessToken, ExchangeError};

/// What is held under one key: a token, a failure, or both.
///
/// Both, where a subject's JWT was renewed and its exchange failed: the token that is left from the JWT before may still be good.
#[derive(Clone, Debug)]
pub(crate) struct Slot(State);

#[derive(Clone, Debug)]
enum State {
    Good(Held),
    /// Apart, as most slots are good.
    Troubled(Arc<Troubled>),
}

/// A token, and the expiry of the JWT that it was exchanged for.
///
/// An [`AccessToken`] and no more, but without the space at its end: there may be a million of these.
#[derive(Clone)]
struct Held {
    header: HeaderValue,
    expiry: Expiry,
    of: Expiry,
}

#[derive(Clone, Debug)]
struct Troubled {
    held: Option<Held>,
    trouble: Trouble,
}

/// What has gone wrong under one key.
#[derive(Clone, Debug, Default)]
struct Trouble {
    failure: Option<Remembered>,
    /// When a token that the workspace had refused was last exchanged anew.
    renewed: Option<Instant>,
    /// A newer JWT of this subject was refused: the token is for those who present what it was exchanged for, or older.
    alone: bool,
}

/// An exchange that failed for a JWT with this expiry.
#[derive(Clone, Debug)]
struct Remembered {
    error: ExchangeError,
    of: Expiry,
    until: Instant,
}

/// Who asks, as far as it decides over what is held: the subject and the grant are in the key.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// When the JWT ends that was presented.
    pub(crate) expiry: Expiry,
    /// A token that the workspace has refused.
    pub(crate) refused: Option<&'a AccessToken>,
}

/// What to do for whoever asks.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// This token.
    Serve(AccessToken),
    /// This token, while the newer JWT is being exchanged.
    Renew(AccessToken),
    /// This failure, which is remembered.
    Refuse(ExchangeError),
    /// There is nothing: they wait.
    Exchange,
}

// === impl Slot ===

impl Slot {
    /// What holds for `ask` at `now`. A token is never served in the last 5 s of its own end, nor beyond the end of the JWT that
    /// was presented.
    ///
    /// Of a copy, of which the token is a part: one that was copied once more would cost every request two atomic operations.
    pub(crate) fn judge(self, ask: &Ask<'_>, now: UnixTime) -> Verdict {
        let usable = |held: &&Held| is_usable_at(held.expiry, now) && self.is_for(held, ask);
        let held = self.held().filter(usable);
        let serve = match (held.filter(|_| !self.must_renew(ask)), self.failure()) {
            (Some(held), _) if ask.expiry <= held.of => Verdict::Serve,
            (Some(_), Some(failure)) if failure.holds() => Verdict::Serve,
            (Some(_), _) => Verdict::Renew,
            (None, Some(failure)) if failure.holds() && failure.concerns(ask) => {
                return Verdict::Refuse(failure.error.clone());
            }
            (None, _) => return Verdict::Exchange,
        };
        let held = self.into_held().map(|held| held.within(ask.expiry));
        held.map_or(Verdict::Exchange, serve)
    }

    /// What is held after an exchange for `ask`. A failure leaves a token in place that is still good: in an outage it is all
    /// there is. Only a refusal takes away the token that the workspace has refused as well.
    pub(crate) fn after(
        previous: Option<&Self>,
        ask: &Ask<'_>,
        outcome: Result<AccessToken, ExchangeError>,
    ) -> Self {
        let renewing = previous.is_some_and(|slot| slot.must_renew(ask));
        let renewed = if renewing {
            Some(Instant::now())
        } else {
            previous.and_then(Self::renewed)
        };
        match outcome {
            Ok(token) => Self::new(Some(Held::new(token, ask.expiry)), Trouble::healed(renewed)),
            Err(error) => {
                let refused = matches!(error, ExchangeError::Denied(_));
                let held = previous.and_then(|slot| slot.held().cloned());
                let trouble = Trouble {
                    failure: Some(Remembered::new(error, ask.expiry)),
                    renewed,
                    alone: refused || previous.is_some_and(Self::is_alone),
                };
                Self::new(held.filter(|_| !(refused && renewing)), trouble)
            }
        }
    }

    /// The answer for whoever has waited for this. A failure is one even when its time is up by now: were it not, all who waited
    /// would begin anew. `None`: it was about another JWT.
    pub(crate) fn outcome(&self, ask: &Ask<'_>, now: UnixTime) -> Option<Result<AccessToken, ExchangeError>> {
        match self.clone().judge(ask, now) {
            Verdict::Serve(token) | Verdict::Renew(token) => Some(Ok(token)),
            Verdict::Refuse(error) => Some(Err(error)),
            Verdict::Exchange => {
                let failure = self.failure().filter(|failure| failure.concerns(ask));
                failure.map(|failure| Err(failure.error.clone()))
            }
        }
    }

    /// The same in memory of its own, of a token and nothing else.
    pub(crate) fn copied(&self) -> Option<Self> {
        match &self.0 {
            State::Good(held) => Some(Self(State::Good(held.copied()?))),
            State::Troubled(_) => None,
        }
    }

    /// How long anything of it may be of use.
    pub(crate) fn life(&self, now: UnixTime) -> Duration {
        let token = self.held().map(|held| held.expiry.0.since(now));
        let failure = self.failure().map(Remembered::left);
        token.max(failure).unwrap_or_default()
    }

    /// Whether the workspace has refused the very token that is held, and it may be exchanged anew: a stream of refusals must
    /// not become a stream of exchanges.
    fn must_renew(&self, ask: &Ask<'_>) -> bool {
        let (Some(refused), Some(held)) = (ask.refused, self.held()) else {
            return false;
        };
        refused.is_in(&held.header) && self.renewed().is_none_or(|at| at.elapsed() >= BETWEEN_RENEWALS)
    }

    fn new(held: Option<Held>, trouble: Trouble) -> Self {
        Self(match held {
            Some(held) if !trouble.is_any() => State::Good(held),
            held => State::Troubled(Arc::new(Troubled { held, trouble })),
        })
    }

    fn held(&self) -> Option<&Held> {
        match &self.0 {
            State::Good(held) => Some(held),
            State::Troubled(troubled) => troubled.held.as_ref(),
        }
    }

    fn into_held(self) -> Option<Held> {
        match self.0 {
            State::Good(held) => Some(held),
            State::Troubled(troubled) => troubled.held.clone(),
        }
    }

    fn trouble(&self) -> Option<&Trouble> {
        match &self.0 {
            State::Good(_) => None,
            State::Troubled(troubled) => Some(&troubled.trouble),
        }
    }

    fn failure(&self) -> Option<&Remembered> {
        self.trouble()?.failure.as_ref()
    }

    fn renewed(&self) -> Option<Instant> {
        self.trouble()?.renewed
    }

    fn is_alone(&self) -> bool {
        self.trouble().is_some_and(|trouble| trouble.alone)
    }

    fn is_for(&self, held: &Held, ask: &Ask<'_>) -> bool {
        !self.is_alone() || ask.expiry <= held.of
    }
}

// === impl Held ===

impl Held {
    fn new(token: AccessToken, of: Expiry) -> Self {
        let (header, expiry) = token.into_parts();
        Self { header, expiry, of }
    }

    fn copied(&self) -> Option<Self> {
        let token = AccessToken::from_parts(self.header.clone(), self.expiry).copied()?;
        Some(Self::new(token, self.of))
    }

    /// The token for whoever presents a JWT that ends at `jwt`: used no longer than either.
    fn within(self, jwt: Expiry) -> AccessToken {
        AccessToken::from_parts(self.header, self.expiry.min(jwt))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("header", &"[redacted]")
            .field("expiry", &self.expiry)
            .field("of", &self.of)
            .finish()
    }
}

// === impl Trouble ===

impl Trouble {
    /// After a good exchange nothing is left but when that was, if a refused token was the reason for it.
    fn healed(renewed: Option<Instant>) -> Self {
        Self {
            renewed,
            ..Self::default()
        }
    }

    fn is_any(&self) -> bool {
        self.failure.is_some() || self.renewed.is_some() || self.alone
    }
}

// === impl Remembered ===

impl Remembered {
    fn new(error: ExchangeError, of: Expiry) -> Self {
        Self {
            until: Instant::now() + memory_of(&error),
            error,
            of,
        }
    }

    fn holds(&self) -> bool {
        Instant::now() < self.until
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// An outage concerns everybody; a refusal only the JWT that was refused, and those that end before it.
    fn concerns(&self, ask: &Ask<'_>) -> bool {
        !matches!(self.error, ExchangeError::Denied(_)) || ask.expiry <= self.of
    }
}

// === impl Verdict ===

impl Verdict {
    /// Whether an exchange would change anything.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Renew(_) | Self::Exchange)
    }
}

/// A refusal is remembered for 2 s: a client in a loop costs one call in that time, and whoever mends
/// a federation policy does not notice. An outage lasts as long as the token endpoint said, 300 s at most;
/// one of which it said nothing is remembered for a second or less, so that its end is noticed within two.
fn memory_of(error: &ExchangeError) -> Duration {
    match error {
        ExchangeError::Denied(_) => Duration::from_secs(2),
        ExchangeError::Unavailable(outage) => outage.retry_after,
        ExchangeError::Malformed(_) => Duration::from_secs(1),
    }
}

/// How often a subject's token is exchanged anew because the workspace refuses it.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
