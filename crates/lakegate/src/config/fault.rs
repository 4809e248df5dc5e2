use std::ops::Range;
use std::path::PathBuf;

/// One thing that is wrong with the configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it was given.
    pub place: Place,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// Where a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// These bytes of the configuration file.
    File(Range<usize>),
    /// This flag, or the environment variable that stands in for it.
    Flag(&'static str),
    /// Nowhere: something is missing, or the file could not be read at all.
    Whole,
}

/// Every fault of one run, in the order of the source, with what is needed to show them.
///
/// `Display` writes them as the compiler writes its errors: file, line, the line itself, a caret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    pub(super) source: Source,
    pub(super) list: Vec<Fault>,
}

/// What the configuration was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    File { path: PathBuf, text: String },
    Flags,
}

// === impl Fault ===

impl Fault {
    pub(crate) fn new(place: &Place, message: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }
}

// === impl Place ===

impl Place {
    fn start(&self) -> usize {
        match self {
            Self::File(span) => span.start,
            Self::Flag(_) => 0,
            Self::Whole => usize::MAX,
        }
    }
}

// === impl Faults ===

impl Faults {
    pub(super) fn of(source: Source) -> Self {
        Self {
            source,
            list: Vec::new(),
        }
    }

    /// The faults, in the order of the source.
    pub fn list(&self) -> &[Fault] {
        &self.list
    }

    pub(crate) fn record(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    /// The value, or a fault more.
    pub(crate) fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.record(fault)).ok()
    }

    /// `finished`, if there was nothing to complain about.
    pub(super) fn settle<T>(mut self, finished: Option<T>) -> Result<T, Self> {
        match finished {
            Some(finished) if self.list.is_empty() => Ok(finished),
            _ => {
                self.list.sort_by_key(|fault| fault.place.start());
                Err(self)
            }
        }
    }
}

impl std::error::Error for Faults {}
