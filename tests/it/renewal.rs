use std::sync::Arc;

use rustls::{ClientConfig, HandshakeKind};
use testbed::{Authority, Databricks, Idp};

use crate::harness::tls::{handshake, presenting, trusting};
use crate::harness::{Call, Client, Gateway, ME, eventually};

/// A gateway under a certificate of `authority`, and a JWT for it.
async fn serving(authority: &Authority) -> (Gateway, String) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(authority)
        .start()
        .await;
    (gateway, idp.mint("alice"))
}

/// Replaces certificate and key by a pair of `authority`.
fn renew(gateway: &Gateway, authority: &Authority) {
    let (chain, key) = authority.server_pem(&[]);
    gateway.replace(&[("tls.crt", &chain), ("tls.key", &key)]);
}

/// Whether a new connection can be made by a client like this.
async fn connects(gateway: &Gateway, config: Arc<ClientConfig>) -> bool {
    handshake(config, gateway.address()).await.is_ok()
}

async fn connects_trusting(gateway: &Gateway, authority: &Authority) -> bool {
    connects(gateway, trusting(authority)).await
}

#[tokio::test]
async fn a_renewed_certificate_is_served_within_seconds_and_no_connection_is_dropped() {
    let (old, new) = (Authority::new(), Authority::new());
    let (gateway, token) = serving(&old).await;
    let me = || Call::get(ME).bearer(&token);
    let mut before = gateway.tls_client(&old).await;
    assert_eq!(before.send(me()).await.user(), "alice");

    renew(&gateway, &new);
    eventually("the new certificate is served", async || {
        connects_trusting(&gateway, &new).await
    })
    .await;
    assert!(!connects_trusting(&gateway, &old).await);
    assert_eq!(before.send(me()).await.user(), "alice");
    let mut after = gateway.tls_client(&new).await;
    assert_eq!(after.send(me()).await.user(), "alice");
    assert_eq!(gateway.health().certificate_renewals().1, 0);
}

#[tokio::test]
async fn a_pair_that_is_broken_is_refused_and_the_old_one_stays() {
    let (old, new) = (Authority::new(), Authority::new());
    let (gateway, token) = serving(&old).await;
    let (chain, key) = new.server_pem(&[]);
    let broken: [&[(&str, &str)]; 4] = [
        &[("tls.crt", &chain)],
        &[("tls.key", "no key")],
        &[(
            "tls.crt",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )],
        &[("tls.crt", ""), ("tls.key", "")],
    ];
    for (judged, files) in (1..).zip(broken) {
        gateway.replace(files);
        gateway.reload();
        eventually("the files are judged", async || {
            // The two files of the last case may be seen one by one.
            gateway.health().certificate_renewals().1 >= judged
        })
        .await;
        let mut client = gateway.tls_client(&old).await;
        assert_eq!(client.send(Call::get(ME).bearer(&token)).await.user(), "alice");
    }
    assert_eq!(gateway.health().certificate_renewals().0, 0);
    let (_, metrics) = gateway.admin("/metrics").await;
    assert!(metrics.contains("lakegate_certificate_renewals_total{outcome=\"renewed\"} 0"));

    gateway.replace(&[("tls.crt", &chain), ("tls.key", &key)]);
    gateway.reload();
    eventually("what is whole again is served", async || {
        connects_trusting(&gateway, &new).await
    })
    .await;
}

#[tokio::test]
async fn a_session_outlives_a_renewal() {
    let authority = Authority::new();
    let (gateway, token) = serving(&authority).await;
    let config = trusting(&authority);
    let stream = handshake(Arc::clone(&config), gateway.address()).await.unwrap();
    let mut client = Client::over(stream, "localhost").await;
    assert_eq!(client.send(Call::get(ME).bearer(&token)).await.user(), "alice");

    renew(&gateway, &authority);
    gateway.reload();
    eventually("the new certificate is served", async || {
        gateway.health().certificate_renewals().0 == 1
    })
    .await;
    let stream = handshake(config, gateway.address()).await.unwrap();
    assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[tokio::test]
async fn the_authority_of_clients_is_renewed_too() {
    let (server, old, new) = (Authority::new(), Authority::new(), Authority::new());
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let (chain, key) = server.server_pem(&[]);
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .file("tls.crt", &chain)
        .file("tls.key", &key)
        .file("clients.pem", &old.ca_pem())
        .server("tls = { cert = \"tls.crt\", key = \"tls.key\", client_ca = \"clients.pem\" }")
        // TLS 1.2, where a client knows at the end of the handshake whether its certificate was good.
        .start()
        .await;
    let of =
        |authority: &Authority| presenting(&server, &authority.client_pem("a"), &[&rustls::version::TLS12]);
    assert!(connects(&gateway, of(&old)).await && !connects(&gateway, of(&new)).await);
    gateway.replace(&[("clients.pem", &new.ca_pem())]);
    gateway.reload();
    let client = of(&new);
    eventually("the new authority is believed", async || {
        connects(&gateway, Arc::clone(&client)).await
    })
    .await;
    assert!(!connects(&gateway, of(&old)).await, "and the old one is not");
}
