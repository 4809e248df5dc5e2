use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use testbed::{Authority, Databricks, Idp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::harness::{Call, Gateway, ME, forwarded};

#[tokio::test]
async fn callers_speak_tls_to_the_gateway() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .start()
        .await;
    let mut client = gateway.tls_client(&authority).await;
    for user in ["alice", "bob"] {
        let call = Call::get(ME).bearer(&idp.mint(user));
        assert_eq!(client.send(call).await.user(), user);
    }
    let config = client.send(Call::get("/.well-known/databricks-config")).await;
    let oidc = format!("https://localhost:{}/oidc", gateway.address().port());
    assert_eq!(config.json()["oidc_endpoint"], oidc);
}

#[tokio::test]
async fn a_tls_port_answers_nothing_in_the_clear() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .start()
        .await;
    let mut wire = gateway.wire().await;
    wire.say(format!(
        "GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        idp.mint("alice")
    ))
    .await;
    assert!(!String::from_utf8_lossy(&wire.rest().await).contains("HTTP"));
    assert_eq!(databricks.token_calls(), 0);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_to_an_end_is_cut_off() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .server("tls_handshake_timeout = \"200ms\"")
        .start()
        .await;
    let mut wire = gateway.wire().await;
    wire.say([22, 3, 1]).await;
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test]
async fn everything_behind_the_gateway_may_speak_tls_under_a_private_authority() {
    let authority = Authority::new();
    let idp = Idp::builder().tls(&authority).start().await;
    let databricks = Databricks::builder().trust(&idp).tls(&authority).start().await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .trust(&authority)
        .start()
        .await;
    let mut client = gateway.client().await;
    for user in ["alice", "bob"] {
        let call = Call::get(ME).bearer(&idp.mint(user));
        assert_eq!(client.send(call).await.user(), user);
    }
    assert_eq!(gateway.counters().upstream_opened, 1);
}

#[tokio::test]
async fn a_large_upload_arrives_whole_at_a_workspace_that_speaks_tls() {
    let authority = Authority::new();
    let idp = Idp::start().await;
    let databricks = Databricks::builder().trust(&idp).tls(&authority).start().await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .trust(&authority)
        .start()
        .await;
    let mut client = gateway.client().await;
    for length in [1, 16_384, 16 << 20] {
        let call = Call::post("/testbed/echo").bearer(&idp.mint("alice"));
        let echo = client.send(call.body(vec![b'x'; length])).await.json();
        assert_eq!(echo["body_bytes"], length);
    }
}

/// Without a length the end of the connection is the answer's, and anybody on the way can end a TCP connection.
#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_whole_only_where_the_workspace_has_said_so() {
    let (authority, idp) = (Authority::new(), Idp::start().await);
    let databricks = Databricks::start(&idp).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://{}", listener.local_addr().expect("a bound socket"));
    let gateway = Gateway::in_front_of_url(&url, &databricks, &idp)
        .trust(&authority)
        .start()
        .await;
    tokio::spawn(until_close(listener, serving(&authority)));
    for (path, is_whole) in [("/said", true), ("/unsaid", false)] {
        let mut wire = gateway.wire().await;
        let token = idp.mint("alice");
        wire.say(format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        ))
        .await;
        // The head may be cut off as well, if it comes with the end.
        let answer = wire.rest().await;
        let whole = b"4\r\npart\r\n0\r\n\r\n";
        assert_eq!(
            answer.ends_with(whole),
            is_whole,
            "{path}: {}",
            answer.escape_ascii()
        );
        assert!(!answer.ends_with(b"0\r\n\r\n") || is_whole, "{path}");
    }
}

/// Answers in no given length, and ends the session where it is asked for `/said`.
async fn until_close(listener: TcpListener, config: Arc<ServerConfig>) {
    let acceptor = TlsAcceptor::from(config);
    loop {
        let (socket, _) = listener.accept().await.expect("a connection");
        let Ok(mut session) = acceptor.accept(socket).await else {
            continue;
        };
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(session.read_u8().await.expect("a head"));
        }
        let answer = b"HTTP/1.1 200 OK\r\n\r\npart";
        session.write_all(answer).await.expect("a reader");
        session.flush().await.expect("a reader");
        if head.starts_with(b"GET /said ") {
            session.shutdown().await.expect("a reader");
        }
    }
}

fn serving(authority: &Authority) -> Arc<ServerConfig> {
    let (chain, key) = authority.server_pem(&["127.0.0.1"]);
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let builder =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let config = builder
        .with_no_client_auth()
        .with_single_cert(chain.expect("a chain"), key);
    Arc::new(config.expect("a pair"))
}

#[tokio::test]
async fn a_workspace_that_is_not_whom_it_says_is_never_sent_a_token() {
    let idp = Idp::start().await;
    let genuine = Databricks::start(&idp).await;
    let impostor = Databricks::builder()
        .trust(&idp)
        .tls(&Authority::new())
        .start()
        .await;
    let gateway = Gateway::in_front_of_url(impostor.url(), &genuine, &idp)
        .trust(&Authority::new())
        .start()
        .await;
    let answer = gateway.get(ME, &idp.mint("alice")).await;
    answer.failure(503, "UPSTREAM_UNREACHABLE");
    assert_eq!(impostor.seen().len(), 0);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_the_workspaces() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::builder().trust(&idp).tls(&authority).start().await;
    let elsewhere = databricks.url().replace("localhost", "127.0.0.2");
    let token_url = format!("token_url = \"{}/oidc/v1/token\"", databricks.url());
    let gateway = Gateway::bare()
        .and_issuer(idp.issuer())
        .and_workspace_at(&elsewhere)
        .workspace(&token_url)
        .trust(&authority)
        .start()
        .await;
    gateway
        .get(ME, &idp.mint("alice"))
        .await
        .failure(503, "UPSTREAM_UNREACHABLE");
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn a_token_endpoint_that_is_not_whom_it_says_is_never_sent_a_jwt() {
    let idp = Idp::start().await;
    let genuine = Databricks::start(&idp).await;
    let impostor = Databricks::builder()
        .trust(&idp)
        .tls(&Authority::new())
        .start()
        .await;
    let gateway = Gateway::in_front_of_url(genuine.url(), &impostor, &idp)
        .start()
        .await;
    gateway
        .get(ME, &idp.mint("alice"))
        .await
        .failure(503, "EXCHANGE_UNAVAILABLE");
    assert_eq!((impostor.token_calls(), forwarded(&genuine).len()), (0, 0));
}

#[tokio::test]
async fn an_issuer_that_is_not_whom_it_says_gives_no_keys() {
    let (genuine, impostor) = (
        Idp::start().await,
        Idp::builder().tls(&Authority::new()).start().await,
    );
    let databricks = Databricks::builder()
        .trust(&genuine)
        .trust(&impostor)
        .start()
        .await;
    let gateway = Gateway::in_front_of(&databricks, &genuine)
        .and_issuer(impostor.issuer())
        .start_cold();
    let answer = gateway.get(ME, &impostor.mint("alice")).await;
    answer.failure(503, "JWT_KEYS_UNAVAILABLE");
    assert_eq!(impostor.discovery_fetches(), 0);
}
