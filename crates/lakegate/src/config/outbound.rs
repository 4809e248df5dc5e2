use std::path::PathBuf;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::fault::{Fault, Faults};
use super::folder::Folder;
use super::given::Given;
use super::{grammar, raw, tls};

/// `[outbound]`: every connection that the gateway makes: workspaces, token endpoints, identity providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Certificate authorities that are trusted beside the machine's own.
    pub ca: Option<Authorities>,
    /// How long TCP and TLS may take to connect.
    pub connect_timeout: Duration,
    /// How long a workspace may take from the end of a request to the head of its response; `None`: for ever.
    pub first_byte_timeout: Option<Duration>,
    /// How long the body of a response may stand still; `None`: for ever.
    pub body_idle_timeout: Option<Duration>,
    /// How long an unused connection is kept.
    pub pool_idle_timeout: Duration,
}

/// Certificate authorities of a PEM file; each can anchor a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorities {
    /// The file.
    pub path: PathBuf,
    /// Its certificates.
    pub roots: Vec<CertificateDer<'static>>,
}

impl Default for Outbound {
    /// - `ca`: none. The machine's own authorities are trusted either way.
    /// - `connect_timeout`: 5 s. Two lost packets, not three.
    /// - `first_byte_timeout`: 300 s. SQL statements and model calls think for minutes.
    /// - `body_idle_timeout`: 300 s. Event and model streams send something at least that often; a stream that moves,
    ///   in either direction, lasts for ever.
    /// - `pool_idle_timeout`: 30 s. Below the 60 s of common load balancers, so that we close first and
    ///   never send a request into a connection that is being closed.
    fn default() -> Self {
        Self {
            ca: None,
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Some(Duration::from_secs(300)),
            body_idle_timeout: Some(Duration::from_secs(300)),
            pool_idle_timeout: Duration::from_secs(30),
        }
    }
}

impl Outbound {
    pub(super) fn from_raw(raw: raw::Outbound, folder: &Folder, faults: &mut Faults) -> Self {
        let mut outbound = Self::default();
        raw.connect_timeout
            .set(&mut outbound.connect_timeout, faults, grammar::duration);
        raw.first_byte_timeout
            .set(&mut outbound.first_byte_timeout, faults, grammar::duration_or_off);
        raw.body_idle_timeout
            .set(&mut outbound.body_idle_timeout, faults, grammar::duration_or_off);
        raw.pool_idle_timeout
            .set(&mut outbound.pool_idle_timeout, faults, grammar::duration);
        outbound.ca = raw.ca.parse(faults, |given| authorities(given, folder));
        outbound
    }
}

/// Every certificate of a PEM file, each of which can anchor a chain.
pub(super) fn authorities(given: &Given<String>, folder: &Folder) -> Result<Authorities, Fault> {
    let (path, roots) = tls::read_chain(given, folder)?;
    let mut store = RootCertStore::empty();
    for root in &roots {
        let usable = store.add(root.clone());
        usable
            .map_err(|error| given.fault(format!("unusable certificate in {}: {error}", path.display())))?;
    }
    Ok(Authorities { path, roots })
}
