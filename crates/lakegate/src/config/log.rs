use std::fmt;
use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::fault::{Fault, Faults};
use super::folder::Folder;
use super::given::Given;
use super::raw;

/// `[log]`: what is written to standard output, one line per event and one per request.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// Which lines are written.
    pub level: Targets,
    /// In which form.
    pub format: LogFormat,
    /// How much they tell of who called.
    pub subjects: Subjects,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object.
    Json,
    /// Words for people.
    Text,
}

/// What a log line tells of the caller's `sub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subjects {
    /// The claim itself.
    Clear,
    /// A keyed hash: the same caller is recognisable, but not who it is.
    Hash(SubjectKey),
    /// Nothing.
    Off,
}

/// What subjects are hashed under. A secret: whoever has it can test a guess. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub enum SubjectKey {
    /// A random one of this process; after a restart, and in other replicas, hashes are others.
    Random,
    /// This one, from a file.
    Fixed(Vec<u8>),
}

impl Default for Log {
    /// - `level`: `info`. One line per request, and what an operator should know.
    /// - `format`: `text` where standard output is a terminal, `json` otherwise: for people, for machines.
    /// - `subjects`: `hash`. Subjects are often e-mail addresses, and logs travel far.
    /// - `subject_key`: random. Nothing to guard, until hashes must be comparable between replicas.
    fn default() -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            level: Targets::new().with_default(LevelFilter::INFO),
            format: if terminal {
                LogFormat::Text
            } else {
                LogFormat::Json
            },
            subjects: Subjects::Hash(SubjectKey::Random),
        }
    }
}

impl Log {
    pub(super) fn from_raw(raw: raw::Log, folder: &Folder, faults: &mut Faults) -> Self {
        let mut log = Self::default();
        raw.level.set(&mut log.level, faults, level);
        raw.format.set(&mut log.format, faults, format);
        raw.subjects.set(&mut log.subjects, faults, subjects);
        let chosen = log.subjects.clone();
        raw.subject_key
            .set(&mut log.subjects, faults, |given| match chosen {
                Subjects::Hash(_) => subject_key(given, folder).map(Subjects::Hash),
                _ => Err(given.fault("`subject_key` has no effect unless `subjects` is \"hash\"")),
            });
        log
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "Random",
            Self::Fixed(_) => "Fixed([redacted])",
        })
    }
}

/// `info`, or `warn,access=info`: a level for all, then others by target. Stricter than
/// `tracing-subscriber`, which takes a misspelt level for a target and falls silent.
fn level(given: &Given<String>) -> Result<Targets, Fault> {
    let mut targets = Targets::new();
    for directive in given.value.split(',').map(str::trim) {
        let (target, level) = directive
            .split_once('=')
            .map_or((None, directive), |(t, l)| (Some(t), l));
        let level = LEVELS
            .iter()
            .find(|(name, _)| *name == level)
            .map(|(_, filter)| *filter);
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        targets = match (target, level) {
            (None, Some(level)) => targets.with_default(level),
            (Some(target), Some(level)) if !target.is_empty() && target.chars().all(legal) => {
                targets.with_target(target, level)
            }
            _ => {
                let fault = given.fault(format!("`{directive}` is not a log level"));
                return Err(fault.help(
                    "error, warn, info, debug, trace or off; then others by target: warn,access=info",
                ));
            }
        };
    }
    Ok(targets)
}

fn format(given: &Given<String>) -> Result<LogFormat, Fault> {
    match given.value.as_str() {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        other => Err(given
            .fault(format!("`{other}` is not a log format"))
            .help("\"json\" or \"text\"")),
    }
}

fn subjects(given: &Given<String>) -> Result<Subjects, Fault> {
    match given.value.as_str() {
        "clear" => Ok(Subjects::Clear),
        "hash" => Ok(Subjects::Hash(SubjectKey::Random)),
        "off" => Ok(Subjects::Off),
        other => Err(given
            .fault(format!("`{other}` is no way to log subjects"))
            .help("\"clear\", \"hash\" or \"off\"")),
    }
}

/// RFC 2104 section 3: a key shorter than the hash's 32 bytes would weaken it.
fn subject_key(given: &Given<String>, folder: &Folder) -> Result<SubjectKey, Fault> {
    let (path, key) = folder.read(given)?;
    if key.len() < 32 {
        let fault = given.fault(format!("{} holds fewer than 32 bytes", path.display()));
        return Err(fault.help("fill it with random bytes: openssl rand -out FILE 32"));
    }
    Ok(SubjectKey::Fixed(key))
}

const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];
