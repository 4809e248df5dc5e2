//! The configuration, in two levels: what the user typed, and [`Config`], finished types
//! without a string that has a grammar.
//!
//! A file and the command line's flags go through the same conversion, which collects every fault
//! instead of stopping at the first. Each section is a module, with its defaults and their reasons
//! in its one `impl Default`.

mod admin;
mod agent;
mod change;
mod document;
mod exchange;
mod fault;
mod folder;
mod given;
mod grammar;
mod host;
mod issuer;
mod log;
mod outbound;
pub(crate) mod raw;
mod report;
mod server;
mod tls;
mod workspace;

use std::fs;
use std::path::Path;

pub use admin::Admin;
pub use agent::Agent;
pub(crate) use agent::UnixSocket;
pub(crate) use change::Change;
pub use exchange::Exchange;
pub use fault::{Fault, Faults, Place};
pub(crate) use given::{Given, Setting};
pub use host::HostName;
pub use log::{Log, LogFormat, SubjectKey, Subjects};
pub use outbound::{Authorities, Outbound};
pub use server::Server;
pub use tls::{ClientAuth, ClientCertificates, MinVersion, Tls};
pub use workspace::{Hosts, Workspace, WorkspaceName};

use fault::Source;
use folder::Folder;
use raw::Raw;

/// A finished configuration: everything was parsed, and every file that it names was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[admin]`; `None`: no admin listener.
    pub admin: Option<Admin>,
    /// Every `[[issuer]]`: at least one, none twice; of an agent, its one or none.
    pub issuers: Vec<identity::Issuer>,
    /// Every `[[workspace]]`: at least one, no name and no host twice.
    pub workspaces: Vec<Workspace>,
    /// `[exchange]`
    pub exchange: Exchange,
    /// `[outbound]`
    pub outbound: Outbound,
    /// `[log]`
    pub log: Log,
}

impl Config {
    /// Reads a configuration file, and the files that it names, relative to its own folder.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let text = fs::read_to_string(path);
        let source = |text| Source::File {
            path: path.to_owned(),
            text,
        };
        match text {
            Ok(text) => Self::parse(&text, &Folder::of(path), Faults::of(source(text.clone()))),
            Err(error) => {
                let mut faults = Faults::of(source(String::new()));
                faults.record(Fault::new(
                    &Place::Whole,
                    format!("cannot read the file: {error}"),
                ));
                Err(faults)
            }
        }
    }

    fn parse(text: &str, folder: &Folder, mut faults: Faults) -> Result<Self, Faults> {
        match Raw::read(text, &mut faults) {
            Some(raw) => Self::from_raw(raw, folder, faults),
            None => faults.settle(None),
        }
    }

    /// Neither a file nor flags.
    pub(crate) fn absent() -> Faults {
        let mut faults = Faults::of(Source::Flags);
        let fault = Fault::new(&Place::Whole, "there is no configuration");
        faults.record(
            fault.help("give --config FILE or, for one workspace, --workspace, --issuer and --audience"),
        );
        faults
    }

    /// What flags say; paths are relative to the working folder.
    pub(crate) fn from_flags(raw: Raw) -> Result<Self, Faults> {
        Self::from_raw(raw, &Folder::working(), Faults::of(Source::Flags))
    }

    fn from_raw(raw: Raw, folder: &Folder, mut faults: Faults) -> Result<Self, Faults> {
        let found = &mut faults;
        let server = Server::from_raw(raw.server, folder, found);
        let admin = raw.admin.map(|admin| Admin::from_raw(admin, &server, found));
        let issuers = issuer::issuers(raw.issuers, folder, found);
        let workspaces = workspace::workspaces(raw.workspaces, found);
        let exchange = Exchange::from_raw(raw.exchange, found);
        let outbound = Outbound::from_raw(raw.outbound, folder, found);
        let log = Log::from_raw(raw.log, folder, found);
        let finished = issuers.zip(workspaces).map(|(issuers, workspaces)| Self {
            server,
            admin,
            issuers,
            workspaces,
            exchange,
            outbound,
            log,
        });
        faults.settle(finished)
    }
}

#[cfg(test)]
mod tests;
