use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::fault::{Fault, Faults};
use super::folder::Folder;
use super::given::Given;
use super::raw;

/// `tls = { cert, key }`: what the listeners prove their name with.
///
/// Both files were read and belong together. `Debug` shows the paths alone.
#[derive(Clone)]
pub struct Tls {
    /// The certificate chain's file, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key's file.
    pub key: PathBuf,
    /// Both, ready for use.
    pub pair: Arc<CertifiedKey>,
}

impl Tls {
    pub(super) fn from_raw(raw: Given<raw::Tls>, folder: &Folder, faults: &mut Faults) -> Option<Self> {
        let Given {
            value: raw::Tls { cert, key },
            place,
        } = raw;
        let missing = |what| Fault::new(&place, what).help("TLS needs both: a certificate chain and its key");
        let cert = cert
            .required(faults, || missing("the private key has no certificate"))
            .given();
        let key = key
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
        })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("cert", &self.cert)
            .field("key", &self.key)
            .finish_non_exhaustive()
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
