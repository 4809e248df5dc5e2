use std::collections::HashSet;
use std::io::{self, BufRead};
use std::sync::{Mutex, PoisonError};

/// The beginning of every part of every credential that was used: what no log may hold.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Mutex<HashSet<[u8; BEGINNING]>>);

/// What a log holds that it may not.
#[derive(Debug, Default)]
pub(crate) struct Indiscretions {
    pub(crate) lines: u64,
    pub(crate) secrets: u64,
    pub(crate) panics: u64,
    /// Reports of the address sanitizer, or of its leak detection.
    pub(crate) sanitizer: u64,
}

// === impl Secrets ===

impl Secrets {
    /// Any part of a token is as bad as the whole.
    pub(crate) fn add(&self, token: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = token.split('.').map(str::as_bytes);
        known.extend(parts.filter_map(|part| part.first_chunk::<BEGINNING>().copied()));
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Reads a whole log.
    pub(crate) fn search(&self, mut log: impl BufRead) -> io::Result<Indiscretions> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Indiscretions::default();
        let mut line = Vec::new();
        while log.read_until(b'\n', &mut line)? > 0 {
            let held = |text: &[u8]| line.windows(text.len()).any(|window| window == text);
            let mut windows = line.array_windows::<BEGINNING>();
            found.lines += 1;
            found.secrets += u64::from(windows.any(|window| known.contains(window)));
            found.panics += u64::from(held(b"panicked"));
            found.sanitizer += u64::from(held(b"Sanitizer"));
            line.clear();
        }
        Ok(found)
    }
}

/// Long enough that no line holds one by chance.
const BEGINNING: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_of_a_token_is_found_wherever_it_stands() {
        let secrets = Secrets::default();
        secrets.add("eyJhbGciOiJFUzI1NiJ9x.eyJzdWIiOiJhbGljZSJ9x.c2lnbmF0dXJlLW9mLWFsaWNl");
        let log = b"fine\nbefore=c2lnbmF0dXJlLW9mLWFsaWNl&after\neyJzdWIiOiJhbGljZSJ9\nthread panicked\n\
            ==1==ERROR: AddressSanitizer: heap-use-after-free\n";
        let found = secrets.search(log.as_slice()).unwrap();
        let counts = (found.lines, found.secrets, found.panics, found.sanitizer);
        assert_eq!(counts, (5, 2, 1, 1));
    }
}
