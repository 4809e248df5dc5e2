//! Who called, with identities that were really verified.

use identity::{Audience, BearerToken, FixedKeys, Identity, Issuer, KeySource, Verifier};
use testbed::Idp;

use super::{access_line, log, record};
use crate::config::{LogFormat, Outbound, SubjectKey, Subjects};
use crate::outbound::Clients;
use crate::telemetry::subject::Naming;

const ALICE: &str = "alice@example.com";

/// Alice, and the token that proves it.
async fn alice() -> (Identity, String) {
    let idp = Idp::start().await;
    let token = idp.mint(ALICE);
    (verified(&idp, token.clone()).await, token)
}

async fn verified(idp: &Idp, token: String) -> Identity {
    let issuer = Issuer {
        url: idp.issuer().to_owned(),
        audiences: vec![Audience("databricks-gateway".to_owned())],
        keys: KeySource::Fixed(FixedKeys::parse(idp.jwks().as_bytes()).expect("keys")),
        identity_claims: None,
    };
    let http = Clients::build(&Outbound::default()).expect("clients").http;
    let (verifier, _keys) = Verifier::builder(vec![issuer], http).build();
    verifier
        .verify(BearerToken::new(token))
        .await
        .expect("a good token")
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

#[tokio::test]
async fn everybody_keeps_a_name_of_their_own() {
    let idp = Idp::start().await;
    let alice = verified(&idp, idp.mint(ALICE)).await;
    let naming = Naming::new(&Subjects::Hash(SubjectKey::Random));
    let name = |who: &Identity| {
        naming
            .name(who)
            .map(std::borrow::Cow::into_owned)
            .expect("a name")
    };
    let first = name(&alice);
    assert!(
        first.len() == 16 && first.chars().all(|c| c.is_ascii_hexdigit()),
        "{first}"
    );
    for number in 0..3 {
        let other = verified(&idp, idp.mint(&format!("{number}@example.com"))).await;
        assert_ne!(name(&other), first);
        assert_eq!(name(&alice), first);
    }
}

#[tokio::test]
async fn a_fixed_key_gives_the_same_hash_everywhere() {
    let (alice, _) = alice().await;
    let name = |subjects| {
        Naming::new(&subjects)
            .name(&alice)
            .map(std::borrow::Cow::into_owned)
    };
    let fixed = || name(Subjects::Hash(SubjectKey::Fixed(vec![7; 32])));
    let random = || name(Subjects::Hash(SubjectKey::Random));
    assert!(fixed().is_some() && fixed() == fixed());
    assert_ne!(random(), random());
}
