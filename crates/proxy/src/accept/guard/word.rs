/// The few bytes of a request that decide where it ends: a field's name, a length, a coding, a version. Lower-case;
/// without the spaces around it; of fixed size, so that reading a head allocates nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    bytes: [u8; Self::ROOM],
    length: usize,
}

// === impl Word ===

impl Word {
    /// More than the longest word that is looked for, `transfer-encoding`, and than a `u64` in decimal.
    const ROOM: usize = 24;

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    /// One more byte. A word that outgrows its room is none of those that are looked for, and stays so.
    pub(super) fn push(&mut self, byte: u8) {
        if self.length == 0 && matches!(byte, b' ' | b'\t') {
            return;
        }
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte.to_ascii_lowercase();
        }
        self.length += 1;
    }

    /// [`push`](Self::push) for each of `bytes`, none of which is a space.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let places = self.bytes.get_mut(self.length..).unwrap_or_default();
        for (place, byte) in places.iter_mut().zip(bytes) {
            *place = byte.to_ascii_lowercase();
        }
        self.length += bytes.len();
    }

    /// The word, unless it has outgrown its room.
    pub(super) fn read(&self) -> Option<&[u8]> {
        let word = self.bytes.get(..self.length)?;
        let end = word.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
        word.get(..end.map_or(0, |last| last + 1))
    }

    /// RFC 9110 section 8.6: `1*DIGIT`, nothing before and nothing between.
    pub(super) fn decimal(&self) -> Option<u64> {
        let digits = self.read()?;
        let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(digits).ok().filter(|_| all)?.parse().ok()
    }
}
