//! What the tests of this crate share: keys of their own, tokens of any shape, and a server that
//! answers what it is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{
    Audience, BearerToken, Clock, FixedKeys, Issuer, KeySource, ManualClock, UnixTime, Verifier,
    VerifierBuilder,
};

pub(crate) const ISSUER: &str = "https://idp.example";
pub(crate) const AUDIENCE: &str = "databricks-gateway";
/// 2026-11-23T21:00:00Z.
pub(crate) const NOW: u64 = 1_795_467_600;

pub(crate) static RSA: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("rsa-1"));
pub(crate) static RSA_2: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("rsa-2"));
pub(crate) static EC: LazyLock<Signer> = LazyLock::new(|| Signer::ec("ec-1"));
pub(crate) static EC_2: LazyLock<Signer> = LazyLock::new(|| Signer::ec("ec-2"));

/// A private key with its name.
pub(crate) struct Signer {
    pub(crate) kid: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

// === impl Signer ===

impl Signer {
    fn rsa(kid: &'static str) -> Self {
        Self {
            kid,
            pair: Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        }
    }

    fn ec(kid: &'static str) -> Self {
        Self {
            kid,
            pair: Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
        }
    }

    pub(crate) fn alg(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
        }
    }

    /// The public key as an identity provider would publish it.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => json!({"kty": "RSA", "n": encode(rsa_modulus(pair)), "e": "AQAB"}),
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.alg());
        jwk["use"] = json!("sig");
        jwk
    }

    /// The public key in DER, as a forger would find it.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
            Pair::Ec(pair) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
        }
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.alg(), "kid": self.kid, "typ": "JWT"})
    }

    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        }
    }

    /// Signs whatever text is given as header and claims.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = encode(self.signature(input.as_bytes()));
        format!("{input}.{signature}")
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_text(&self.header().to_string(), &claims.to_string())
    }

    pub(crate) fn sign_with_header(&self, changes: Value) -> String {
        self.sign_text(
            &merged(self.header(), changes).to_string(),
            &claims(json!({})).to_string(),
        )
    }
}

/// PKCS #1 `RSAPublicKey` of a 2,048-bit key: the modulus follows a head of nine bytes.
fn rsa_modulus(pair: &RsaKeyPair) -> &[u8] {
    &pair.public_key().as_ref()[9..9 + 256]
}

// === tokens ===

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Good claims for one hour from [`NOW`], with `changes`; a null takes a claim out.
pub(crate) fn claims(changes: Value) -> Value {
    let good = json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 3600, "iat": NOW, "nbf": NOW,
        "email": "alice@example.com",
    });
    merged(good, changes)
}

fn merged(mut base: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    for (name, value) in changes {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(&name);
        } else {
            base[name] = value;
        }
    }
    base
}

pub(crate) fn jwks(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()}).to_string()
}

// === verifiers ===

pub(crate) fn issuer(url: &str, keys: KeySource) -> Issuer {
    Issuer {
        url: url.to_owned(),
        audiences: vec![Audience(AUDIENCE.to_owned())],
        keys,
        identity_claims: None,
    }
}

/// Trusts [`RSA`] and [`EC`] as keys of [`ISSUER`]; its clock stands at [`NOW`].
pub(crate) fn verifier() -> (Verifier, ManualClock) {
    verifier_with(|builder| builder)
}

pub(crate) fn verifier_of(issuer: Issuer) -> (Verifier, ManualClock) {
    built(issuer, |builder| builder)
}

/// Like [`verifier`], with other settings.
pub(crate) fn verifier_with(
    settings: impl FnOnce(VerifierBuilder) -> VerifierBuilder,
) -> (Verifier, ManualClock) {
    let keys = FixedKeys::parse(jwks(&[&RSA, &EC]).as_bytes()).unwrap();
    built(issuer(ISSUER, KeySource::Fixed(keys)), settings)
}

fn built(
    issuer: Issuer,
    settings: impl FnOnce(VerifierBuilder) -> VerifierBuilder,
) -> (Verifier, ManualClock) {
    let (clock, hand) = Clock::manual(UnixTime::from_seconds(NOW));
    let (verifier, _) = settings(Verifier::builder(vec![issuer], http()).clock(clock)).build();
    (verifier, hand)
}

pub(crate) fn bearer(token: &str) -> BearerToken {
    BearerToken::new(token.to_owned())
}

/// A client as the binary builds it: no redirects; and no roots, since the tests speak plain HTTP.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests of this crate have no binary to build it"
)]
pub(crate) fn http() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy();
    client
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

// === Server ===

/// Answers each path with the bytes it was told; 404 otherwise.
pub(crate) struct Server {
    pub(crate) url: String,
    pages: Arc<Pages>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Pages {
    answers: Mutex<HashMap<String, Vec<u8>>>,
    jwks_requests: AtomicU64,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pages = Arc::new(Pages::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&pages)));
        Self {
            url,
            pages,
            accepting,
        }
    }

    /// An identity provider whose issuer is the server's own URL.
    pub(crate) async fn idp(signers: &[&Signer]) -> Self {
        let server = Self::start().await;
        let discovery = json!({"issuer": server.url, "jwks_uri": format!("{}/jwks", server.url)});
        server.serve("/.well-known/openid-configuration", &discovery.to_string());
        server.serve("/jwks", &jwks(signers));
        server
    }

    pub(crate) fn serve(&self, path: &str, body: &str) {
        self.answer(path, "200 OK", &[], body);
    }

    pub(crate) fn answer(&self, path: &str, status: &str, headers: &[&str], body: &str) {
        let headers = headers
            .iter()
            .flat_map(|header| [*header, "\r\n"])
            .collect::<String>();
        let length = body.len();
        self.answer_raw(
            path,
            &format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            ),
        );
    }

    pub(crate) fn answer_raw(&self, path: &str, answer: &str) {
        self.pages
            .answers
            .lock()
            .unwrap()
            .insert(path.to_owned(), answer.as_bytes().to_vec());
    }

    /// How often `/jwks` was asked for.
    pub(crate) fn jwks_requests(&self) -> u64 {
        self.pages.jwks_requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, pages: Arc<Pages>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(respond(stream, Arc::clone(&pages)));
    }
}

async fn respond(mut stream: TcpStream, pages: Arc<Pages>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    if path == "/jwks" {
        pages.jwks_requests.fetch_add(1, Ordering::SeqCst);
    }
    let answer = pages.answers.lock().unwrap().get(path).cloned();
    let not_found = b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec();
    // The client may hang up early, as it should at an oversized body.
    let _ = stream.write_all(&answer.unwrap_or(not_found)).await;
    let _ = stream.shutdown().await;
}
