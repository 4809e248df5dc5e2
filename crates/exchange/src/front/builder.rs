use std::sync::Arc;
use std::time::Duration;

use identity::Clock;
use tokio::runtime::Handle;

use super::{Exchange, ExchangeService, Held, Shared};
use crate::TokenExchange;
use crate::cache::Cache;
use crate::renewals::Renewals;

/// Settings of an [`Exchange`], each with its default.
#[derive(Debug)]
#[must_use = "settings alone exchange nothing"]
pub struct ExchangeBuilder {
    http: reqwest::Client,
    clock: Clock,
    control_plane: Option<Handle>,
    deadline: Duration,
    capacity: u64,
    overlap: bool,
    previous: Option<Exchange>,
}

// === impl ExchangeBuilder ===

impl ExchangeBuilder {
    pub(super) fn new(http: reqwest::Client) -> Self {
        Self {
            http,
            clock: Clock::system(),
            control_plane: None,
            deadline: Duration::from_secs(10),
            capacity: 100_000,
            overlap: true,
            previous: None,
        }
    }

    /// The clock that decides expiry. Default: the system's.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Where exchanges run. Default: the runtime in which `build` is called.
    pub fn runtime(self, control_plane: Handle) -> Self {
        Self {
            control_plane: Some(control_plane),
            ..self
        }
    }

    /// Bounds one exchange, retries included. Default: 10 s.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// How many tokens are held at most. Default: 100,000.
    pub fn capacity(self, entries: u64) -> Self {
        Self {
            capacity: entries,
            ..self
        }
    }

    /// Whether a token serves the subject's next JWT as well, until that one is exchanged. Default: yes.
    pub fn overlap(self, overlap: bool) -> Self {
        Self { overlap, ..self }
    }

    /// Takes over from `previous` the tokens that it holds, with its capacity, what it counted, and what it knows of the token
    /// endpoints. A token is found again by a caller whose identity and grant are the same.
    pub fn succeeding(self, previous: &Exchange) -> Self {
        Self {
            previous: Some(previous.clone()),
            ..self
        }
    }

    /// With the real token endpoint behind it.
    ///
    /// # Panics
    /// Outside a tokio runtime, unless [`runtime`](Self::runtime) was called.
    pub fn build(self) -> Exchange {
        let service = TokenExchange::new(self.http.clone(), self.clock.clone(), self.deadline);
        let service = match &self.previous {
            Some(previous) => service.succeeding(&previous.0.shared.service),
            None => service,
        };
        self.build_over(service)
    }

    /// With `exchange` behind it instead.
    ///
    /// # Panics
    /// Outside a tokio runtime, unless [`runtime`](Self::runtime) was called.
    pub fn build_over<S: ExchangeService>(self, exchange: S) -> Exchange<S> {
        let held = match &self.previous {
            Some(previous) => previous.0.shared.held.clone(),
            None => Held {
                cache: Cache::new(self.capacity, self.clock.clone()),
                renewals: Renewals::default(),
                counters: Arc::default(),
            },
        };
        Exchange::at(Arc::new(Shared {
            service: exchange,
            clock: self.clock,
            control_plane: self.control_plane.unwrap_or_else(Handle::current),
            deadline: self.deadline,
            overlap: self.overlap,
            held,
        }))
    }
}
