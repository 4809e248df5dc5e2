//! `google.rpc.Status` and the two details that the gateway gives, in protobuf's wire format: a handful of strings, for
//! which a code generator would be much.

/// What stands in a status beside its code and its message.
pub(super) enum Detail<'a> {
    /// `google.rpc.ErrorInfo`: what went wrong, for machines, and who says so.
    ErrorInfo { reason: &'a str, domain: &'a str },
    /// `google.rpc.RequestInfo`: which request it was.
    RequestInfo { request_id: &'a str },
}

/// `google.rpc.Status`: `code` (1), `message` (2), `details` (3), each of them a `google.protobuf.Any`.
pub(super) fn encode(code: u16, message: &str, details: &[Detail<'_>]) -> Vec<u8> {
    let mut status = vec![1 << 3];
    varint(&mut status, code.into());
    bytes(&mut status, 2, message.as_bytes());
    for detail in details {
        bytes(&mut status, 3, &detail.any());
    }
    status
}

impl Detail<'_> {
    /// `google.protobuf.Any`: `type_url` (1), `value` (2).
    fn any(&self) -> Vec<u8> {
        let mut value = Vec::new();
        let kind = match self {
            Self::ErrorInfo { reason, domain } => {
                bytes(&mut value, 1, reason.as_bytes());
                bytes(&mut value, 2, domain.as_bytes());
                "type.googleapis.com/google.rpc.ErrorInfo"
            }
            Self::RequestInfo { request_id } => {
                bytes(&mut value, 1, request_id.as_bytes());
                "type.googleapis.com/google.rpc.RequestInfo"
            }
        };
        let mut any = Vec::new();
        bytes(&mut any, 1, kind.as_bytes());
        bytes(&mut any, 2, &value);
        any
    }
}

/// A field of the wire type `LEN`: strings, bytes and messages.
fn bytes(message: &mut Vec<u8>, field: u8, content: &[u8]) {
    message.push(field << 3 | 2);
    varint(message, content.len() as u64);
    message.extend_from_slice(content);
}

/// Seven bits a byte, the least significant first; the eighth says that there are more.
fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        message.push(low(number) | 0x80);
        number >>= 7;
    }
    message.push(low(number));
}

fn low(number: u64) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}
