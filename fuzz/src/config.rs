//! Whatever stands in a configuration file: a configuration that can be used, or faults that can be shown where they are.

use std::fs;
use std::str;
use std::sync::LazyLock;

use lakegate::config::{Config, Fault, Faults, Place};
use tempfile::TempDir;

/// Every fault is shown where it is; what is accepted means the same when it is read again, and nothing in it is ignored.
pub fn check(content: &[u8]) {
    // A file that a configuration names is read, and some of the system's have no end.
    if [&b"/dev"[..], b"/proc", b"/sys"]
        .iter()
        .any(|folder| holds(content, folder))
    {
        return;
    }
    match load(content) {
        Ok(config) => accepted(&config, str::from_utf8(content).expect("TOML is UTF-8")),
        Err(faults) => shown(&faults, content),
    }
}

fn accepted(config: &Config, text: &str) {
    assert!(!config.issuers.is_empty() && !config.workspaces.is_empty() && !config.server.listen.is_empty());
    let meaning = format!("{config:?}");
    for same in [text.to_owned(), format!("{text}\n# a comment\n")] {
        let again = load(same.as_bytes()).expect("it was accepted before");
        assert_eq!(format!("{again:?}"), meaning);
    }
    let text = text.trim_start_matches('\u{feff}');
    let faults = load(format!("unknown-key = 1\n{text}").as_bytes()).expect_err("an unknown key");
    assert_eq!(faults.list().len(), 1, "{faults}");
    assert_eq!(faults.list()[0].place, Place::File(0..11));
}

fn shown(faults: &Faults, content: &[u8]) {
    assert!(!faults.list().is_empty(), "refused without a fault");
    assert!(!faults.render(true).is_empty());
    let text = str::from_utf8(content).unwrap_or_default();
    for Fault { place, message, .. } in faults.list() {
        assert!(!message.is_empty());
        if let Place::File(span) = place {
            assert!(
                text.get(span.clone()).is_some(),
                "{message}: {span:?} of {} bytes",
                text.len()
            );
        }
    }
    let placed = faults
        .list()
        .iter()
        .filter(|fault| matches!(fault.place, Place::File(_)));
    let lines = faults.render(false).matches("lakegate.toml:").count();
    assert!(lines >= placed.count(), "a fault without its line:\n{faults}");
}

fn load(content: &[u8]) -> Result<Config, Faults> {
    let path = FOLDER.path().join("lakegate.toml");
    fs::write(&path, content).expect("a file");
    Config::load(&path)
}

fn holds(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

/// In memory where the system has such a place: the file is written thousands of times a second.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .expect("a folder")
});
