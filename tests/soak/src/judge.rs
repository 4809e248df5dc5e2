use std::time::Duration;

use crate::director::Events;
use crate::explain::{KINDS, Kind};
use crate::process::Holdings;
use crate::secrets::Indiscretions;
use crate::tally::{Complaints, Sheet};

/// All that is known at the end.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) sheet: Sheet,
    /// Storms were to come, and these troubles never did.
    pub(crate) missed_troubles: Vec<String>,
    pub(crate) leaked_jwts: u64,
    pub(crate) strangers: u64,
    pub(crate) expired_tokens: u64,
    /// Token exchanges of the regulars, of the crowd, and fetches of keys.
    pub(crate) regular_exchanges: Bounded,
    pub(crate) crowd_exchanges: Bounded,
    pub(crate) key_fetches: Bounded,
    pub(crate) memory: Memory,
    pub(crate) start: Holdings,
    pub(crate) rest: Holdings,
    /// Before anybody came, and once everybody has left.
    pub(crate) gauges_at_start: Gauges,
    pub(crate) gauges: Gauges,
    /// `None`: a signal ended it.
    pub(crate) exit: Option<i32>,
    pub(crate) drained_in: Duration,
    pub(crate) log: Indiscretions,
    /// Parts of credentials that the log was searched for.
    pub(crate) secrets: usize,
    pub(crate) events: Events,
    pub(crate) took: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounded {
    pub(crate) count: u64,
    pub(crate) most: u64,
}

/// The most that the process held in the second and in the last third of the time; what the first third took was warming up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) first_third: u64,
    pub(crate) second_third: u64,
    pub(crate) last_third: u64,
    pub(crate) allowance: u64,
}

/// What the admin listener tells.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) client_connections: u64,
    pub(crate) requests_in_flight: u64,
    pub(crate) lost_log_lines: u64,
    pub(crate) reloads: u64,
    pub(crate) data_tasks: u64,
    pub(crate) control_tasks: u64,
}

/// An invariant that does not hold, and what was seen instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) invariant: &'static str,
    pub(crate) seen: String,
}

/// Every invariant that does not hold.
pub(crate) fn judge(findings: &Findings) -> Vec<Breach> {
    let groups = [
        callers(findings),
        upstream(findings),
        process(findings),
        end(findings),
        soak(findings),
    ];
    groups.into_iter().flatten().collect()
}

fn callers(findings: &Findings) -> Vec<Breach> {
    let Sheet {
        strays, unexplained, ..
    } = &findings.sheet;
    let none = |complaints: &Complaints| (complaints.count == 0, complaints.told());
    vec![
        hold("every answer belongs to its caller", none(strays)),
        hold("every failure is explained by the weather", none(unexplained)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn upstream(findings: &Findings) -> Vec<Breach> {
    let within = |bounded: Bounded| {
        let Bounded { count, most } = bounded;
        (count <= most, format!("{count} of {most} at most"))
    };
    [
        hold("no JWT reaches a workspace's API", none(findings.leaked_jwts)),
        hold(
            "no request reaches it without a token of its own",
            none(findings.strangers),
        ),
        hold(
            "no token reaches it past its expiry",
            none(findings.expired_tokens),
        ),
        hold(
            "exchanges of regular callers are bounded",
            within(findings.regular_exchanges),
        ),
        hold(
            "exchanges of the crowd are bounded",
            within(findings.crowd_exchanges),
        ),
        hold("fetches of keys are bounded", within(findings.key_fetches)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn process(findings: &Findings) -> Vec<Breach> {
    let Memory {
        second_third,
        last_third,
        allowance,
        ..
    } = findings.memory;
    let (rest, gauges) = (findings.rest, findings.gauges);
    let flat = last_third <= second_third + allowance && rest.resident <= second_third + allowance;
    let memory = format!(
        "{second_third} bytes, then {last_third}, {} at rest, with an allowance of {allowance}",
        rest.resident
    );
    let reloads = format!("{} of {}", gauges.reloads, findings.events.hangups);
    [
        hold("memory is flat", (flat, memory)),
        hold("no line of the log is lost", none(gauges.lost_log_lines)),
        hold(
            "every new configuration serves",
            (gauges.reloads == findings.events.hangups, reloads),
        ),
    ]
    .into_iter()
    .flatten()
    .chain(left((findings.start, findings.gauges_at_start), (rest, gauges)))
    .collect()
}

/// What there is more of once everybody has left than there was before anybody came. It may take a while to go.
pub(crate) fn left(
    (start, gauges_at_start): (Holdings, Gauges),
    (rest, gauges): (Holdings, Gauges),
) -> Vec<Breach> {
    let kept = |before: u64, after: u64, most: u64| {
        (
            after <= before + most,
            format!("{before} at the start, {after} at rest"),
        )
    };
    [
        hold("files are closed", kept(start.files, rest.files, KEPT_FILES)),
        hold(
            "no thread is left",
            kept(start.threads, rest.threads, KEPT_THREADS),
        ),
        hold("no task is left of a client", none(gauges.data_tasks)),
        hold(
            "no task is left of an exchange",
            kept(gauges_at_start.control_tasks, gauges.control_tasks, KEPT_FILES),
        ),
        hold("no client connection is left", none(gauges.client_connections)),
        hold("no request is left", none(gauges.requests_in_flight)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn end(findings: &Findings) -> Vec<Breach> {
    let log = &findings.log;
    let none = |lines: u64| (lines == 0, format!("{lines} lines"));
    let (exit, took) = (findings.exit, findings.drained_in);
    [
        hold(
            "it ends well on SIGTERM",
            (
                exit == Some(0),
                exit.map_or("by a signal".to_owned(), |code| code.to_string()),
            ),
        ),
        hold("it ends within its drain", (took <= DRAIN, format!("{took:?}"))),
        hold("the log holds no credential", none(log.secrets)),
        hold("nothing panics", none(log.panics)),
        hold("the sanitizer reports nothing", none(log.sanitizer)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A soak in which too little happened proves nothing.
fn soak(findings: &Findings) -> Vec<Breach> {
    let missed = findings.missed_troubles.join(", ");
    let mut breaches: Vec<_> = KINDS
        .into_iter()
        .filter(|&kind| kind != Kind::Refused)
        .filter_map(|kind| {
            let served = (findings.sheet.served(kind) > 0, format!("no {kind:?} was served"));
            hold("every kind of request is served", served)
        })
        .collect();
    breaches.extend(hold("every trouble comes", (missed.is_empty(), missed)));
    breaches.extend(hold(
        "requests are sent in fair weather and in foul",
        (
            findings.sheet.fair > 0 && findings.sheet.foul > 0,
            format!("{} and {}", findings.sheet.fair, findings.sheet.foul),
        ),
    ));
    breaches
}

fn none(count: u64) -> (bool, String) {
    (count == 0, count.to_string())
}

fn hold(invariant: &'static str, (holds, seen): (bool, String)) -> Option<Breach> {
    (!holds).then_some(Breach { invariant, seen })
}

/// Connections to the token endpoints and identity providers that the gateway's client for them may keep, each with its task.
const KEPT_FILES: u64 = 4;
/// The control plane looks at the configuration's and the certificate's files every two seconds, on threads that then rest for
/// one.
const KEPT_THREADS: u64 = 2;
/// `drain_delay`, `drain_timeout`, and what it takes to end.
const DRAIN: Duration = Duration::from_secs(13);

#[cfg(test)]
mod tests;
