use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::retry::Setback;
use crate::{AccessToken, EndpointHealth, ExchangeError, Outage, TokenEndpoint};

/// Spares a token endpoint that is down or has asked for peace, whoever would call it next.
///
/// After five failures in a row, of whichever callers, one call a second finds out whether it is back; all others are told at
/// once that it is not. What counts is the connection and 5xx: a refusal proves that it works. After a 429 nobody calls before
/// its `Retry-After` is over (RFC 6585 section 4).
#[derive(Clone, Debug, Default)]
pub(crate) struct Breakers(Arc<Mutex<HashMap<TokenEndpoint, Breaker>>>);

/// What is known of one token endpoint.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    pause: Option<Pause>,
    withheld: u64,
}

/// Nobody calls before its end.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    throttled: bool,
}

/// Leave for one call. Dropped before the call has ended, as a time-out does, it counts as a failure.
struct Permit<'a> {
    breakers: &'a Breakers,
    endpoint: &'a TokenEndpoint,
    ended: bool,
}

// === impl Breakers ===

impl Breakers {
    /// Makes `call`, or says at once why not. While the breaker is open a failure is final, so that a probe is one call.
    pub(super) async fn guard(
        &self,
        endpoint: &TokenEndpoint,
        call: impl Future<Output = Result<AccessToken, Setback>>,
    ) -> Result<AccessToken, Setback> {
        let mut permit = self.permit(endpoint)?;
        let outcome = call.await;
        let open = permit.end(&outcome);
        outcome.map_err(|setback| if open { setback.final_now() } else { setback })
    }

    /// Every endpoint that was ever asked for, by name.
    pub(crate) fn health(&self) -> Vec<EndpointHealth> {
        let mut health: Vec<_> = self
            .known()
            .iter()
            .map(|(endpoint, breaker)| EndpointHealth {
                endpoint: endpoint.name().to_owned(),
                open: breaker.is_open(),
                withheld: breaker.withheld,
            })
            .collect();
        health.sort_by(|one, other| one.endpoint.cmp(&other.endpoint));
        health
    }

    fn permit<'a>(&'a self, endpoint: &'a TokenEndpoint) -> Result<Permit<'a>, Setback> {
        let mut known = self.known();
        let admitted = match known.get_mut(endpoint) {
            Some(breaker) => breaker.admit(Instant::now()),
            None => Ok(()),
        };
        admitted.map(|()| Permit {
            breakers: self,
            endpoint,
            ended: false,
        })
    }

    /// Never held across an `.await`, and only on the control plane.
    fn known(&self) -> MutexGuard<'_, HashMap<TokenEndpoint, Breaker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies `change` to what is known of `endpoint`, and tells the log when that opens or closes its breaker.
    fn learn(&self, endpoint: &TokenEndpoint, change: impl FnOnce(&mut Breaker)) -> bool {
        let mut known = self.known();
        let breaker = known.entry(endpoint.clone()).or_default();
        let was_open = breaker.is_open();
        change(breaker);
        let is_open = breaker.is_open();
        drop(known);
        let endpoint = endpoint.name();
        match (was_open, is_open) {
            (false, true) => tracing::warn!(
                endpoint,
                "the token endpoint is down: one call a second from now on"
            ),
            (true, false) => tracing::info!(endpoint, "the token endpoint is back"),
            _ => {}
        }
        is_open
    }
}

// === impl Breaker ===

impl Breaker {
    fn is_open(&self) -> bool {
        self.failures >= TOLERATED
    }

    /// Whether a call may be made now. While it is open this is the probe, and the next one has to wait.
    fn admit(&mut self, now: Instant) -> Result<(), Setback> {
        if let Some(pause) = self.pause.filter(|pause| now < pause.until) {
            self.withheld += 1;
            return Err(Setback::last(ExchangeError::Unavailable(Arc::new(Outage {
                throttled: pause.throttled,
                what: if pause.throttled { THROTTLED } else { DOWN }.to_owned(),
                retry_after: pause.until - now,
            }))));
        }
        self.pause = self.is_open().then(|| Pause::for_down(now, BETWEEN_PROBES));
        Ok(())
    }

    fn succeed(&mut self) {
        self.failures = 0;
        self.pause = self.pause.filter(|pause| pause.throttled);
    }

    /// It works, and asks not to be called for a while.
    fn throttle(&mut self, now: Instant, said: Duration) {
        let until = now + said;
        self.failures = 0;
        self.pause = Some(Pause {
            until: self.pause.map_or(until, |pause| pause.until.max(until)),
            throttled: true,
        });
    }

    fn fail(&mut self, now: Instant, said: Duration) {
        self.failures = self.failures.saturating_add(1);
        if self.is_open() && self.pause.is_none_or(|pause| pause.until < now + said) {
            self.pause = Some(Pause::for_down(now, said.max(BETWEEN_PROBES)));
        }
    }
}

// === impl Pause ===

impl Pause {
    fn for_down(now: Instant, wait: Duration) -> Self {
        Self {
            until: now + wait,
            throttled: false,
        }
    }
}

// === impl Permit ===

impl Permit<'_> {
    /// Learns from the call's outcome; whether the breaker is open after it. An answer that is no token response says nothing:
    /// something is there, but does it exchange tokens?
    fn end(&mut self, outcome: &Result<AccessToken, Setback>) -> bool {
        self.ended = true;
        let now = Instant::now();
        self.breakers.learn(self.endpoint, |breaker| match outcome {
            Ok(_) => breaker.succeed(),
            Err(Setback { error, pause }) => match error {
                ExchangeError::Denied(_) => breaker.succeed(),
                ExchangeError::Malformed(_) => {}
                ExchangeError::Unavailable(outage) if outage.throttled => {
                    breaker.throttle(now, pause.unwrap_or_default());
                }
                ExchangeError::Unavailable(_) => breaker.fail(now, pause.unwrap_or_default()),
            },
        })
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let now = Instant::now();
            self.breakers
                .learn(self.endpoint, |breaker| breaker.fail(now, Duration::ZERO));
        }
    }
}

/// More than an endpoint that stumbles once in a while shows in a row, and less than two exchanges' worth of calls.
const TOLERATED: u32 = 5;

/// Recovery is to be noticed within 2 s, of which a failure's memory takes the other half.
const BETWEEN_PROBES: Duration = Duration::from_secs(1);

const DOWN: &str =
    "it was not asked, as it has failed five times in a row; one call a second finds out whether it is back";
const THROTTLED: &str = "it was not asked, as it has asked for a pause";

#[cfg(test)]
mod tests;
