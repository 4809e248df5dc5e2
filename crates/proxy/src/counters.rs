use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;

/// What one worker has done. Written by that worker alone and read by whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections: Count,
    connections_total: Count,
    connections_refused: Count,
    in_flight: Count,
    by_class: [Count; 5],
    aborted: Count,
    passed_through: Count,
    request_bytes: Count,
    response_bytes: Count,
    latency: [Count; LATENCY_BUCKETS_SECONDS.len()],
    latency_over: Count,
    latency_nanos: Count,
    upstream_opened: Count,
    upstream_reused: Count,
    /// Only failing requests come here.
    failures: Mutex<BTreeMap<&'static str, u64>>,
}

/// One figure. As nobody else writes it, nothing comes between its reading and its writing, and no instruction has to lock the
/// memory for both.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

/// What the workers have done until now.
#[derive(Clone, Debug, Default)]
pub struct CountersSnapshot {
    /// Client connections now.
    pub connections: i64,
    /// Client connections since the start.
    pub connections_total: u64,
    /// Client connections that were closed at once, as their client had too many.
    pub connections_refused: u64,
    /// Requests now between their head and the end of their answer.
    pub in_flight: i64,
    /// Answers by the first digit of their status, 1 to 5.
    pub by_class: [u64; 5],
    /// Requests whose client left before the end of the answer.
    pub aborted: u64,
    /// Requests with a token of Databricks' own, passed on unjudged.
    pub passed_through: u64,
    /// Body bytes from clients.
    pub request_bytes: u64,
    /// Body bytes to clients.
    pub response_bytes: u64,
    /// Requests by the time to the head of their answer: a count for each of [`LATENCY_BUCKETS_SECONDS`], not cumulative.
    pub latency: [u64; LATENCY_BUCKETS_SECONDS.len()],
    /// Requests beyond the last bucket.
    pub latency_over: u64,
    /// The sum of all of these times.
    pub latency_sum: Duration,
    /// Connections opened to workspaces.
    pub upstream_opened: u64,
    /// Requests that found an idle connection.
    pub upstream_reused: u64,
    /// Answers made by the gateway, by reason.
    pub failures: BTreeMap<&'static str, u64>,
}

/// Upper bounds of the latency buckets, in seconds: from a cached token on loopback to a slow SQL statement.
pub const LATENCY_BUCKETS_SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0,
];

// === impl Counters ===

impl Counters {
    pub(crate) fn connection_opened(&self) {
        self.connections.add(1);
        self.connections_total.add(1);
    }

    pub(crate) fn connection_refused(&self) {
        self.connections_refused.add(1);
    }

    pub(crate) fn connection_closed(&self) {
        self.connections.take(1);
    }

    pub(crate) fn request_started(&self) {
        self.in_flight.add(1);
    }

    pub(crate) fn request_ended(&self, request_bytes: u64, response_bytes: u64, complete: bool) {
        self.in_flight.take(1);
        self.request_bytes.add(request_bytes);
        self.response_bytes.add(response_bytes);
        if !complete {
            self.aborted.add(1);
        }
    }

    pub(crate) fn answered(&self, status: StatusCode, after: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(count) = self.by_class.get(class) {
            count.add(1);
        }
        let seconds = after.as_secs_f64();
        let bucket = LATENCY_BUCKETS_SECONDS.iter().position(|bound| seconds <= *bound);
        bucket
            .and_then(|at| self.latency.get(at))
            .unwrap_or(&self.latency_over)
            .add(1);
        self.latency_nanos
            .add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn failed(&self, reason: &'static str) {
        *self
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(reason)
            .or_default() += 1;
    }

    pub(crate) fn passed_through(&self) {
        self.passed_through.add(1);
    }

    pub(crate) fn upstream_opened(&self) {
        self.upstream_opened.add(1);
    }

    pub(crate) fn upstream_reused(&self) {
        self.upstream_reused.add(1);
    }

    /// A reading. Its parts are read one after the other, so that they may differ by requests in between.
    pub(crate) fn read(&self) -> CountersSnapshot {
        CountersSnapshot {
            connections: self.connections.now(),
            connections_total: self.connections_total.total(),
            connections_refused: self.connections_refused.total(),
            in_flight: self.in_flight.now(),
            by_class: self.by_class.each_ref().map(Count::total),
            aborted: self.aborted.total(),
            passed_through: self.passed_through.total(),
            request_bytes: self.request_bytes.total(),
            response_bytes: self.response_bytes.total(),
            latency: self.latency.each_ref().map(Count::total),
            latency_over: self.latency_over.total(),
            latency_sum: Duration::from_nanos(self.latency_nanos.total()),
            upstream_opened: self.upstream_opened.total(),
            upstream_reused: self.upstream_reused.total(),
            failures: self
                .failures
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}

// === impl Count ===

impl Count {
    fn add(&self, more: u64) {
        self.0.store(self.total().wrapping_add(more), Relaxed);
    }

    /// How often it was asked before.
    pub(crate) fn next(&self) -> u64 {
        let before = self.total();
        self.add(1);
        before
    }

    /// Of what was added.
    fn take(&self, some: u64) {
        self.0.store(self.total().wrapping_sub(some), Relaxed);
    }

    fn total(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Of what comes and goes, and is little.
    fn now(&self) -> i64 {
        i64::try_from(self.total()).unwrap_or_default()
    }
}

// === impl CountersSnapshot ===

impl CountersSnapshot {
    /// The same for all workers together.
    #[must_use]
    pub(crate) fn plus(mut self, other: &Self) -> Self {
        self.connections += other.connections;
        self.connections_total += other.connections_total;
        self.connections_refused += other.connections_refused;
        self.in_flight += other.in_flight;
        self.aborted += other.aborted;
        self.passed_through += other.passed_through;
        self.request_bytes += other.request_bytes;
        self.response_bytes += other.response_bytes;
        self.latency_over += other.latency_over;
        self.latency_sum += other.latency_sum;
        self.upstream_opened += other.upstream_opened;
        self.upstream_reused += other.upstream_reused;
        self.by_class
            .iter_mut()
            .zip(other.by_class)
            .for_each(|(sum, count)| *sum += count);
        self.latency
            .iter_mut()
            .zip(other.latency)
            .for_each(|(sum, count)| *sum += count);
        for (reason, count) in &other.failures {
            *self.failures.entry(reason).or_default() += count;
        }
        self
    }
}
