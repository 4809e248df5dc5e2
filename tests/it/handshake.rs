use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::{cipher_suite, kx_group};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ALL_VERSIONS, ClientConfig, ClientConnection, HandshakeKind, NamedGroup, ProtocolVersion,
    SupportedCipherSuite,
};
use testbed::{Authority, Databricks, Idp};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::harness::tls::{ciphering, exchanging, handshake, presenting, speaking, trusting};
use crate::harness::{Call, Client, Gateway, ME, forwarded};

struct World {
    idp: Idp,
    databricks: Databricks,
    authority: Authority,
    gateway: Gateway,
}

impl World {
    /// A gateway whose certificate is signed by `authority`, with more keys in `tls`.
    async fn new(more: &str) -> Self {
        Self::asking(more, &Authority::new()).await
    }

    /// `clients.pem` stands beside the configuration.
    async fn asking(more: &str, clients: &Authority) -> Self {
        let (idp, authority) = (Idp::start().await, Authority::new());
        let databricks = Databricks::start(&idp).await;
        let (chain, key) = authority.server_pem(&[]);
        let gateway = Gateway::in_front_of(&databricks, &idp)
            .file("tls.crt", &chain)
            .file("tls.key", &key)
            .file("clients.pem", &clients.ca_pem())
            .and_listener()
            .server(&format!(
                "tls = {{ cert = \"tls.crt\", key = \"tls.key\"{more} }}"
            ))
            .start()
            .await;
        Self {
            idp,
            databricks,
            authority,
            gateway,
        }
    }

    async fn connect(&self, config: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
        handshake(Arc::clone(config), self.gateway.address()).await
    }

    /// One call as alice; `None` when the connection ends instead.
    async fn call(&self, stream: TlsStream<TcpStream>) -> Option<Client> {
        let mut client = Client::over(stream, "localhost").await;
        let call = Call::get(ME).bearer(&self.idp.mint("alice"));
        let answer = client.try_send(call).await.ok()?;
        assert_eq!(answer.user(), "alice");
        Some(client)
    }

    /// Whether a client that connects like this is served.
    async fn serves(&self, config: &Arc<ClientConfig>) -> bool {
        match self.connect(config).await {
            Ok(stream) => self.call(stream).await.is_some(),
            Err(_) => false,
        }
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() {
    let world = World::new("").await;
    for (version, agreed) in [
        (&TLS12, ProtocolVersion::TLSv1_2),
        (&TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let stream = world
            .connect(&speaking(&world.authority, &[version]))
            .await
            .unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(agreed));
        assert!(world.call(stream).await.is_some());
    }
}

#[tokio::test]
async fn tls_1_2_can_be_switched_off() {
    let world = World::new(", min_version = \"1.3\"").await;
    let old = world.connect(&speaking(&world.authority, &[&TLS12])).await;
    assert!(old.unwrap_err().to_string().contains("ProtocolVersion"));
    assert!(world.serves(&speaking(&world.authority, &[&TLS13])).await);
}

#[tokio::test]
async fn the_key_exchange_is_post_quantum_where_the_client_can() {
    let world = World::new("").await;
    let group = |stream: &TlsStream<TcpStream>| {
        let group = stream.get_ref().1.negotiated_key_exchange_group();
        group.expect("a group").name()
    };
    let stream = world.connect(&trusting(&world.authority)).await.unwrap();
    assert_eq!(group(&stream), NamedGroup::X25519MLKEM768);
    let older = exchanging(&world.authority, &[kx_group::X25519]);
    let stream = world.connect(&older).await.unwrap();
    assert_eq!(group(&stream), NamedGroup::X25519);
    assert!(world.call(stream).await.is_some());
}

#[tokio::test]
async fn the_cipher_is_aes_128_unless_the_client_names_nothing_but_others() {
    use cipher_suite::*;
    let world = World::new("").await;
    let agreed = async |named: &[SupportedCipherSuite]| {
        let client = ciphering(&world.authority, named);
        let stream = world.connect(&client).await.unwrap();
        let suite = stream.get_ref().1.negotiated_cipher_suite();
        assert!(world.call(stream).await.is_some());
        suite.expect("a suite").suite()
    };
    // As OpenSSL's clients name them, and those that have no instructions for AES.
    let usual = [
        TLS13_AES_256_GCM_SHA384,
        TLS13_CHACHA20_POLY1305_SHA256,
        TLS13_AES_128_GCM_SHA256,
    ];
    assert_eq!(agreed(&usual).await, TLS13_AES_128_GCM_SHA256.suite());
    let usual = [
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ];
    assert_eq!(
        agreed(&usual).await,
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256.suite()
    );
    for only in [
        TLS13_AES_256_GCM_SHA384,
        TLS13_CHACHA20_POLY1305_SHA256,
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ] {
        assert_eq!(agreed(&[only]).await, only.suite());
    }
}

#[tokio::test]
async fn a_session_is_resumed_at_every_worker_and_every_listener() {
    let world = World::new("").await;
    let addresses = world.gateway.addresses();
    for version in [&TLS12, &TLS13] {
        let config = speaking(&world.authority, &[version]);
        // Each stays open, so that the next connection goes to the other worker.
        let mut open = Vec::new();
        for address in addresses.iter().chain(&addresses) {
            let stream = handshake(Arc::clone(&config), *address).await.unwrap();
            let expected = if open.is_empty() {
                HandshakeKind::Full
            } else {
                HandshakeKind::Resumed
            };
            assert_eq!(
                stream.get_ref().1.handshake_kind(),
                Some(expected),
                "{version:?} at {address}"
            );
            // In TLS 1.3, the tickets come with the first answer.
            open.push(world.call(stream).await.unwrap());
        }
    }
}

#[tokio::test]
async fn a_resumed_session_offers_no_early_data() {
    let world = World::new("").await;
    let mut config = ClientConfig::clone(&trusting(&world.authority));
    config.enable_early_data = true;
    let config = Arc::new(config);
    assert!(world.serves(&config).await);
    let name = ServerName::try_from("localhost").unwrap();
    let mut offer = ClientConnection::new(Arc::clone(&config), name).unwrap();
    assert!(
        offer.early_data().is_none(),
        "a replayed request would be served twice"
    );
    // The offer has used the one ticket up.
    assert!(world.serves(&config).await);
    let stream = world.connect(&config).await.unwrap();
    assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[tokio::test]
async fn the_name_in_the_handshake_decides_nothing_and_the_host_everything() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let (first, second) = (Databricks::start(&idp).await, Databricks::start(&idp).await);
    let gateway = Gateway::bare()
        .and_issuer(idp.issuer())
        .and_workspace(&first)
        .workspace("hosts = [\"localhost\"]")
        .workspace("name = \"first\"")
        .and_workspace(&second)
        .workspace("hosts = [\"second.example.com\"]")
        .workspace("name = \"second\"")
        .tls(&authority)
        .start()
        .await;
    let mut nameless = ClientConfig::clone(&trusting(&authority));
    nameless.enable_sni = false;
    for config in [trusting(&authority), Arc::new(nameless)] {
        let stream = handshake(config, gateway.address()).await.unwrap();
        let mut client = Client::over(stream, "second.example.com").await;
        let call = Call::get(ME).bearer(&idp.mint("alice"));
        assert_eq!(client.send(call).await.user(), "alice");
    }
    assert_eq!((forwarded(&first).len(), forwarded(&second).len()), (0, 2));
}

#[tokio::test]
async fn where_client_certificates_are_required_nobody_connects_without_a_good_one() {
    let clients = Authority::new();
    let world = World::asking(", client_ca = \"clients.pem\"", &clients).await;
    let presenting = |pem: &(String, String)| presenting(&world.authority, pem, ALL_VERSIONS);
    assert!(world.serves(&presenting(&clients.client_pem("a"))).await);

    assert!(!world.serves(&trusting(&world.authority)).await, "none at all");
    for version in [&TLS12, &TLS13] {
        assert!(!world.serves(&speaking(&world.authority, &[version])).await);
    }
    let strangers = presenting(&Authority::new().client_pem("a"));
    assert!(!world.serves(&strangers).await, "another authority's");
    let servers = presenting(&clients.server_pem(&[]));
    assert!(!world.serves(&servers).await, "for another purpose");
    assert_eq!(forwarded(&world.databricks).len(), 1);
}

#[tokio::test]
async fn where_they_are_optional_one_that_is_presented_must_be_good() {
    let clients = Authority::new();
    let more = ", client_ca = \"clients.pem\", client_auth = \"optional\"";
    let world = World::asking(more, &clients).await;
    let presenting = |pem: &(String, String)| presenting(&world.authority, pem, ALL_VERSIONS);
    assert!(world.serves(&trusting(&world.authority)).await);
    assert!(world.serves(&presenting(&clients.client_pem("a"))).await);
    let strangers = presenting(&Authority::new().client_pem("a"));
    assert!(!world.serves(&strangers).await);
}

#[tokio::test]
async fn a_client_certificate_replaces_no_token() {
    let clients = Authority::new();
    let world = World::asking(", client_ca = \"clients.pem\"", &clients).await;
    let config = presenting(&world.authority, &clients.client_pem("alice"), ALL_VERSIONS);
    let mut client = Client::over(world.connect(&config).await.unwrap(), "localhost").await;
    client.send(Call::get(ME)).await.failure(401, "NO_CREDENTIAL");
}

#[tokio::test]
async fn client_certificates_are_judged_anew_for_every_connection() {
    let clients = Authority::new();
    let world = World::asking(", client_ca = \"clients.pem\"", &clients).await;
    for version in [&TLS12, &TLS13] {
        let config = presenting(&world.authority, &clients.client_pem("a"), &[version]);
        for _ in 0..3 {
            let stream = world.connect(&config).await.unwrap();
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
            assert!(world.call(stream).await.is_some());
        }
    }
}
