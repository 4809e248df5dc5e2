use std::time::Duration;

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
    /// Promise a body by `Content-Length`, send half of it, then close.
    HalfBody,
    /// The proper answer, one byte each time this passes.
    Drip(Duration),
}

/// A switchboard of faults by path prefix; cheap to clone. Each rule is used up `times` times, first match wins.
#[derive(Clone, Debug, Default)]
pub struct Faults;

impl Faults {
    /// The next `times` requests whose path starts with `prefix` get `fault`.
    pub fn inject(&self, _prefix: &str, _fault: Fault, _times: usize) {
        todo!()
    }

    /// Back to good behaviour.
    pub fn clear(&self) {
        todo!()
    }
}
