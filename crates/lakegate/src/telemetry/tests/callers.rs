//! Who called, with identities that were really verified.

use std::collections::HashMap;

use identity::{Audience, BearerToken, FixedKeys, Identity, Issuer, KeySource, Verifier};
use testbed::Idp;

use super::{access_line, log, record};
use crate::config::{LogFormat, Outbound, SubjectKey, Subjects};
use crate::outbound::Clients;
use crate::telemetry::access::callers::{Callers, place_of};
use crate::telemetry::subject::Naming;

const ALICE: &str = "alice@example.com";

/// Alice, and the token that proves it.
async fn alice() -> (Identity, String) {
    let idp = Idp::start().await;
    let token = idp.mint(ALICE);
    (verified(&verifier(&idp), token.clone()).await, token)
}

fn verifier(idp: &Idp) -> Verifier {
    let issuer = Issuer {
        url: idp.issuer().to_owned(),
        audiences: vec![Audience("databricks-gateway".to_owned())],
        keys: KeySource::Fixed(FixedKeys::parse(idp.jwks().as_bytes()).expect("keys")),
        identity_claims: None,
    };
    let http = Clients::build(&Outbound::default()).expect("clients").http;
    Verifier::builder(vec![issuer], http).build().0
}

async fn verified(verifier: &Verifier, token: String) -> Identity {
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

/// What lines say of callers under a key of their own.
fn callers() -> Callers {
    Callers::new(Naming::new(&Subjects::Hash(SubjectKey::Random)), LogFormat::Json)
}

fn told(callers: &Callers, who: &Identity) -> String {
    let mut out = Vec::new();
    callers.tell(who, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

#[tokio::test]
async fn everybody_keeps_a_name_of_their_own() {
    let idp = Idp::start().await;
    let verifier = verifier(&idp);
    let alice = verified(&verifier, idp.mint(ALICE)).await;
    let callers = callers();
    let first = told(&callers, &alice);
    let line: serde_json::Value = serde_json::from_str(&format!("{{\"who\":\"\"{first}}}")).expect("JSON");
    assert_eq!(line["issuer"], alice.issuer());
    let name = line["subject"].as_str().expect("a name");
    assert!(
        name.len() == 16 && name.chars().all(|c| c.is_ascii_hexdigit()),
        "{name}"
    );
    for number in 0..3 {
        let other = verified(&verifier, idp.mint(&format!("{number}@example.com"))).await;
        assert_ne!(told(&callers, &other), first);
        assert_eq!(told(&callers, &alice), first);
    }
}

/// Of so many callers, some share a place in what is remembered.
#[tokio::test]
async fn those_who_have_one_place_are_told_apart() {
    let idp = Idp::start().await;
    let (verifier, callers) = (verifier(&idp), callers());
    let mut places = HashMap::new();
    let (one, other) = loop {
        let name = format!("{}@example.com", places.len());
        let who = verified(&verifier, idp.mint(&name)).await;
        if let Some(one) = places.insert(place_of(&who.digest()), who.clone()) {
            break (one, who);
        }
    };
    let names = [told(&callers, &one), told(&callers, &other)];
    assert_ne!(names[0], names[1]);
    assert_eq!(names, [told(&callers, &one), told(&callers, &other)]);
}

#[tokio::test]
async fn a_subject_can_forge_no_line_and_steer_no_terminal() {
    let hostile = "a\nINFO access: forged\r\u{1b}[2J\u{7f}\" issuer=\"https://forged\\?";
    let idp = Idp::start().await;
    let mallory = verified(&verifier(&idp), idp.mint(hostile)).await;
    for format in [LogFormat::Json, LogFormat::Text] {
        let line = line(&mallory, format, Subjects::Clear);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(line.trim_end().chars().all(|c| !c.is_control()), "{line:?}");
        assert!(!line.contains("\" issuer=\"https://forged"), "{line}");
    }
    let json = line(&mallory, LogFormat::Json, Subjects::Clear);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["issuer"], mallory.issuer());
    let cleaned: String = hostile
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    assert_eq!(json["subject"], cleaned);
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
