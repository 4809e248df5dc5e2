use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use rustls::pki_types::pem::PemObject;
use rustls::{ServerConnection, StreamOwned};
use tempfile::TempDir;
use testbed::Authority;

use super::*;
use crate::config::{Authorities, Config};
use crate::inbound;

fn trusting(authority: &Authority) -> Outbound {
    let root = CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).expect("a certificate");
    Outbound {
        ca: Some(Authorities {
            path: PathBuf::new(),
            roots: vec![root],
        }),
        ..Outbound::default()
    }
}

fn server_tls(authority: &Authority) -> Arc<rustls::ServerConfig> {
    let folder = TempDir::new().expect("a folder");
    let (cert, key) = authority.server_pem(&[]);
    let text = "[server]\ntls = { cert = \"tls.crt\", key = \"tls.key\" }\n\
        [[issuer]]\nurl = \"https://a\"\naudiences = [\"a\"]\n[[workspace]]\nurl = \"https://b\"\n";
    for (name, content) in [
        ("tls.crt", cert.as_str()),
        ("tls.key", &key),
        ("lakegate.toml", text),
    ] {
        fs::write(folder.path().join(name), content).expect("a file");
    }
    let config = Config::load(&folder.path().join("lakegate.toml")).expect("a configuration");
    let ticketer = inbound::ticketer().expect("randomness");
    inbound::tls(&config.server.tls.expect("TLS"), &ticketer).expect("TLS")
}

/// What came in, and the protocol that was agreed on (RFC 7301).
struct Served {
    request: String,
    agreed: Option<Vec<u8>>,
}

/// Answers one request over TLS.
fn serve_one(authority: &Authority, answer: &'static str) -> (String, JoinHandle<Option<Served>>) {
    let tls = server_tls(authority);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    let served = thread::spawn(move || {
        let (socket, _) = listener.accept().ok()?;
        let mut stream = StreamOwned::new(ServerConnection::new(tls).ok()?, socket);
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).ok()?;
        stream.write_all(answer.as_bytes()).ok()?;
        stream.conn.send_close_notify();
        stream.flush().ok()?;
        let agreed = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
        Some(Served {
            request: String::from_utf8_lossy(&head[..length]).into_owned(),
            agreed,
        })
    });
    (url, served)
}

/// The whole chain: the cause is far below the first message.
fn chain(error: &dyn Error) -> String {
    let below = error.source().map(chain).unwrap_or_default();
    format!("{error}; {below}")
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_configured_authority_is_trusted() {
    let authority = Authority::new();
    let (url, served) = serve_one(&authority, OK);
    let clients = Clients::build(&trusting(&authority)).expect("clients");
    let answer = clients.http.get(url).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let Served { request, agreed } = served.join().expect("served").expect("a request");
    assert_eq!(agreed.as_deref(), Some(&b"http/1.1"[..]));
    assert!(
        request.contains(concat!("user-agent: lakegate/", env!("CARGO_PKG_VERSION"))),
        "{request}"
    );
}

#[tokio::test]
async fn an_authority_that_is_not_configured_is_refused() {
    for outbound in [Outbound::default(), trusting(&Authority::new())] {
        let (url, served) = serve_one(&Authority::new(), OK);
        let refused = Clients::build(&outbound)
            .expect("clients")
            .http
            .get(url)
            .send()
            .await
            .expect_err("refused");
        assert!(
            chain(&refused).contains("invalid peer certificate"),
            "{}",
            chain(&refused)
        );
        assert!(served.join().expect("ended").is_none(), "a request was sent");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let authority = Authority::new();
    let moved = "HTTP/1.1 307 Moved\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (url, served) = serve_one(&authority, moved);
    let clients = Clients::build(&trusting(&authority)).expect("clients");
    let answer = clients
        .http
        .post(url)
        .body("subject_token=secret")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 307);
    served.join().expect("served");
}

#[test]
fn a_machine_without_authorities_trusts_the_built_in_and_the_configured_ones() {
    let provider = Arc::new(aws_lc_rs::default_provider());
    assert!(bundled(std::iter::empty(), &provider).is_ok());
    let extra = trusting(&Authority::new()).ca.expect("authorities").roots;
    assert!(bundled(extra.into_iter(), &provider).is_ok());
    let broken = CertificateDer::from(vec![0; 4]);
    assert!(bundled(std::iter::once(broken), &provider).is_err());
}

#[test]
fn upstreams_are_offered_http_1_alone() {
    let clients = Clients::build(&Outbound::default()).expect("clients");
    assert_eq!(clients.tls.alpn_protocols, [b"http/1.1".to_vec()]);
    assert!(!clients.tls.enable_early_data);
}
