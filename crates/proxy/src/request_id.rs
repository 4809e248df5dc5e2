use std::fmt;

use http::HeaderValue;

/// Names one request in the answer, in the log, and to the people who have to bring the two together: 128 bits in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u128);

// === impl RequestId ===

impl RequestId {
    /// From 128 bits that no other request has.
    pub fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// As everybody reads it: 32 lower-case digits. Written with every line of the log, so without `fmt`.
    pub fn digits(self) -> [u8; 32] {
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0.to_be_bytes()) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
            }
        }
        digits
    }

    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_bytes(&self.digits()).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn the_digits_of_the_log_are_those_of_the_answer() {
        for bits in [0, 9, 10, 0xabc, 0x0123_4567_89ab_cdef << 64, u128::MAX] {
            let id = RequestId::new(bits);
            assert_eq!(id.digits(), id.to_string().as_bytes());
            assert_eq!(id.header(), id.to_string());
        }
    }
}
