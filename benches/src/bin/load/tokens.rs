use std::cell::Cell;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use clap::Args;

/// Which tokens the requests bear.
#[derive(Args)]
pub(crate) struct Choice {
    /// A file with one token in each line.
    #[arg(long)]
    tokens: PathBuf,
    /// Leave out so many at its beginning.
    #[arg(long, default_value_t = 0)]
    skip: usize,
    /// Use no more than so many.
    #[arg(long, default_value_t = usize::MAX)]
    take: usize,
    /// Use each once, then stop.
    #[arg(long)]
    once: bool,
}

/// Tokens in turn.
pub(crate) struct Tokens {
    text: Vec<u8>,
    lines: Vec<Range<usize>>,
    next: Cell<usize>,
    once: bool,
}

// === impl Choice ===

impl Choice {
    pub(crate) fn open(&self) -> io::Result<Tokens> {
        let text = fs::read(&self.tokens)?;
        let mut start = 0;
        let lines = text.split(|byte| *byte == b'\n').map(|line| {
            let range = start..start + line.len();
            start = range.end + 1;
            range
        });
        let lines = lines.filter(|line| !line.is_empty());
        let lines: Vec<_> = lines.skip(self.skip).take(self.take).collect();
        if lines.is_empty() {
            return Err(io::Error::other("there are no tokens left"));
        }
        Ok(Tokens {
            text,
            lines,
            next: Cell::new(0),
            once: self.once,
        })
    }
}

// === impl Tokens ===

impl Tokens {
    /// `None` when each was used once and no more is wanted.
    pub(crate) fn next(&self) -> Option<&[u8]> {
        let turn = self.next.get();
        if self.once && turn >= self.lines.len() {
            return None;
        }
        self.next.set(turn + 1);
        let line = self.lines.get(turn % self.lines.len())?;
        self.text.get(line.clone())
    }
}
