//! A gateway goes on as another one, and keeps nothing of what it was.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say so and stop")]

use std::future::{Pending, pending};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use exchange::{AccessToken, ExchangeError, ExchangeRequest, FederationPolicy, Grant, Scope, TokenEndpoint};
use identity::Verifier;
use proxy::{
    AccessRecord, AccessSink, Gateway, Listener, RefusalRecord, Routes, Settings, Swap, Workspace,
    WorkspaceUrl,
};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::{Service, service_fn};

struct NoLog;

impl AccessSink for NoLog {
    fn record(&self, _: &AccessRecord<'_>) {}
    fn refused(&self, _: &RefusalRecord) {}
}

/// A gateway that knows this host and nobody, and what tells whether it is still remembered.
fn gateway(host: &str) -> (Gateway<impl Swap>, Weak<Routes>) {
    gateway_over(host, service_fn(|_: ExchangeRequest| pending()))
}

fn gateway_over<S: Swap>(host: &str, swap: S) -> (Gateway<S>, Weak<Routes>) {
    let url = "http://127.0.0.1:1".parse().expect("a URL");
    let endpoint = TokenEndpoint::workspace(&url);
    let grant = Grant::new(endpoint, FederationPolicy::AccountWide, Scope::default());
    let tls = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
    let url = WorkspaceUrl::new(&url, Arc::new(tls.with_no_client_auth())).expect("an origin");
    let workspace = Workspace::new("workspace", url, vec![host.to_owned()], grant);
    let routes = Arc::new(Routes::new(vec![workspace]).expect("one route"));
    let (verifier, _keys) = Verifier::builder(Vec::new(), http()).build();
    let known = Arc::downgrade(&routes);
    (
        Gateway::new(routes, verifier, swap, Settings::default(), Arc::new(NoLog)),
        known,
    )
}

/// Asked by nobody.
#[expect(clippy::disallowed_methods, reason = "a test stands in for the binary")]
fn http() -> reqwest::Client {
    let tls = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls.with_no_client_auth());
    builder.build().expect("a client")
}

/// The status of a request for this host without a token, on a connection that stays open.
async fn status(client: &mut TcpStream, host: &str) -> String {
    let request = format!("GET /api HTTP/1.1\r\nHost: {host}\r\n\r\n");
    client.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        client.read_buf(&mut answer).await.expect("it answers");
    }
    String::from_utf8_lossy(&answer).chars().skip(9).take(3).collect()
}

#[tokio::test]
async fn what_a_gateway_was_before_is_forgotten_and_its_connections_are_not() {
    let (before, known) = gateway("before.example");
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address"), None).expect("a free port");
    let address = listener.local_addr().ok().flatten().expect("a bound socket");
    let _running = before.start(vec![listener], NonZeroUsize::MIN).expect("threads");
    let mut client = TcpStream::connect(address).await.expect("it listens");
    assert_eq!(status(&mut client, "before.example").await, "401");
    assert_eq!(status(&mut client, "after.example").await, "421");

    let (after, still_known) = gateway("after.example");
    let _serving = before.go_on_as(after);
    assert_eq!(status(&mut client, "before.example").await, "421");
    assert_eq!(status(&mut client, "after.example").await, "401");
    assert!(known.upgrade().is_none(), "somebody still holds on to it");
    assert!(still_known.upgrade().is_some());
}

/// Counts how many workers it was made for.
#[derive(Clone, Default)]
struct Made(Arc<AtomicUsize>);

impl Service<ExchangeRequest> for Made {
    type Response = AccessToken;
    type Error = ExchangeError;
    type Future = Pending<Result<AccessToken, ExchangeError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ExchangeError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: ExchangeRequest) -> Self::Future {
        pending()
    }
}

impl Swap for Made {
    fn for_one_worker(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.clone()
    }
}

#[tokio::test]
async fn each_worker_follows_with_a_swap_of_its_own_though_nobody_holds_the_gateway() {
    let (first, next) = (Made::default(), Made::default());
    let (before, _) = gateway_over("before.example", first.clone());
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address"), None).expect("a free port");
    let two = NonZeroUsize::new(2).expect("not zero");
    let address = listener.local_addr().ok().flatten().expect("a bound socket");
    let _running = before.start(vec![listener], two).expect("threads");
    assert_eq!(first.0.load(Ordering::Relaxed), 2);
    // Who comes second has the other worker.
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = TcpStream::connect(address).await.expect("it listens");
        assert_eq!(status(&mut client, "before.example").await, "401");
        clients.push(client);
    }
    let (after, _) = gateway_over("after.example", next.clone());
    drop(before.go_on_as(after));
    for client in &mut clients {
        assert_eq!(status(client, "before.example").await, "421");
        assert_eq!(status(client, "after.example").await, "401");
    }
    assert_eq!(next.0.load(Ordering::Relaxed), 2);
}
