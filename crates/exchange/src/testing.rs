//! What the unit tests share: callers with verified identities, and a server that answers with given bytes.

use std::sync::{Arc, Mutex};

use identity::{
    Audience, BearerToken, Clock, FixedKeys, Identity, Issuer, KeySource, ManualClock, Rejection, Verifier,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::{ClientId, FederationPolicy, Grant, Scope, TokenEndpoint};

/// Callers whose tokens are really verified, under a clock that moves only by hand.
pub(crate) struct Callers {
    pub(crate) idp: testbed::Idp,
    pub(crate) clock: Clock,
    pub(crate) hand: ManualClock,
    /// When the test began.
    pub(crate) now: u64,
    verifier: Verifier,
}

/// A server that answers each connection with the next of its scripts, and the last one for ever; it
/// keeps what it was sent.
pub(crate) struct Scripted {
    pub(crate) url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

// === impl Callers ===

impl Callers {
    pub(crate) async fn new() -> Self {
        let idp = testbed::Idp::start().await;
        let now = Clock::system().now();
        let (clock, hand) = Clock::manual(now);
        let issuer = Issuer {
            url: idp.issuer().to_owned(),
            audiences: vec![Audience("databricks-gateway".to_owned())],
            keys: KeySource::Fixed(FixedKeys::parse(idp.jwks().as_bytes()).unwrap()),
            identity_claims: None,
        };
        let (verifier, _) = Verifier::builder(vec![issuer], http())
            .clock(clock.clone())
            .remembered_tokens(100)
            .build();
        Self {
            idp,
            clock,
            hand,
            now: now.seconds(),
            verifier,
        }
    }

    pub(crate) async fn verify(&self, jwt: String) -> Result<Identity, Rejection> {
        self.verifier.verify(BearerToken::new(jwt)).await
    }

    /// A caller whose JWT lives for an hour.
    pub(crate) async fn identity(&self, subject: &str) -> Identity {
        self.identity_for(subject, 3600).await
    }

    /// A caller whose JWT lives for so many seconds.
    pub(crate) async fn identity_for(&self, subject: &str, seconds: u64) -> Identity {
        self.verify(self.idp.token(subject).expires_at(self.now + seconds).sign())
            .await
            .unwrap()
    }
}

// === impl Scripted ===

impl Scripted {
    pub(crate) async fn answering(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/oidc/v1/token", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            let mut answer = String::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                answer = answers.next().unwrap_or(answer);
                let request = read_request(&mut socket).await;
                seen.lock().unwrap().push(request);
                // The client may have had enough of a long answer.
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, requests }
    }

    pub(crate) fn grant(&self) -> Grant {
        grant_at(&self.url)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A whole answer, after which the connection closes.
pub(crate) fn answer(head: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn read_request(socket: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) {
        match socket.read(&mut buffer).await {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => break,
        }
    }
    String::from_utf8(request).unwrap()
}

fn is_whole(request: &[u8]) -> bool {
    let request = str::from_utf8(request).unwrap();
    request.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        body.len() >= length.map_or(0, |length| length.parse().unwrap())
    })
}

/// As the gateway builds it, but it trusts nobody, as these tests speak plain HTTP.
pub(crate) fn http() -> reqwest::Client {
    http_following(reqwest::redirect::Policy::none())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no other place to get a client from"
)]
pub(crate) fn http_following(redirects: reqwest::redirect::Policy) -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirects)
        .no_proxy()
        .build()
        .unwrap()
}

/// An account-wide grant for `all-apis` at a workspace that does not exist.
pub(crate) fn grant() -> Grant {
    grant_at(&"https://workspace.invalid/oidc/v1/token".parse().unwrap())
}

pub(crate) fn grant_at(endpoint: &Url) -> Grant {
    Grant::new(
        TokenEndpoint::at(endpoint.clone()),
        FederationPolicy::AccountWide,
        Scope::default(),
    )
}

pub(crate) fn service_principal(client_id: &str) -> FederationPolicy {
    FederationPolicy::ServicePrincipal(ClientId::new(client_id).unwrap())
}
