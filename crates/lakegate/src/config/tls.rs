use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::fault::{Fault, Faults, Source};
use super::folder::Folder;
use super::given::{Given, Setting};
use super::outbound::{Authorities, authorities};
use super::raw;

/// `tls = { cert, key }`: what the listeners prove their name with, and what they ask of clients.
///
/// All files were read; certificate and key belong together. `Debug` shows the paths alone.
#[derive(Clone)]
pub struct Tls {
    /// The certificate chain's file, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key's file.
    pub key: PathBuf,
    /// Both, ready for use.
    pub pair: Arc<CertifiedKey>,
    /// The oldest version that is spoken.
    pub min_version: MinVersion,
    /// Whether clients are asked for a certificate; `None`: they are not.
    pub clients: Option<ClientCertificates>,
    /// What was typed, to be understood again when the files have changed.
    typed: (Given<raw::Tls>, Folder),
}

/// The oldest version of TLS that is spoken; 1.1 and older are never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinVersion {
    /// TLS 1.2 (RFC 5246). The default: JDBC and ODBC drivers on older platforms know nothing newer.
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446) and nothing else.
    Tls13,
}

/// Who may connect at all, before any token is looked at.
#[derive(Clone, Debug)]
pub struct ClientCertificates {
    /// Whose certificates are accepted.
    pub ca: Authorities,
    /// Whether a client must have one.
    pub auth: ClientAuth,
}

/// Whether a client must have a certificate. One that is presented must be good either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// No certificate, no connection. The default: whoever names an authority means it.
    #[default]
    Required,
    /// A client may have none, as while certificates are being rolled out.
    Optional,
}

// === impl Tls ===

impl Tls {
    pub(super) fn from_raw(given: Given<raw::Tls>, folder: &Folder, faults: &mut Faults) -> Option<Self> {
        let typed = (given.clone(), folder.clone());
        let Given { value: raw, place } = given;
        let min_version = raw.min_version.parse(faults, min_version).unwrap_or_default();
        let clients = ClientCertificates::from_raw(raw.client_ca, raw.client_auth, folder, faults);
        let missing = |what| Fault::new(&place, what).help("TLS needs both: a certificate chain and its key");
        let cert = raw
            .cert
            .required(faults, || missing("the private key has no certificate"))
            .given();
        let key = raw
            .key
            .required(faults, || missing("the certificate has no private key"))
            .given();
        let chain = cert.and_then(|given| faults.keep(read_chain(&given, folder)));
        let key = key.and_then(|given| faults.keep(read_key(&given, folder)).zip(Some(given)));
        let ((cert, chain), ((key, private), given)) = chain.zip(key)?;
        let pair = CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider());
        let pair = pair.map_err(|error| given.fault(format!("does not fit {}: {error}", cert.display())));
        Some(Self {
            cert,
            key,
            pair: Arc::new(faults.keep(pair)?),
            min_version,
            clients,
            typed,
        })
    }

    /// The same settings with what is in the files now.
    ///
    /// # Errors
    /// Every fault at once, as at the start.
    pub(crate) fn reread(&self) -> Result<Self, Faults> {
        let (given, folder) = self.typed.clone();
        let mut faults = Faults::of(Source::Flags);
        let tls = Self::from_raw(given, &folder, &mut faults);
        faults.settle(tls)
    }

    /// Every file that was read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let authorities = self.clients.iter().map(|clients| clients.ca.path.as_path());
        [self.cert.as_path(), self.key.as_path()]
            .into_iter()
            .chain(authorities)
    }
}

/// The same settings. What is in the files changes by itself, and is looked after by itself.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        let clients = |tls: &Self| {
            let clients = tls.clients.as_ref()?;
            Some((clients.ca.path.clone(), clients.auth))
        };
        self.cert == other.cert
            && self.key == other.key
            && self.min_version == other.min_version
            && clients(self) == clients(other)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("cert", &self.cert)
            .field("key", &self.key)
            .field("min_version", &self.min_version)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

// === impl ClientCertificates ===

impl ClientCertificates {
    fn from_raw(
        ca: Setting<String>,
        auth: Setting<String>,
        folder: &Folder,
        faults: &mut Faults,
    ) -> Option<Self> {
        if let (Setting::Absent, Some(place)) = (&ca, auth.place()) {
            let fault = Fault::new(place, "`client_auth` has no effect without `client_ca`");
            faults.record(
                fault.help("`client_ca` names the authorities whose certificates clients may present"),
            );
            return None;
        }
        let auth = auth.parse(faults, client_auth).unwrap_or_default();
        let ca = ca.parse(faults, |given| authorities(given, folder))?;
        Some(Self { ca, auth })
    }
}

fn min_version(given: &Given<String>) -> Result<MinVersion, Fault> {
    match given.value.as_str() {
        "1.2" => Ok(MinVersion::Tls12),
        "1.3" => Ok(MinVersion::Tls13),
        _ => Err(given.fault("the oldest version of TLS must be \"1.2\" or \"1.3\"")),
    }
}

fn client_auth(given: &Given<String>) -> Result<ClientAuth, Fault> {
    match given.value.as_str() {
        "required" => Ok(ClientAuth::Required),
        "optional" => Ok(ClientAuth::Optional),
        _ => Err(given.fault("client certificates must be \"required\" or \"optional\"")),
    }
}

/// Every certificate of a PEM file; at least one.
pub(super) fn read_chain(
    given: &Given<String>,
    folder: &Folder,
) -> Result<(PathBuf, Vec<CertificateDer<'static>>), Fault> {
    let (path, pem) = folder.read(given)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => {
            Err(given.fault(format!("there is no PEM certificate in {}", path.display())))
        }
        Ok(chain) => Ok((path, chain)),
        Err(error) => Err(given.fault(format!("{} is not PEM: {error}", path.display()))),
    }
}

/// The message tells what is wrong with the file, never what is in it.
fn read_key(given: &Given<String>, folder: &Folder) -> Result<(PathBuf, PrivateKeyDer<'static>), Fault> {
    let (path, pem) = folder.read(given)?;
    match PrivateKeyDer::from_pem_slice(&pem) {
        Ok(key) => Ok((path, key)),
        Err(_) => Err(given
            .fault(format!("there is no usable private key in {}", path.display()))
            .help("write it as PEM: PKCS#8 (`BEGIN PRIVATE KEY`), PKCS#1 or SEC1, not encrypted")),
    }
}
