use std::fmt;

use exchange::{EndpointHealth, ExchangeStats};
use identity::IssuerHealth;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use proxy::{CountersSnapshot, LATENCY_BUCKETS_SECONDS};

use crate::serving::Health;

/// `OpenMetrics` 1.0 text, which is what the encoder writes.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The whole page. Nothing is counted here: the counters are read where they are kept, at each scrape.
pub(super) fn render(health: &Health) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("lakegate");
    registry.register_collector(Box::new(Reading {
        ready: health.readiness().is_ready(),
        tasks: health.tasks(),
        requests: health.counters(),
        exchange: health.exchange(),
        token_endpoints: health.token_endpoints(),
        issuers: health.issuers(),
        certificate_renewals: health.certificate_renewals(),
        reloads: health.reloads(),
        faulty_configuration: health.faulty_configuration().is_some(),
        lost_log_lines: health.lost_log_lines(),
    }));
    let mut page = String::new();
    encode(&mut page, &registry)?;
    Ok(page)
}

/// Everything, at one moment. Labels come from closed sets: classes, reasons, and the issuers of the configuration.
#[derive(Debug)]
struct Reading {
    ready: bool,
    tasks: (usize, usize),
    requests: CountersSnapshot,
    exchange: ExchangeStats,
    token_endpoints: Vec<EndpointHealth>,
    issuers: Vec<IssuerHealth>,
    certificate_renewals: (u64, u64),
    reloads: (u64, u64),
    faulty_configuration: bool,
    lost_log_lines: u64,
}

impl Collector for Reading {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        page.gauge(
            "ready",
            "1 when the gateway is ready for callers",
            i64::from(self.ready),
        )?;
        page.counter(
            "log_lines_lost",
            "Lines of the log that came faster than they could be written",
            self.lost_log_lines,
        )?;
        tasks(&mut page, self.tasks)?;
        requests(&mut page, &self.requests)?;
        upstream(&mut page, &self.requests)?;
        exchanges(&mut page, &self.exchange)?;
        token_endpoints(&mut page, &self.token_endpoints)?;
        certificates(&mut page, self.certificate_renewals)?;
        configuration(&mut page, self.reloads, self.faulty_configuration)?;
        issuers(&mut page, &self.issuers)
    }
}

fn tasks(page: &mut Page<'_>, (data, control): (usize, usize)) -> fmt::Result {
    let gauge = |tasks| i64::try_from(tasks).unwrap_or(i64::MAX);
    page.gauges(
        "tasks",
        "Tasks now: of workers, for connections and what is on them; and of the control plane, for exchanges and upkeep",
        "plane",
        [("data", gauge(data)), ("control", gauge(control))],
    )
}

fn requests(page: &mut Page<'_>, read: &CountersSnapshot) -> fmt::Result {
    page.gauge(
        "client_connections",
        "Connections from clients now",
        read.connections,
    )?;
    page.counter(
        "client_connections",
        "Connections from clients",
        read.connections_total,
    )?;
    page.counter(
        "client_connections_refused",
        "Connections closed at once, as their client had too many",
        read.connections_refused,
    )?;
    page.gauge(
        "requests_in_flight",
        "Requests between their head and the end of their answer",
        read.in_flight,
    )?;
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(read.by_class);
    page.counters(
        "requests",
        "Requests by the class of their answer's status",
        "class",
        classes,
    )?;
    page.counter(
        "requests_passed_through",
        "Requests with a token of Databricks' own, passed on unjudged",
        read.passed_through,
    )?;
    let failures = read.failures.iter().map(|(reason, count)| (*reason, *count));
    page.counters(
        "gateway_failures",
        "Answers that the gateway made itself, by reason",
        "reason",
        failures,
    )?;
    page.counter(
        "requests_aborted",
        "Requests whose client left before the end of the answer",
        read.aborted,
    )?;
    page.counter(
        "request_body_bytes",
        "Body bytes from clients",
        read.request_bytes,
    )?;
    page.counter(
        "response_body_bytes",
        "Body bytes to clients",
        read.response_bytes,
    )?;
    page.histogram(
        "answer_seconds",
        "From a request's head to its answer's head",
        read,
    )
}

fn upstream(page: &mut Page<'_>, read: &CountersSnapshot) -> fmt::Result {
    page.counter(
        "upstream_connections_opened",
        "Connections opened to workspaces",
        read.upstream_opened,
    )?;
    page.counter(
        "upstream_connections_reused",
        "Requests that found an idle connection",
        read.upstream_reused,
    )
}

fn exchanges(page: &mut Page<'_>, read: &ExchangeStats) -> fmt::Result {
    let lookups = [("hit", read.hits), ("miss", read.misses)];
    page.counters(
        "token_lookups",
        "Look-ups of a Databricks token in the cache",
        "result",
        lookups,
    )?;
    let outcomes = [
        ("granted", read.granted),
        ("denied", read.denied),
        ("failed", read.failed),
    ];
    page.counters(
        "token_exchanges",
        "Token exchanges by outcome",
        "outcome",
        outcomes,
    )?;
    let renewals = [("rotated", read.overlapped), ("refused", read.refused)];
    page.counters(
        "token_renewals",
        "Tokens exchanged anew before their end: for a renewed JWT in the background, or because a workspace refused them",
        "reason",
        renewals,
    )?;
    page.seconds(
        "token_exchange",
        "Time spent in token exchanges",
        read.exchange_time.as_secs_f64(),
    )?;
    let entries = i64::try_from(read.entries).unwrap_or(i64::MAX);
    page.gauge(
        "token_cache_entries",
        "Tokens and remembered failures held now",
        entries,
    )
}

fn token_endpoints(page: &mut Page<'_>, read: &[EndpointHealth]) -> fmt::Result {
    let open = read
        .iter()
        .map(|health| (health.endpoint.as_str(), i64::from(health.open)));
    page.gauges(
        "token_endpoint_down",
        "1 while a token endpoint has failed so often in a row that it is asked once a second only",
        "endpoint",
        open,
    )?;
    let withheld = read
        .iter()
        .map(|health| (health.endpoint.as_str(), health.withheld));
    page.counters(
        "token_endpoint_calls_withheld",
        "Calls that were not made, because the token endpoint was down or had asked for a pause",
        "endpoint",
        withheld,
    )
}

fn certificates(page: &mut Page<'_>, (renewed, refused): (u64, u64)) -> fmt::Result {
    page.counters(
        "certificate_renewals",
        "New certificate files of the listeners: taken into use, or refused while the old ones stayed",
        "outcome",
        [("renewed", renewed), ("refused", refused)],
    )
}

fn configuration(page: &mut Page<'_>, (applied, refused): (u64, u64), faulty: bool) -> fmt::Result {
    page.counters(
        "configuration_reloads",
        "New configurations: taken into use, or refused while the one before stayed",
        "outcome",
        [("applied", applied), ("refused", refused)],
    )?;
    page.gauge(
        "configuration_faulty",
        "1 while the configuration as it is now cannot be used, and the one before serves",
        i64::from(faulty),
    )
}

fn issuers(page: &mut Page<'_>, read: &[IssuerHealth]) -> fmt::Result {
    let each = |value: fn(&IssuerHealth) -> Option<f64>| {
        read.iter()
            .filter_map(move |issuer| Some((issuer.issuer.as_str(), value(issuer)?)))
            .collect::<Vec<_>>()
    };
    let age = each(|issuer| issuer.age.map(|age| age.as_secs_f64()));
    page.gauges(
        "jwks_age_seconds",
        "Time since an issuer's keys were fetched or confirmed",
        "issuer",
        age,
    )?;
    #[expect(clippy::cast_precision_loss, reason = "a key set has a hundred keys at most")]
    let keys = each(|issuer| Some(issuer.keys as f64));
    page.gauges("jwks_keys", "Usable keys of an issuer", "issuer", keys)?;
    let count = |value: fn(&IssuerHealth) -> u64| {
        read.iter()
            .map(move |issuer| (issuer.issuer.as_str(), value(issuer)))
            .collect::<Vec<_>>()
    };
    page.counters(
        "jwks_fetches",
        "Fetches of an issuer's keys",
        "issuer",
        count(|issuer| issuer.fetches),
    )?;
    page.counters(
        "jwks_fetch_failures",
        "Fetches that failed",
        "issuer",
        count(|issuer| issuer.failures),
    )
}

/// One metric after the other.
struct Page<'a>(DescriptorEncoder<'a>);

// === impl Page ===

impl Page<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let unit = prometheus_client::registry::Unit::Seconds;
        ConstCounter::new(value).encode(self.0.encode_descriptor(
            name,
            help,
            Some(&unit),
            MetricType::Counter,
        )?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: i64) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (&'l str, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (value, count) in values {
            ConstCounter::new(count).encode(metric.encode_family(&[(label, value)])?)?;
        }
        Ok(())
    }

    fn gauges<'l, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (&'l str, V)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (value, gauge) in values {
            ConstGauge::new(gauge).encode(metric.encode_family(&[(label, value)])?)?;
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, help: &str, read: &CountersSnapshot) -> fmt::Result {
        let bounded = LATENCY_BUCKETS_SECONDS.into_iter().zip(read.latency);
        let buckets: Vec<(f64, u64)> = bounded.chain([(f64::INFINITY, read.latency_over)]).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Histogram)?;
        metric.encode_histogram::<[(&str, &str); 0]>(read.latency_sum.as_secs_f64(), count, &buckets, None)
    }
}
