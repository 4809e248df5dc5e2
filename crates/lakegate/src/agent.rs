//! What `lakegate agent` has beyond the gateway: this machine's JWT, from a file or a command, and a Unix socket.

mod command;
mod file;
mod jwt;
mod socket;
mod tokens;

pub(crate) use command::Command;
pub(crate) use file::JwtFile;
pub(crate) use socket::SocketFile;
pub(crate) use tokens::Tokens;

use std::fmt;
use std::time::Duration;

/// Where this machine's JWT is had.
#[derive(Clone, Debug)]
pub(crate) enum MachineToken {
    /// In a file, where somebody else renews it.
    File(JwtFile),
    /// From a command, which is run for every new one.
    Command(Command),
}

// === impl MachineToken ===

impl MachineToken {
    /// Between two looks while there is no JWT: a file costs little, a command may ask half the world.
    fn pause(&self) -> Duration {
        match self {
            Self::File(_) => Duration::from_millis(200),
            Self::Command(_) => Duration::from_secs(1),
        }
    }
}

impl fmt::Display for MachineToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.path().display()),
            Self::Command(_) => f.write_str("the output of the token command"),
        }
    }
}
