use std::sync::Arc;
use std::time::Duration;

use crate::locked::Locked;

/// One way to misbehave instead of answering.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answer properly, but only after this long.
    Delay(Duration),
    /// Never answer; keep the connection open.
    Hang,
    /// Close with a TCP reset, without a byte.
    Reset,
    /// Write half of a response head, then close.
    HalfHead,
    /// Answer with these: status, headers, body.
    Answer(u16, Vec<(String, String)>, String),
    /// Answer 200 with a body of so many zero bytes, as fast as they are taken.
    Flood(u64),
    /// Promise a body by `Content-Length`, send half of it, then close.
    HalfBody,
    /// The proper answer, one byte each time this passes.
    Drip(Duration),
}

/// A switchboard of faults by path prefix; cheap to clone. Each rule is used up `times` times, first match wins.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Locked<Vec<Rule>>>);

#[derive(Debug)]
struct Rule {
    prefix: String,
    fault: Fault,
    times: usize,
}

// === impl Faults ===

impl Faults {
    /// The next `times` requests whose path starts with `prefix` get `fault`.
    pub fn inject(&self, prefix: &str, fault: Fault, times: usize) {
        self.0.lock().push(Rule {
            prefix: prefix.to_owned(),
            fault,
            times,
        });
    }

    /// Back to good behaviour.
    pub fn clear(&self) {
        self.0.lock().clear();
    }

    /// The fault that a request for `path` gets, used up once.
    pub(crate) fn take(&self, path: &str) -> Option<Fault> {
        let mut rules = self.0.lock();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.times > 0 && path.starts_with(&rule.prefix))?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }
}
