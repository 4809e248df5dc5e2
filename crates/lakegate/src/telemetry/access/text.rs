use std::borrow::Cow;

/// A value that was not made here, as a line may have it: bounded, and without control characters.
#[derive(Debug)]
pub(super) enum Text<'a> {
    /// Printable ASCII of which JSON escapes nothing. Nearly every value is that.
    Plain(&'a [u8]),
    /// Anything else: to be escaped.
    Other(String),
}

/// Longer values are cut: a line must fit the eye and the collector's limit.
pub(super) const LONGEST_PATH: usize = 2_048;
pub(super) const LONGEST: usize = 256;

// === impl Text ===

impl<'a> Text<'a> {
    /// `value`, or its first `longest` characters.
    pub(super) fn of(value: &'a [u8], longest: usize) -> Self {
        if value.len() <= longest && is_plain(value) {
            return Self::Plain(value);
        }
        let text = String::from_utf8_lossy(value);
        let kept = text.chars().take(longest);
        Self::Other(
            kept.map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .collect(),
        )
    }

    /// A query may hold presigned signatures; the record should not have one, and the log never has.
    pub(super) fn of_path(path: &'a [u8]) -> Self {
        match Self::of(path, LONGEST_PATH) {
            // What is plain has no question mark either.
            Self::Other(_) => {
                let path = path.split(|&byte| byte == b'?').next().unwrap_or_default();
                Self::of(path, LONGEST_PATH)
            }
            plain @ Self::Plain(_) => plain,
        }
    }

    /// For whoever escapes what has to be.
    pub(super) fn as_str(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(value) => String::from_utf8_lossy(value),
            Self::Other(text) => text.into(),
        }
    }

    /// In quotes, with everything escaped that could break out of them or steer a terminal.
    pub(super) fn quoted(&self) -> String {
        format!("\"{}\"", self.as_str().escape_debug())
    }
}

/// Looked at in runs of one length, of which the compiler takes many bytes at once. The last may have bytes of the one before; what is
/// shorter than one is filled up.
fn is_plain(value: &[u8]) -> bool {
    if let Some(last) = value.last_chunk() {
        return value.as_chunks().0.iter().all(is_plain_run) && is_plain_run(last);
    }
    let mut run = [b' '; RUN];
    if let Some(start) = run.get_mut(..value.len()) {
        start.copy_from_slice(value);
    }
    is_plain_run(&run)
}

/// Counted, as that is done without a branch for each byte.
fn is_plain_run(run: &[u8; RUN]) -> bool {
    run.iter().map(|&byte| u8::from(!is_plain_byte(byte))).sum::<u8>() == 0
}

/// RFC 8259 section 7: what may stand in a string as it is, so neither `"` nor `\\`. Nor `?`, behind which a path is not for the log.
fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'!' | b'#'..=b'>' | b'@'..=b'[' | b']'..=b'~')
}

const RUN: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every byte, wherever it stands in a value that is shorter than a run, as long, or longer.
    #[test]
    fn only_what_json_does_not_escape_is_plain() {
        for length in [1, 7, RUN - 1, RUN, RUN + 1, 2 * RUN, 2 * RUN + 5] {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut value = vec![b'a'; length];
                    value[at] = byte;
                    let is_escaped = byte < b' ' || b"\"\\?\x7f".contains(&byte) || !byte.is_ascii();
                    let is_plain = matches!(Text::of(&value, length), Text::Plain(plain) if plain == value);
                    assert_ne!(is_plain, is_escaped, "{byte:#x} at {at} of {length}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_it_may_be_or_steers_a_terminal(value in any::<Vec<u8>>(), longest in 0..40_usize) {
            let text = Text::of(&value, longest);
            prop_assert!(text.as_str().chars().count() <= longest);
            prop_assert!(!text.as_str().chars().any(char::is_control));
        }
    }
}
