use std::fs;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::given::Given;

/// Where relative paths of the configuration start: the configuration file's own folder, so that
/// it means the same wherever the gateway is started from.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder of this file.
    pub(crate) fn of(file: &Path) -> Self {
        Self(file.parent().map(Path::to_owned).unwrap_or_default())
    }

    /// The working folder, where flags are typed.
    pub(crate) fn working() -> Self {
        Self(PathBuf::new())
    }

    /// The file that a setting names, and what is in it.
    pub(crate) fn read(&self, given: &Given<String>) -> Result<(PathBuf, Vec<u8>), Fault> {
        let path = self.0.join(&given.value);
        match fs::read(&path) {
            Ok(content) => Ok((path, content)),
            Err(error) => Err(given.fault(format!("cannot read {}: {error}", path.display()))),
        }
    }
}
