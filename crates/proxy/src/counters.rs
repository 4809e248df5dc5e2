use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;

/// What one worker has done. Written by that worker alone and read by whoever asks, so relaxed atomics never contend.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections: AtomicI64,
    connections_total: AtomicU64,
    connections_refused: AtomicU64,
    in_flight: AtomicI64,
    by_class: [AtomicU64; 5],
    aborted: AtomicU64,
    passed_through: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
    latency: [AtomicU64; LATENCY_BUCKETS_SECONDS.len()],
    latency_over: AtomicU64,
    latency_nanos: AtomicU64,
    upstream_opened: AtomicU64,
    upstream_reused: AtomicU64,
    /// Only failing requests come here.
    failures: Mutex<BTreeMap<&'static str, u64>>,
}

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
        self.connections.fetch_add(1, Relaxed);
        self.connections_total.fetch_add(1, Relaxed);
    }

    pub(crate) fn connection_refused(&self) {
        self.connections_refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn connection_closed(&self) {
        self.connections.fetch_sub(1, Relaxed);
    }

    pub(crate) fn request_started(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    pub(crate) fn request_ended(&self, request_bytes: u64, response_bytes: u64, complete: bool) {
        self.in_flight.fetch_sub(1, Relaxed);
        self.request_bytes.fetch_add(request_bytes, Relaxed);
        self.response_bytes.fetch_add(response_bytes, Relaxed);
        if !complete {
            self.aborted.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn answered(&self, status: StatusCode, after: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(count) = self.by_class.get(class) {
            count.fetch_add(1, Relaxed);
        }
        let seconds = after.as_secs_f64();
        let bucket = LATENCY_BUCKETS_SECONDS.iter().position(|bound| seconds <= *bound);
        bucket
            .and_then(|at| self.latency.get(at))
            .unwrap_or(&self.latency_over)
            .fetch_add(1, Relaxed);
        self.latency_nanos
            .fetch_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX), Relaxed);
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
        self.passed_through.fetch_add(1, Relaxed);
    }

    pub(crate) fn upstream_opened(&self) {
        self.upstream_opened.fetch_add(1, Relaxed);
    }

    pub(crate) fn upstream_reused(&self) {
        self.upstream_reused.fetch_add(1, Relaxed);
    }

    /// A reading. Its parts are read one after the other, so that they may differ by requests in between.
    pub(crate) fn read(&self) -> CountersSnapshot {
        CountersSnapshot {
            connections: self.connections.load(Relaxed),
            connections_total: self.connections_total.load(Relaxed),
            connections_refused: self.connections_refused.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            by_class: self.by_class.each_ref().map(|count| count.load(Relaxed)),
            aborted: self.aborted.load(Relaxed),
            passed_through: self.passed_through.load(Relaxed),
            request_bytes: self.request_bytes.load(Relaxed),
            response_bytes: self.response_bytes.load(Relaxed),
            latency: self.latency.each_ref().map(|count| count.load(Relaxed)),
            latency_over: self.latency_over.load(Relaxed),
            latency_sum: Duration::from_nanos(self.latency_nanos.load(Relaxed)),
            upstream_opened: self.upstream_opened.load(Relaxed),
            upstream_reused: self.upstream_reused.load(Relaxed),
            failures: self
                .failures
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
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
