use std::fmt::Write as _;

/// `N` unpredictable bytes in lower-case hexadecimal.
pub(crate) fn hex<const N: usize>() -> String {
    to_hex(&bytes::<N>())
}

/// A UUID of version 4 (RFC 9562 section 5.4), as it is.
pub(crate) fn uuid_bytes() -> [u8; 16] {
    let mut bits = u128::from_be_bytes(bytes());
    bits = bits & !(0xf << 76) | 0x4 << 76;
    bits = bits & !(0x3 << 62) | 0x2 << 62;
    bits.to_be_bytes()
}

/// A UUID of version 4 as text.
pub(crate) fn uuid() -> String {
    let digits = to_hex(&uuid_bytes());
    let mut uuid = String::with_capacity(36);
    for (position, digit) in digits.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        uuid.push(digit);
    }
    uuid
}

/// Lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's generator of random numbers works");
    bytes
}
