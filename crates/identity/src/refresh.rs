use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::fetch::{FETCH_TIMEOUT, FetchError, FetchKeys, Fetched};
use crate::keys::{Progress, RefreshedKeys, Shared};

/// When keys are fetched again, if the server does not say.
const PERIOD: Duration = Duration::from_mins(10);

/// However short or long the server's `max-age`, keys are not fetched more often or less often than this.
const SHORTEST_PERIOD: Duration = Duration::from_mins(1);
const LONGEST_PERIOD: Duration = Duration::from_hours(24);

/// Between attempts while there are no keys at all: nobody is served, so recovery must be quick.
const COLD_PAUSE: Duration = Duration::from_secs(1);

/// Between attempts while the last good keys serve: doubling from the one to the other.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long fetches may fail before the last good keys are dropped: longer than any outage that people
/// sleep through, and an end to keys that nobody confirms.
const PATIENCE: Duration = Duration::from_hours(24);

/// Keeps the keys of one issuer fresh.
pub(crate) struct Refresher<F> {
    issuer: Arc<str>,
    source: F,
    shared: Arc<Shared>,
    progress: watch::Sender<Progress>,
    refetch_interval: Duration,
    /// After the next attempt, should it fail as well.
    pause: Duration,
}

impl<F: FetchKeys> Refresher<F> {
    /// The refresher, and the handle for those who verify. `refetch_interval` spaces out the fetches that
    /// unknown `kid`s cause; those of the timetable do not count.
    pub(crate) fn new(issuer: Arc<str>, source: F, refetch_interval: Duration) -> (Self, RefreshedKeys) {
        let (sender, receiver) = watch::channel(Progress::default());
        let shared = Arc::new(Shared::default());
        let handle = RefreshedKeys {
            shared: Arc::clone(&shared),
            progress: receiver,
        };
        (
            Self {
                issuer,
                source,
                shared,
                progress: sender,
                refetch_interval,
                pause: FIRST_PAUSE,
            },
            handle,
        )
    }

    /// The same, with the keys that `previous` has by now, and with what it knows of their server: whoever comes before the first
    /// fetch is served as before.
    pub(crate) fn taking_over(
        issuer: Arc<str>,
        source: F,
        refetch_interval: Duration,
        previous: &RefreshedKeys,
    ) -> (Self, RefreshedKeys) {
        let (refresher, handle) = Self::new(issuer, source, refetch_interval);
        refresher.shared.set.store(previous.shared.set.load_full());
        let known = previous.progress.borrow().clone().taken_over();
        refresher.progress.send_replace(known);
        (refresher, handle)
    }

    /// Fetches at once and then for ever; ends when the last handle is dropped.
    pub(crate) async fn run(mut self) {
        let progress = self.progress.clone();
        tokio::select! {
            () = progress.closed() => {}
            () = self.refresh() => {}
        }
    }

    async fn refresh(&mut self) {
        loop {
            let pause = self.attempt().await;
            tokio::select! {
                () = sleep(shortened(pause)) => {}
                () = self.asked() => {}
            }
        }
    }

    /// One fetch, and how long to pause after it.
    async fn attempt(&mut self) -> Duration {
        self.progress.send_modify(|progress| progress.fetching = true);
        let fetched = timeout(FETCH_TIMEOUT, self.source.fetch()).await;
        match fetched.unwrap_or(Err(FetchError::Timeout)) {
            Ok(fetched) => self.succeed(fetched),
            Err(error) => self.fail(&error),
        }
    }

    fn succeed(&mut self, Fetched { keys, max_age }: Fetched) -> Duration {
        let previous = self.shared.set.load_full();
        let keys = Arc::new(match &previous {
            Some(previous) => keys.succeeding(previous),
            None => keys,
        });
        let recovered = self.progress.borrow().failing_since.is_some();
        self.pause = FIRST_PAUSE;
        if previous.is_none() || recovered {
            tracing::info!(issuer = %self.issuer, keys = keys.len(), "keys fetched");
        }
        // First the new set, then the end of the old keys: nobody finds a key that is already withdrawn.
        self.shared.set.store(Some(Arc::clone(&keys)));
        if let Some(previous) = previous {
            previous.withdraw_all_but(Some(&keys));
        }
        self.report(|progress| {
            progress.fetched_at = Some(Instant::now());
            progress.last_error = None;
            progress.failing_since = None;
        });
        max_age.unwrap_or(PERIOD).clamp(SHORTEST_PERIOD, LONGEST_PERIOD)
    }

    fn fail(&mut self, error: &FetchError) -> Duration {
        let error = error.chain();
        let since = self.failing_since(&error);
        if since.elapsed() >= PATIENCE {
            self.drop_keys();
        }
        let cold = self.shared.set.load().is_none();
        self.report(|progress| {
            progress.failures += 1;
            progress.last_error = Some(error);
            progress.failing_since = Some(since);
            progress.fetched_at = progress.fetched_at.filter(|_| !cold);
        });
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        if cold { COLD_PAUSE } else { pause }
    }

    /// Says so once per outage, not at every attempt.
    fn failing_since(&self, error: &str) -> Instant {
        let since = self.progress.borrow().failing_since;
        if let Some(since) = since {
            tracing::debug!(issuer = %self.issuer, error, "keys still cannot be fetched");
            since
        } else {
            tracing::warn!(issuer = %self.issuer, error, "keys cannot be fetched");
            Instant::now()
        }
    }

    fn drop_keys(&self) {
        if let Some(keys) = self.shared.set.swap(None) {
            tracing::error!(issuer = %self.issuer, "the last good keys were dropped: nothing confirmed them for too long");
            keys.withdraw_all_but(None);
        }
    }

    fn report(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(|progress| {
            progress.fetching = false;
            progress.fetches += 1;
            change(progress);
        });
    }

    /// Resolves when somebody asks for fresher keys and may have them.
    async fn asked(&self) {
        loop {
            self.shared.ask.notified().await;
            let now = Instant::now();
            let too_soon = self.progress.borrow().refetch_from.is_some_and(|from| now < from);
            if !too_soon {
                self.progress
                    .send_modify(|progress| progress.refetch_from = Some(now + self.refetch_interval));
                return;
            }
        }
    }
}

/// Up to a tenth shorter, so that many gateways do not all fetch at the same moment.
fn shortened(pause: Duration) -> Duration {
    let mut random = [0];
    // Without randomness the timetable is merely regular.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let [random] = random;
    pause.mul_f64(1.0 - f64::from(random) / f64::from(u8::MAX) / 10.0)
}

#[cfg(test)]
mod tests;
