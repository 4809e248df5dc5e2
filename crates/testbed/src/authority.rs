use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

/// A certificate authority of the test's own, and what it signs.
#[derive(Clone)]
pub struct Authority(Arc<CertifiedIssuer<'static, KeyPair>>);

impl Authority {
    /// A fresh authority.
    ///
    /// # Panics
    ///
    /// If keys cannot be generated on this machine.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "lakegate testbed authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, fresh_key()).expect(SIGNS);
        Self(Arc::new(issuer))
    }

    /// Its certificate, in PEM: what a client must trust.
    pub fn ca_pem(&self) -> String {
        self.0.pem()
    }

    /// A server certificate chain and its key, in PEM, for `localhost`, `127.0.0.1`, `::1` and `names`.
    ///
    /// # Panics
    ///
    /// If one of `names` is neither a host name nor an IP address.
    pub fn server_pem(&self, names: &[&str]) -> (String, String) {
        let names: Vec<String> = LOOPBACK
            .iter()
            .chain(names)
            .map(|&name| name.to_owned())
            .collect();
        let mut params = CertificateParams::new(names).expect("every name is a host name or an IP address");
        params
            .distinguished_name
            .push(DnType::CommonName, "lakegate testbed server");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = fresh_key();
        let certificate = params.signed_by(&key, &self.0).expect(SIGNS);
        (certificate.pem(), key.serialize_pem())
    }

    /// A client certificate and its key, in PEM, for whoever is called `name`.
    ///
    /// # Panics
    ///
    /// If keys cannot be generated on this machine.
    pub fn client_pem(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = fresh_key();
        let certificate = params.signed_by(&key, &self.0).expect(SIGNS);
        (certificate.pem(), key.serialize_pem())
    }

    /// What a server on loopback needs; its ALPN offers these protocols (RFC 7301).
    pub(crate) fn server_config(&self, protocols: &[&[u8]]) -> ServerConfig {
        let (chain, key) = self.server_pem(&[]);
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .expect(OWN_PEM);
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect(OWN_PEM);
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a key that was made for its certificate fits it");
        config.alpn_protocols = protocols.iter().map(|&protocol| protocol.to_vec()).collect();
        config
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn fresh_key() -> KeyPair {
    KeyPair::generate().expect("P-256 keys can be generated")
}

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const SIGNS: &str = "a key of our own signs a certificate of our own";
const OWN_PEM: &str = "PEM that was just written can be read";
