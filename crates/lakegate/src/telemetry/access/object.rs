use std::io::Write as _;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use super::decimal::digits;
use super::text::Text;

/// A line as a JSON object (RFC 8259), written member by member at the end of a buffer.
///
/// By hand, as there is one for every request: a serializer that looks at each byte of each name and value takes many
/// times as much. What has to be escaped, which is rare, is left to `serde_json`.
pub(super) struct Object<'a>(&'a mut Vec<u8>);

/// A member's name as it is written: with its quotes and its colon, and behind the comma that every member but the first has.
///
/// Of a length that the compiler knows, so that a copy of it is two instructions.
#[derive(Clone, Copy)]
pub(super) struct Member<const N: usize>(pub(super) &'static [u8; N]);

/// The [`Member`] of this name, which is ours, and plain.
macro_rules! member {
    ($name:literal) => {{
        const NAME: &str = concat!(",\"", $name, "\":");
        const BYTES: &[u8; NAME.len()] = match NAME.as_bytes().first_chunk() {
            Some(bytes) => bytes,
            None => unreachable!(),
        };
        Member(BYTES)
    }};
}
pub(super) use member;

// === impl Object ===

impl<'a> Object<'a> {
    /// With what every line begins with.
    pub(super) fn begin(out: &'a mut Vec<u8>, timestamp: &[u8]) -> Self {
        let mut object = Self(out);
        object.quoted(Member(b"{\"timestamp\":"), timestamp);
        object.0.extend_from_slice(SAME);
        object
    }

    /// Members alone, which stand in an object that somebody else began.
    pub(super) fn within(out: &'a mut Vec<u8>) -> Self {
        Self(out)
    }

    /// Members that were written before: [`Object::within`].
    pub(super) fn members(&mut self, written: &[u8]) {
        self.0.extend_from_slice(written);
    }

    pub(super) fn text<const N: usize>(&mut self, name: Member<N>, value: &Text<'_>) {
        match value {
            Text::Plain(value) => self.quoted(name, value),
            Text::Other(value) => {
                self.name(name);
                // A string into memory: this cannot fail.
                let _ = serde_json::to_writer(&mut *self.0, value);
            }
        }
    }

    pub(super) fn text_if<const N: usize>(&mut self, name: Member<N>, value: Option<Text<'_>>) {
        if let Some(value) = value {
            self.text(name, &value);
        }
    }

    /// A word of ours, in which there is nothing to escape.
    pub(super) fn word<const N: usize>(&mut self, name: Member<N>, value: &'static str) {
        self.quoted(name, value.as_bytes());
    }

    pub(super) fn hex<const N: usize>(&mut self, name: Member<N>, digits: [u8; 32]) {
        self.quoted(name, &digits);
    }

    pub(super) fn address<const N: usize>(&mut self, name: Member<N>, address: SocketAddr) {
        self.name(name);
        match address {
            SocketAddr::V4(address) => self.address_v4(address),
            // Into memory: this cannot fail.
            SocketAddr::V6(address) => write!(self.0, "\"{address}\"").unwrap_or_default(),
        }
    }

    pub(super) fn number<const N: usize>(&mut self, name: Member<N>, value: u64) {
        self.name(name);
        self.decimal(value);
    }

    pub(super) fn yes<const N: usize>(&mut self, name: Member<N>) {
        self.name(name);
        self.0.extend_from_slice(b"true");
    }

    /// To the microsecond.
    pub(super) fn milliseconds<const N: usize>(&mut self, name: Member<N>, duration: Option<Duration>) {
        let Some(duration) = duration else { return };
        // Of 64 bits, which last for longer than any request.
        let microseconds = duration.as_secs() * 1_000_000 + u64::from((duration.subsec_nanos() + 500) / 1000);
        self.number(name, microseconds / 1000);
        self.0.push(b'.');
        self.0.extend_from_slice(&digits::<3>(microseconds % 1000));
    }

    pub(super) fn end(self) {
        self.0.push(b'}');
    }

    fn address_v4(&mut self, address: SocketAddrV4) {
        let [a, b, c, d] = address.ip().octets();
        self.0.push(b'"');
        for octet in [a, b, c] {
            self.decimal(octet.into());
            self.0.push(b'.');
        }
        self.decimal(d.into());
        self.0.push(b':');
        self.decimal(address.port().into());
        self.0.push(b'"');
    }

    /// `value` needs no escape.
    fn quoted<const N: usize>(&mut self, name: Member<N>, value: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(value);
        self.0.push(b'"');
    }

    fn name<const N: usize>(&mut self, Member(name): Member<N>) {
        self.0.extend_from_slice(name);
    }

    /// Most numbers of a line have one digit.
    fn decimal(&mut self, value: u64) {
        match value {
            0..10 => self.0.extend_from_slice(&digits::<1>(value)),
            _ => self
                .0
                .extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        }
    }
}

/// What is the same in every line: [`LEVEL`](super::LEVEL) and [`TARGET`](super::TARGET).
const SAME: &[u8; 33] = b",\"level\":\"INFO\",\"target\":\"access\"";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            text in any::<String>(),
            address in any::<SocketAddr>(),
            number in any::<u64>(),
            microseconds in any::<u32>(),
        ) {
            let mut out = Vec::new();
            let mut object = Object::begin(&mut out, b"now");
            object.text(member!("text"), &Text::of(text.as_bytes(), usize::MAX));
            object.text_if(member!("absent"), None);
            object.address(member!("address"), address);
            object.number(member!("number"), number);
            object.milliseconds(member!("duration"), Some(Duration::from_micros(microseconds.into())));
            object.yes(member!("yes"));
            object.word(member!("word"), "complete");
            object.end();
            let read: Value = serde_json::from_slice(&out).expect("JSON");
            let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
            prop_assert_eq!(&read["text"], &Value::from(text));
            prop_assert_eq!(&read["address"], &Value::from(address.to_string()));
            prop_assert_eq!(&read["number"], &Value::from(number));
            let milliseconds = read["duration"].as_f64().expect("a number");
            prop_assert!((milliseconds * 1e3 - f64::from(microseconds)).abs() < 0.5);
            prop_assert_eq!(&read["yes"], &Value::from(true));
            prop_assert_eq!(&read["word"], &Value::from("complete"));
            prop_assert_eq!(read.as_object().map(serde_json::Map::len), Some(9));
        }
    }
}
