use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

/// A line as a JSON object (RFC 8259), written member by member at the end of a buffer.
///
/// By hand, as there is one for every request: a serializer that looks at each byte of each name and value takes four
/// times as much. What has to be escaped, which is rare, is left to `serde_json`.
pub(super) struct Object<'a>(&'a mut Vec<u8>);

/// A member's name as it is written: with its quotes and its colon, and behind the comma that every member but the first has.
#[derive(Clone, Copy)]
pub(super) struct Member(pub(super) &'static str);

/// The [`Member`] of this name, which is ours, and plain.
macro_rules! member {
    ($name:literal) => {
        Member(concat!(",\"", $name, "\":"))
    };
}
pub(super) use member;

// === impl Object ===

impl<'a> Object<'a> {
    /// With what every line begins with.
    pub(super) fn begin(out: &'a mut Vec<u8>, timestamp: &str) -> Self {
        let mut object = Self(out);
        object.quoted(Member("{\"timestamp\":"), timestamp.as_bytes());
        object.0.extend_from_slice(SAME.as_bytes());
        object
    }

    pub(super) fn text(&mut self, name: Member, value: &str) {
        if is_plain(value) {
            self.quoted(name, value.as_bytes());
        } else {
            self.name(name);
            // A string into memory: this cannot fail.
            let _ = serde_json::to_writer(&mut *self.0, value);
        }
    }

    pub(super) fn text_if(&mut self, name: Member, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub(super) fn hex(&mut self, name: Member, digits: [u8; 32]) {
        self.quoted(name, &digits);
    }

    pub(super) fn address(&mut self, name: Member, address: SocketAddr) {
        self.name(name);
        // Into memory: this cannot fail.
        let _ = match address {
            SocketAddr::V4(address) => {
                let [a, b, c, d] = address.ip().octets();
                self.0.push(b'"');
                for octet in [a, b, c] {
                    self.digits(octet);
                    self.0.push(b'.');
                }
                self.digits(d);
                self.0.push(b':');
                self.digits(address.port());
                self.0.push(b'"');
                Ok(())
            }
            SocketAddr::V6(address) => write!(self.0, "\"{address}\""),
        };
    }

    pub(super) fn number(&mut self, name: Member, value: impl itoa::Integer) {
        self.name(name);
        self.digits(value);
    }

    pub(super) fn yes(&mut self, name: Member) {
        self.name(name);
        self.0.extend_from_slice(b"true");
    }

    /// To the microsecond.
    pub(super) fn milliseconds(&mut self, name: Member, duration: Option<Duration>) {
        let Some(duration) = duration else { return };
        // Of 64 bits, which last for longer than any request.
        let microseconds = duration.as_secs() * 1_000_000 + u64::from((duration.subsec_nanos() + 500) / 1000);
        self.number(name, microseconds / 1000);
        let digit = |unit| b'0' + u8::try_from(microseconds / unit % 10).unwrap_or_default();
        self.0.extend_from_slice(&[b'.', digit(100), digit(10), digit(1)]);
    }

    pub(super) fn end(self) {
        self.0.push(b'}');
    }

    /// `value` needs no escape.
    fn quoted(&mut self, name: Member, value: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(value);
        self.0.push(b'"');
    }

    fn name(&mut self, Member(name): Member) {
        self.0.extend_from_slice(name.as_bytes());
    }

    fn digits(&mut self, value: impl itoa::Integer) {
        self.0
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// What is the same in every line: [`LEVEL`](super::LEVEL) and [`TARGET`](super::TARGET).
const SAME: &str = ",\"level\":\"INFO\",\"target\":\"access\"";

/// RFC 8259 section 7: what may stand in a string as it is. Without a branch for each byte, the compiler takes many at once.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .fold(true, |all, byte| all & !matches!(byte, ..b' ' | b'"' | b'\\'))
}

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
            let mut object = Object::begin(&mut out, "now");
            object.text(member!("text"), &text);
            object.text_if(member!("absent"), None);
            object.address(member!("address"), address);
            object.number(member!("number"), number);
            object.milliseconds(member!("duration"), Some(Duration::from_micros(microseconds.into())));
            object.yes(member!("yes"));
            object.end();
            let read: Value = serde_json::from_slice(&out).expect("JSON");
            prop_assert_eq!(&read["text"], &Value::from(text));
            prop_assert_eq!(&read["address"], &Value::from(address.to_string()));
            prop_assert_eq!(&read["number"], &Value::from(number));
            let milliseconds = read["duration"].as_f64().expect("a number");
            prop_assert!((milliseconds * 1e3 - f64::from(microseconds)).abs() < 0.5);
            prop_assert_eq!(&read["yes"], &Value::from(true));
            prop_assert_eq!(read.as_object().map(serde_json::Map::len), Some(8));
        }
    }
}
