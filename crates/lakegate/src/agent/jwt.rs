use std::time::Duration;

use identity::{BearerToken, Expiry, UnixTime};

use super::file::Stamp;

/// A JWT as it was had, and until when it will do.
#[derive(Clone, Debug)]
pub(super) struct Jwt {
    pub(super) token: BearerToken,
    pub(super) expiry: Expiry,
    /// From here on another one is looked for, while this one still serves.
    pub(super) renew_at: UnixTime,
    /// Of the file that it stands in.
    pub(super) stamp: Option<Stamp>,
}

/// The longest output or file that is read: a JWT has 16 KiB at most, and white space around it.
pub(super) const LONGEST: u64 = 64 * 1024;

// === impl Jwt ===

impl Jwt {
    /// The one JWT in `text`; its `exp` is believed, as it is this machine's own and decides over nothing but when to
    /// look for another one.
    ///
    /// # Errors
    /// What `text` holds instead, in words; never a part of it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        let token = BearerToken::new(text.to_vec());
        let expiry = token
            .stated_expiry()
            .map_err(|rejection| format!("holds no JWT that could be used: {rejection}"))?;
        Ok(Self {
            token,
            expiry,
            renew_at: expiry.0,
            stamp: None,
        })
    }

    /// Another one is looked for `margin` before its end; at half its time, if it does not live for twice that long.
    pub(super) fn renewed_before(self, margin: Duration, now: UnixTime) -> Self {
        let margin = margin.min(self.expiry.0.since(now) / 2);
        Self {
            renew_at: self.expiry.0.minus(margin),
            ..self
        }
    }

    /// Whether so much of it is left that it will get to its destination.
    pub(super) fn is_usable_at(&self, now: UnixTime) -> bool {
        self.expiry.0.since(now) > LEAST
    }

    /// Why it is not usable.
    pub(super) fn lateness(&self, now: UnixTime) -> String {
        let at = self.expiry.0;
        if at > now {
            format!("holds a JWT that expires at {at}, too soon to be used")
        } else {
            format!("holds a JWT that expired at {at}")
        }
    }
}

/// [`Expiry::MARGIN`], within which it would be refused, and a moment to get there.
const LEAST: Duration = Expiry::MARGIN.saturating_add(Duration::from_secs(2));
