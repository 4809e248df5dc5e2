use memchr::memchr_iter;

use crate::forward::h1::fault::Fault;

/// The lines of a head, the empty one that ends it among them. They are looked for once: that the head has come whole, how long it
/// is, how many fields it has and where each of them stands is all found out by the same search.
pub(super) struct Lines {
    /// Where each ends, behind its line feed.
    ends: [usize; MOST_LINES],
    count: usize,
}

impl Lines {
    /// Of nothing yet.
    pub(super) fn none() -> Self {
        Self {
            ends: [0; MOST_LINES],
            count: 0,
        }
    }

    /// Looks for them at the front of `unread`, and says whether all have come.
    ///
    /// # Errors
    /// When there are more than a head may have.
    pub(super) fn find(&mut self, unread: &[u8]) -> Result<bool, Fault> {
        for feed in memchr_iter(b'\n', unread) {
            let place = self.ends.get_mut(self.count).ok_or(Fault::HeadTooLarge)?;
            *place = feed + 1;
            self.count += 1;
            let come = unread.get(..=feed).unwrap_or_default();
            if come.ends_with(b"\r\n\r\n") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Of the whole head.
    pub(super) fn length(&self) -> usize {
        self.known().last().copied().unwrap_or_default()
    }

    /// How many there are between the first and the last.
    pub(super) fn fields(&self) -> usize {
        self.count.saturating_sub(2)
    }

    /// Those of `text`, which is this head, without their ends; but not the empty one.
    pub(super) fn within<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut start = 0;
        self.known().iter().take(self.fields() + 1).map(move |&end| {
            let line = text.get(start..end).unwrap_or_default();
            start = end;
            without_end(line)
        })
    }

    fn known(&self) -> &[usize] {
        self.ends.get(..self.count).unwrap_or_default()
    }
}

/// Within a head, a line feed alone ends a line as well (RFC 9112 section 2.2).
fn without_end(line: &[u8]) -> &[u8] {
    match line {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line,
        _ => line,
    }
}

/// With a hundred fields, the status line and the empty one.
const MOST_LINES: usize = super::MOST_FIELDS + 2;
