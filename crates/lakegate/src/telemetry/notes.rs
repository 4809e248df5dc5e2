use super::access::{Note, Refused, Stamp};

/// What has been left for the log's thread, in the order in which it came.
///
/// Workers leave what has to be told, and that thread makes lines of it, many at a time. A line costs it about as much as it cost a
/// worker, but whoever asks does not wait for it, and a worker's caches keep what requests need.
#[derive(Debug, Default)]
pub(super) struct Notes {
    entries: Vec<Entry>,
    /// All their text, one behind the other.
    text: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    what: What,
    /// Bytes of text that are its own.
    length: usize,
}

/// What a line is to be made of.
#[derive(Debug)]
pub(super) enum What {
    /// Its text, which is a whole line.
    Line,
    /// A request that is over.
    Request(Note),
    /// A request that was never read.
    Refusal(Refused),
}

/// One of them.
#[derive(Debug)]
pub(super) struct Left<'a> {
    what: &'a What,
    text: &'a [u8],
}

// === impl Notes ===

impl Notes {
    /// One more, with its text.
    pub(super) fn add(&mut self, what: What, text: &[u8]) {
        self.text.extend_from_slice(text);
        let length = text.len();
        self.entries.push(Entry { what, length });
    }

    /// What they take, in bytes.
    pub(super) fn size(&self) -> usize {
        self.text.len() + self.entries.len() * size_of::<Entry>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes all of `later`, which keeps its room.
    pub(super) fn append(&mut self, later: &mut Self) {
        self.entries.append(&mut later.entries);
        self.text.append(&mut later.text);
    }

    /// Each of them, with its text.
    pub(super) fn lines(&self) -> impl Iterator<Item = Left<'_>> {
        let mut rest = self.text.as_slice();
        self.entries.iter().map(move |Entry { what, length }| {
            let (text, behind) = rest.split_at_checked(*length).unwrap_or_default();
            rest = behind;
            Left { what, text }
        })
    }

    /// Lets go of all, and of what is more room than `kept` bytes for either part.
    pub(super) fn clear(&mut self, kept: usize) {
        // A burst that lasts needs the room again at once.
        if self.size() <= kept {
            self.entries.shrink_to(kept / size_of::<Entry>());
            self.text.shrink_to(kept);
        }
        self.entries.clear();
        self.text.clear();
    }
}

// === impl Left ===

impl Left<'_> {
    /// Adds its line to `out`, with its end.
    pub(super) fn render(&self, stamp: &mut Stamp, out: &mut Vec<u8>) {
        match self.what {
            What::Line => out.extend_from_slice(self.text),
            What::Request(note) => note.render(self.text, stamp, out),
            What::Refusal(refused) => refused.render(stamp, out),
        }
    }
}
