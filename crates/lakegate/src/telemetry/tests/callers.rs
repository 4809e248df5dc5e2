//! Who called, with identities that were really verified.

use identity::{Audience, BearerToken, FixedKeys, Identity, Issuer, KeySource, Verifier};
use testbed::Idp;

use super::{access_line, log, record};
use crate::config::{LogFormat, Outbound, SubjectKey, Subjects};
use crate::outbound::Clients;

const ALICE: &str = "alice@example.com";

/// Alice, and the token that proves it.
async fn alice() -> (Identity, String) {
    let idp = Idp::start().await;
    let issuer = Issuer {
        url: idp.issuer().to_owned(),
        audiences: vec![Audience("databricks-gateway".to_owned())],
        keys: KeySource::Fixed(FixedKeys::parse(idp.jwks().as_bytes()).expect("keys")),
        identity_claims: None,
    };
    let http = Clients::build(&Outbound::default()).expect("clients").http;
    let (verifier, _keys) = Verifier::builder(vec![issuer], http).build();
    let token = idp.mint(ALICE);
    let identity = verifier
        .verify(BearerToken::new(token.clone()))
        .await
        .expect("verified");
    (identity, token)
}

fn line(identity: &Identity, format: LogFormat, subjects: Subjects) -> String {
    let record = proxy::AccessRecord {
        identity: Some(identity),
        passed_through: false,
        ..record("/", b"")
    };
    access_line(
        &crate::config::Log {
            subjects,
            ..log(format, "info")
        },
        &record,
    )
}

#[tokio::test]
async fn a_caller_appears_as_configured_and_the_token_never() {
    let (alice, token) = alice().await;
    for format in [LogFormat::Json, LogFormat::Text] {
        let clear = line(&alice, format, Subjects::Clear);
        let hash = line(&alice, format, Subjects::Hash(SubjectKey::Random));
        let off = line(&alice, format, Subjects::Off);
        assert!(clear.contains(ALICE), "{clear}");
        assert!(!hash.contains(ALICE) && hash.contains("subject"), "{hash}");
        assert!(!off.contains(ALICE) && !off.contains("subject"), "{off}");
        for line in [clear, hash, off] {
            assert!(line.contains(alice.issuer()), "{line}");
            assert!(token.split('.').all(|segment| !line.contains(segment)), "{line}");
        }
    }
}
