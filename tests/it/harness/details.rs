use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::Answer;

/// What `grpc-status-details-bin` says: a `google.rpc.Status` with an `ErrorInfo` and a `RequestInfo`.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) code: u64,
    pub(crate) message: String,
    pub(crate) reason: String,
    pub(crate) domain: String,
    pub(crate) request_id: String,
}

/// A field of a protobuf message: a number, or bytes that mean what the schema says.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Reads the status as any decoder would: in any order, by its numbers alone.
#[track_caller]
pub(crate) fn details(answer: &Answer) -> Details {
    let encoded = answer.header("grpc-status-details-bin");
    let status = STANDARD_NO_PAD.decode(encoded).expect("base64 without padding");
    let mut details = Details::default();
    for field in fields(&status) {
        match field {
            (1, Value::Number(code)) => details.code = code,
            (2, Value::Bytes(message)) => details.message = text(message),
            (3, Value::Bytes(any)) => details.read(any),
            (number, _) => panic!("google.rpc.Status has no field {number} of this kind"),
        }
    }
    details
}

impl Details {
    fn read(&mut self, any: &[u8]) {
        let fields_of_any = strings(any);
        let [kind, value] = &fields_of_any[..] else {
            panic!("google.protobuf.Any has a type and a value");
        };
        match (text(kind).as_str(), &strings(value)[..]) {
            ("type.googleapis.com/google.rpc.ErrorInfo", [reason, domain]) => {
                (self.reason, self.domain) = (text(reason), text(domain));
            }
            ("type.googleapis.com/google.rpc.RequestInfo", [request_id]) => {
                self.request_id = text(request_id);
            }
            (kind, _) => panic!("an unexpected {kind}"),
        }
    }
}

/// Fields 1, 2, … of a message that has nothing but strings.
fn strings(message: &[u8]) -> Vec<&[u8]> {
    let fields = fields(message).into_iter().zip(1..);
    fields
        .map(|(field, expected)| match field {
            (number, Value::Bytes(bytes)) if number == expected => bytes,
            (number, _) => panic!("field {number} where {expected} should be"),
        })
        .collect()
}

/// Protobuf's wire format: `VARINT` and `LEN` are all that is needed.
fn fields(mut message: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut message)),
            2 => {
                let length = usize::try_from(varint(&mut message)).expect("a length");
                let (bytes, rest) = message.split_at(length);
                message = rest;
                Value::Bytes(bytes)
            }
            kind => panic!("wire type {kind}"),
        };
        fields.push((tag >> 3, value));
    }
    fields
}

fn varint(message: &mut &[u8]) -> u64 {
    let length = message.iter().position(|byte| byte & 0x80 == 0).expect("an end") + 1;
    let (bytes, rest) = message.split_at(length);
    *message = rest;
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}
