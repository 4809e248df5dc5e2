//! A panic where nobody expects one: in what swaps an identity for a token. It ends one request.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on must say so and stop; and here a panic is the subject"
)]

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use exchange::{Exchange, ExchangeRequest, FederationPolicy, Grant, Scope, TokenEndpoint};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use identity::{Audience, FixedKeys, Issuer, KeySource, Verifier};
use proxy::{
    AccessRecord, AccessSink, Gateway, Listener, RefusalRecord, Routes, Running, Settings, Swap, Workspace,
    WorkspaceUrl,
};
use rustls::{ClientConfig, RootCertStore};
use testbed::{Databricks, Idp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::time::timeout;
use tower::{ServiceExt as _, service_fn};

/// What the access log was told: status, failure and all.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

/// A gateway of one worker, in front of the fakes.
struct World {
    idp: Idp,
    _databricks: Databricks,
    running: Running,
    address: SocketAddr,
    lines: Lines,
}

// === impl Lines ===

impl AccessSink for Lines {
    fn record(&self, record: &AccessRecord<'_>) {
        self.0.lock().expect("lines").push(format!("{record:?}"));
    }

    fn refused(&self, _: &RefusalRecord) {}
}

// === impl World ===

impl World {
    async fn with(swap: impl Swap) -> Self {
        let idp = Idp::start().await;
        let databricks = Databricks::start(&idp).await;
        let lines = Lines::default();
        let (verifier, _keys) = Verifier::builder(vec![issuer(&idp)], http()).build();
        let gateway = Gateway::new(
            routes(&databricks),
            verifier,
            swap,
            settings(),
            Arc::new(lines.clone()),
        );
        let listener = Listener::bind("127.0.0.1:0".parse().expect("an address"), None).expect("a free port");
        let address = listener.local_addr().ok().flatten().expect("a bound socket");
        Self {
            idp,
            _databricks: databricks,
            running: gateway.start(vec![listener], NonZeroUsize::MIN).expect("threads"),
            address,
            lines,
        }
    }

    async fn client(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// A client that speaks HTTP/2, with all its requests on one connection.
    async fn h2_client(&self) -> SendRequest<Empty<Bytes>> {
        let io = TokioIo::new(self.client().await);
        let (sender, connection) = handshake(TokioExecutor::new(), io).await.expect("a client");
        tokio::spawn(connection);
        sender
    }

    /// One stream of `subject`, and its answer.
    async fn ask_h2(&self, client: &SendRequest<Empty<Bytes>>, subject: &str) -> (StatusCode, String) {
        let request = Request::get(format!("http://x{ME}"))
            .header("authorization", format!("Bearer {}", self.idp.mint(subject)))
            .body(Empty::new())
            .expect("a request");
        let answer = timeout(SOON, client.clone().send_request(request)).await;
        let (head, body) = answer.expect("in time").expect("an answer").into_parts();
        let body = timeout(SOON, body.collect())
            .await
            .expect("in time")
            .expect("a body");
        (
            head.status,
            String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        )
    }

    /// One request of `subject`, and its answer: its head and its body, as far as it says how long that is.
    async fn ask(&self, client: &mut TcpStream, subject: &str) -> String {
        let request = format!(
            "GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            self.idp.mint(subject)
        );
        client.write_all(request.as_bytes()).await.expect("it reads");
        timeout(SOON, answer(client)).await.expect("an answer")
    }
}

const ME: &str = "/api/2.0/preview/scim/v2/Me";

/// A guard against hanging, not a measure.
const SOON: Duration = Duration::from_secs(20);

async fn answer(client: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        text.push(
            client
                .read_u8()
                .await
                .expect("a connection that stays open")
                .into(),
        );
    }
    let head = text.to_lowercase();
    let length = head.split("content-length: ").nth(1).expect("a length");
    let length = length.lines().next().and_then(|length| length.parse().ok());
    let mut body = vec![0; length.expect("a number")];
    client.read_exact(&mut body).await.expect("a body");
    text + &String::from_utf8_lossy(&body)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no other place to get a client from"
)]
fn http() -> reqwest::Client {
    // Another test of this process may have done so.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.tls_certs_only([]).build().expect("a client")
}

fn settings() -> Settings {
    Settings {
        h2c: true,
        ..Settings::default()
    }
}

fn issuer(idp: &Idp) -> Issuer {
    Issuer {
        url: idp.issuer().to_owned(),
        audiences: vec![Audience("databricks-gateway".to_owned())],
        keys: KeySource::Fixed(FixedKeys::parse(idp.jwks().as_bytes()).expect("a key set")),
        identity_claims: None,
    }
}

fn routes(databricks: &Databricks) -> Arc<Routes> {
    let url = databricks.url().parse().expect("a URL");
    let grant = Grant::new(
        TokenEndpoint::workspace(&url),
        FederationPolicy::AccountWide,
        Scope::default(),
    );
    let tls = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let url = WorkspaceUrl::new(&url, Arc::new(tls)).expect("a workspace's URL");
    Arc::new(Routes::new(vec![Workspace::new("workspace", url, Vec::new(), grant)]).expect("one route"))
}

/// Panics over mallory, once that and the request beside it are both on their way, with what must not be told.
fn swap(beside: usize) -> impl Swap {
    let (meeting, exchange) = (
        Arc::new(Barrier::new(beside + 1)),
        Exchange::builder(http()).build(),
    );
    service_fn(move |request: ExchangeRequest| {
        let (meeting, exchange) = (Arc::clone(&meeting), exchange.clone());
        async move {
            meeting.wait().await;
            assert!(!is_mallorys(&request), "hush-hush");
            exchange.oneshot(request).await
        }
    })
}

fn is_mallorys(request: &ExchangeRequest) -> bool {
    request.identity.subject().as_str().starts_with("mallory")
}

fn assert_is_a_fault_of_our_own(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    for part in [
        "\"error_code\":\"INTERNAL_ERROR\"",
        "\"reason\":\"INTERNAL\"",
        "x-request-id: ",
    ] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    assert!(!answer.contains("hush-hush"), "{answer}");
}

#[tokio::test]
async fn a_panic_in_a_request_ends_that_request_alone_and_its_connection_serves_on() {
    let world = World::with(swap(0)).await;
    let mut client = world.client().await;
    for _ in 0..2 {
        assert_is_a_fault_of_our_own(&world.ask(&mut client, "mallory").await);
        let answer = world.ask(&mut client, "alice").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let counters = world.running.tally().read();
    assert_eq!(counters.failures.get("INTERNAL"), Some(&2));
    assert_eq!((counters.connections_total, counters.in_flight), (1, 0));
    let lines = world.lines.0.lock().expect("lines");
    let told = lines.iter().filter(|line| line.contains("Some(\"INTERNAL\")"));
    assert_eq!(told.count(), 2, "each is told once: {lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("hush-hush")), "{lines:#?}");
}

#[tokio::test]
async fn a_panic_in_a_request_is_not_felt_by_the_one_beside_it() {
    let world = World::with(swap(1)).await;
    let (mut mallory, mut alice) = (world.client().await, world.client().await);
    let (fault, answer) = tokio::join!(world.ask(&mut mallory, "mallory"), world.ask(&mut alice, "alice"));
    assert_is_a_fault_of_our_own(&fault);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_panic_in_a_stream_of_http2_ends_that_stream_alone_and_its_connection_serves_on() {
    let world = World::with(swap(2)).await;
    let client = world.h2_client().await;
    for _ in 0..2 {
        let (fault, one, other) = tokio::join!(
            world.ask_h2(&client, "mallory"),
            world.ask_h2(&client, "alice"),
            world.ask_h2(&client, "bob")
        );
        assert_eq!(fault.0, StatusCode::INTERNAL_SERVER_ERROR, "{}", fault.1);
        assert!(fault.1.contains("\"reason\":\"INTERNAL\""), "{}", fault.1);
        for (status, body) in [one, other] {
            assert_eq!(status, StatusCode::OK, "{body}");
        }
    }
    assert_eq!(world.running.tally().read().connections_total, 1);
}
