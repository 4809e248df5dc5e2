//! What the whole hop costs: a request that goes to the workspace directly, and the same through the gateway, which looks up,
//! swaps, rewrites and tells its log. Both over a connection that is kept; the difference is what the gateway adds when nobody waits.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use criterion::{Criterion, criterion_group, criterion_main};
use exchange::{AccessToken, Exchange, FederationPolicy, Grant, Scope, TokenEndpoint};
use identity::{Audience, Expiry, FixedKeys, Issuer, KeySource, UnixTime, Verifier};
use lakegate::config::Outbound;
use lakegate::outbound::{Clients, install_cryptography};
use proxy::{
    AccessRecord, AccessSink, Gateway, Listener, RefusalRecord, Routes, Running, Settings, Workspace,
    WorkspaceUrl,
};
use testbed::Idp;
use tower::service_fn;

/// The access log is a question of its own.
struct NoLog;

impl AccessSink for NoLog {
    fn record(&self, _: &AccessRecord<'_>) {}

    fn refused(&self, _: &RefusalRecord) {}
}

fn hop(c: &mut Criterion) {
    install_cryptography();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let _inside = runtime.enter();
    let idp = runtime.block_on(Idp::start());
    let workspace = workspace();
    let (_running, gateway) = gateway(&idp, workspace);
    let request = format!(
        "GET /api/2.0/sql/statements/1 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        idp.mint("alice@example.com")
    );
    for (name, address) in [("directly", workspace), ("through the gateway", gateway)] {
        let mut client = TcpStream::connect(address).expect("somebody listens");
        client.set_nodelay(true).expect("an open socket");
        c.bench_function(&format!("a request, {name}"), |b| {
            b.iter(|| call(&mut client, request.as_bytes()));
        });
    }
}

/// Sends a request, and reads the head of the answer and its 1024 bytes.
fn call(client: &mut TcpStream, request: &[u8]) {
    client.write_all(request).expect("an open connection");
    let mut answer = [0; 4096];
    let mut filled = 0;
    loop {
        let free = answer.get_mut(filled..).expect("an answer is shorter");
        let read = client.read(free).expect("an open connection");
        assert_ne!(read, 0, "the connection was closed");
        filled += read;
        let here = answer.get(..filled).unwrap_or_default();
        let head = here.windows(4).position(|window| window == b"\r\n\r\n");
        if head.is_some_and(|head| filled == head + 4 + BODY_SIZE) {
            assert!(here.starts_with(b"HTTP/1.1 200"), "the answer is no 200");
            return;
        }
    }
}

/// Answers whatever ends a head. A thread for each connection: there are two.
fn workspace() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    thread::spawn(move || {
        for connection in listener.incoming() {
            let connection = connection.expect("a connection");
            thread::spawn(move || answer(connection));
        }
    });
    address
}

fn answer(mut connection: TcpStream) {
    let body = "x".repeat(BODY_SIZE);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {BODY_SIZE}\r\n\r\n{body}"
    );
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = connection.read(&mut chunk) {
        request.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            if connection.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// One worker, and a token endpoint that answers at once.
fn gateway(idp: &Idp, workspace: SocketAddr) -> (Running, SocketAddr) {
    let clients = Clients::build(&Outbound::default()).expect("a client");
    let (verifier, _keys) = Verifier::builder(vec![issuer(idp)], clients.http.clone()).build();
    let exchange = Exchange::builder(clients.http).build_over(service_fn(|_| async {
        let far = Expiry(UnixTime::from_seconds(u64::from(u32::MAX)));
        Ok(AccessToken::new(&"t".repeat(1024), far).expect("a token"))
    }));
    let url = format!("http://{workspace}").parse().expect("a URL");
    let grant = Grant::new(
        TokenEndpoint::workspace(&url),
        FederationPolicy::AccountWide,
        Scope::default(),
    );
    let url = WorkspaceUrl::new(&url, clients.tls).expect("a workspace's URL");
    let routes = Routes::new(vec![Workspace::new("workspace", url, Vec::new(), grant)]).expect("one route");
    let gateway = Gateway::new(
        Arc::new(routes),
        verifier,
        exchange,
        Settings::default(),
        Arc::new(NoLog),
    );
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address"), None).expect("a free port");
    let address = listener.local_addr().ok().flatten().expect("a bound socket");
    let running = gateway.start(vec![listener], NonZeroUsize::MIN).expect("threads");
    (running, address)
}

fn issuer(idp: &Idp) -> Issuer {
    Issuer {
        url: idp.issuer().to_owned(),
        audiences: vec![Audience("databricks-gateway".to_owned())],
        keys: KeySource::Fixed(FixedKeys::parse(idp.jwks().as_bytes()).expect("a key set")),
        identity_claims: None,
    }
}

const BODY_SIZE: usize = 1024;

criterion_group!(benches, hop);
criterion_main!(benches);
