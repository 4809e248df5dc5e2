//! What a renewed JWT costs whoever presents it first: a caller that asks without a pause, whose JWT is renewed a thousand times,
//! in front of a token endpoint that takes 50 ms; with `exchange.overlap` and without. Not a bench of criterion's: what is asked
//! for is the slowest of a thousand, not the mean.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use lakegate::config::Config;
use lakegate::outbound::install_cryptography;
use lakegate::serving::Serving;
use proxy::{AccessRecord, AccessSink, RefusalRecord};
use tempfile::TempDir;
use testbed::{Databricks, Fault, Idp};
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// The access log is a question of its own.
struct NoLog;

impl AccessSink for NoLog {
    fn record(&self, _: &AccessRecord<'_>) {}

    fn refused(&self, _: &RefusalRecord) {}
}

/// How long requests took: the first with each renewed JWT, and all of them.
struct Took {
    first: Vec<Duration>,
    all: Vec<Duration>,
}

fn main() {
    install_cryptography();
    let runtime = Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    println!("{RENEWALS} renewals, one each {PACE:?}, token endpoint {EXCHANGE:?}");
    for overlap in [false, true] {
        let Took { mut first, mut all } = measure(&runtime, overlap);
        println!("overlap = {overlap}");
        println!("  the first request with a renewed JWT: {}", figures(&mut first));
        println!("  all {} requests: {}", all.len(), figures(&mut all));
    }
}

fn measure(runtime: &Runtime, overlap: bool) -> Took {
    let (idp, databricks) = runtime.block_on(async {
        let idp = Idp::start().await;
        let databricks = Databricks::builder().trust(&idp).forgetful().start().await;
        (idp, databricks)
    });
    let slow = Fault::Delay(EXCHANGE);
    databricks.faults().inject("/oidc/v1/token", slow, usize::MAX);
    let (_serving, gateway) = serve(runtime, &idp, &databricks, overlap);
    let mut client = TcpStream::connect(gateway).expect("somebody listens");
    client.set_nodelay(true).expect("an open socket");

    let mut took = Took {
        first: Vec::new(),
        all: Vec::new(),
    };
    for renewal in 0..=RENEWALS {
        let request = request(&idp, renewal);
        let renewed = Instant::now();
        call(&mut client, &request);
        // Nothing comes before the very first one.
        if renewal > 0 {
            took.first.push(renewed.elapsed());
            took.all.push(renewed.elapsed());
        }
        while renewed.elapsed() < PACE {
            let began = Instant::now();
            call(&mut client, &request);
            took.all.push(began.elapsed());
        }
    }
    took
}

/// A gateway as `lakegate run` starts it, once it has keys.
fn serve(runtime: &Runtime, idp: &Idp, databricks: &Databricks, overlap: bool) -> (Serving, SocketAddr) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("lakegate.toml");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 1\n[exchange]\noverlap = {overlap}\n\
         [[issuer]]\nurl = \"{}\"\naudiences = [\"databricks-gateway\"]\n[[workspace]]\nurl = \"{}\"\n",
        idp.issuer(),
        databricks.url()
    );
    fs::write(&file, text).expect("a file");
    let config = Config::load(&file).expect("a good configuration");
    let serving = Serving::start(&config, Arc::new(NoLog)).expect("a gateway");
    runtime.block_on(serving.health().ready());
    let address = *serving.addresses().first().expect("it listens");
    (serving, address)
}

/// Under the JWT of this renewal, which ends later than all before it.
fn request(idp: &Idp, renewal: u64) -> Vec<u8> {
    let jwt = idp.token("alice@example.com").expires_at(FAR + renewal).sign();
    format!("GET /testbed/bytes/1024 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {jwt}\r\n\r\n")
        .into_bytes()
}

/// Sends a request, and reads the head of the answer and its 1024 bytes.
fn call(client: &mut TcpStream, request: &[u8]) {
    client.write_all(request).expect("an open connection");
    let (mut answer, mut filled) = ([0; 4096], 0);
    loop {
        let free = answer.get_mut(filled..).expect("an answer is shorter");
        let read = client.read(free).expect("an open connection");
        assert_ne!(read, 0, "the connection was closed");
        filled += read;
        let here = answer.get(..filled).unwrap_or_default();
        let head = here.windows(4).position(|window| window == b"\r\n\r\n");
        if head.is_some_and(|head| filled == head + 4 + 1024) {
            assert!(here.starts_with(b"HTTP/1.1 200"), "the answer is no 200");
            return;
        }
    }
}

fn figures(took: &mut [Duration]) -> String {
    took.sort_unstable();
    let at = |hundredths: usize| {
        let index = (took.len() * hundredths / 100).min(took.len() - 1);
        took.get(index).copied().unwrap_or_default()
    };
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    format!(
        "p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        ms(at(50)),
        ms(at(99)),
        ms(at(100))
    )
}

const RENEWALS: u64 = 1_000;
/// Longer than an exchange, so that each renewal is exchanged before the next.
const PACE: Duration = Duration::from_millis(75);
const EXCHANGE: Duration = Duration::from_millis(50);
const FAR: u64 = 4_000_000_000;
