/// The last `N` decimal digits of `value`, with the zeros before it.
pub(super) fn digits<const N: usize>(mut value: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit += (value % 10) as u8;
        value /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn zeros_stand_before_and_what_is_too_long_is_cut() {
        assert_eq!(digits(7), *b"7");
        assert_eq!(digits(42), *b"000042");
        assert_eq!(digits(1_999), *b"999");
    }
}
