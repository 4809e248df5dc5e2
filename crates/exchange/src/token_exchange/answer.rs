use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use identity::{Identity, UnixTime};

use super::retry::Setback;
use super::{refusal, token_response};
use crate::error::SHORTEST_RETRY_AFTER;
use crate::{AccessToken, Denial, ExchangeError, Outage};

/// A token endpoint's answer, as far as it was read.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    /// What was read of the body: all of it, unless there is a fault.
    pub(super) body: Vec<u8>,
    /// Why no more was read.
    pub(super) fault: Option<Setback>,
}

// === impl Answer ===

impl Answer {
    /// What it means. The status decides alone, save for a success, whose body must be whole and good:
    /// half of a refusal's is enough.
    pub(super) fn judge(self, identity: &Identity, asked_at: UnixTime) -> Result<AccessToken, Setback> {
        match self.status.as_u16() {
            200..=299 => self.token(identity, asked_at),
            400 | 401 | 403 => Err(Setback::last(ExchangeError::Denied(Arc::new(
                self.said(identity),
            )))),
            429 | 500 | 502..=504 => Err(self.outage()),
            _ => Err(Setback::last(self.unfit(identity))),
        }
    }

    fn token(self, identity: &Identity, asked_at: UnixTime) -> Result<AccessToken, Setback> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        token_response::read(&self.body, identity, asked_at)
            .map_err(|what| Setback::last(ExchangeError::malformed(format!("{}, {what}", self.status))))
    }

    fn said(&self, identity: &Identity) -> Denial {
        refusal::read(
            self.status,
            &self.body,
            &String::from_utf8_lossy(identity.token().expose()),
        )
    }

    fn outage(self) -> Setback {
        let outage = Outage {
            throttled: self.status == StatusCode::TOO_MANY_REQUESTS,
            what: self.status.to_string(),
            retry_after: self.retry_after.unwrap_or_default().max(SHORTEST_RETRY_AFTER),
        };
        let pause = Some(self.retry_after.unwrap_or_default());
        Setback {
            error: ExchangeError::Unavailable(Arc::new(outage)),
            pause,
        }
    }

    fn unfit(&self, identity: &Identity) -> ExchangeError {
        if self.status.is_redirection() {
            return ExchangeError::malformed(format!("{}, a redirect, which is never followed", self.status));
        }
        let said = self.said(identity);
        let words = if said.code == self.status.to_string() {
            said.message
        } else {
            said.to_string()
        };
        ExchangeError::malformed(if words.is_empty() {
            self.status.to_string()
        } else {
            format!("{}, {words}", self.status)
        })
    }
}

#[cfg(test)]
mod tests;
