use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::time::{Instant, timeout};

use crate::{AccessToken, ExchangeError};

/// An attempt that gave no token, and what that means for the next one.
#[derive(Debug)]
pub(super) struct Setback {
    pub(super) error: ExchangeError,
    /// The least time to wait before another attempt; `None`: there must not be one.
    pub(super) pause: Option<Duration>,
}

// === impl Setback ===

impl Setback {
    /// Another attempt would end the same way.
    pub(super) fn last(error: ExchangeError) -> Self {
        Self { error, pause: None }
    }

    /// Another attempt may succeed.
    pub(super) fn passing(error: ExchangeError) -> Self {
        Self {
            error,
            pause: Some(Duration::ZERO),
        }
    }

    /// The same, but there is no other attempt.
    pub(super) fn final_now(self) -> Self {
        Self { pause: None, ..self }
    }
}

/// Attempts until one succeeds, one is final, three have failed, or the next would start beyond the deadline.
///
/// The pauses are 100 to 200 ms and 500 ms to 1 s, after what the token endpoint asked for.
pub(super) async fn within<F, A>(deadline: Duration, attempt: F) -> Result<AccessToken, ExchangeError>
where
    F: FnMut() -> A,
    A: Future<Output = Result<AccessToken, Setback>>,
{
    let started = Instant::now();
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_factor(5.0)
        .with_jitter()
        .with_max_times(2);
    let attempts = attempt.retry(pauses).adjust(|setback: &Setback, pause| {
        let pause = setback.pause?.saturating_add(pause?);
        (pause < deadline.saturating_sub(started.elapsed())).then_some(pause)
    });
    match timeout(deadline, attempts).await {
        Ok(outcome) => outcome.map_err(|setback| setback.error),
        Err(_) => Err(ExchangeError::no_answer_within(deadline)),
    }
}

#[cfg(test)]
mod tests;
