use std::collections::BTreeSet;
use std::time::Duration;

use super::{Freshness, Quoted, Rejection};
use crate::UnixTime;

const AT: UnixTime = UnixTime::from_seconds(1_795_467_600);

fn all() -> Vec<Rejection> {
    let issuer = || "https://idp.example".to_owned();
    let quoted = || Quoted::new("presented");
    vec![
        Rejection::KeysUnavailable { issuer: issuer() },
        Rejection::TooLarge { size: 20_000 },
        Rejection::Malformed("it has no dots"),
        Rejection::DatabricksToken { issuer: None },
        Rejection::KeyInHeader { parameter: "jwk" },
        Rejection::ExtensionNotSupported { parameter: "crit" },
        Rejection::TypeNotAllowed { presented: quoted() },
        Rejection::AlgorithmNotAllowed { presented: quoted() },
        Rejection::AlgorithmMismatch {
            presented: "RS256",
            of_key: "ES256",
        },
        Rejection::IssuerTrailingSlash {
            presented: quoted(),
            configured: issuer(),
        },
        Rejection::UnknownIssuer {
            presented: quoted(),
            configured: issuer(),
        },
        Rejection::UnknownKey {
            kid: quoted(),
            issuer: issuer(),
            freshness: Freshness::Refetched,
        },
        Rejection::KeyNotNamed {
            issuer: issuer(),
            algorithm: "RS256",
            candidates: 2,
        },
        Rejection::BadSignature { issuer: issuer() },
        Rejection::MissingClaim { claim: "exp" },
        Rejection::WrongType {
            member: "exp",
            expected: "a number",
        },
        Rejection::WrongAudience {
            presented: "a".to_owned(),
            expected: "b".to_owned(),
        },
        Rejection::Expired {
            at: AT,
            ago: Duration::from_secs(720),
        },
        Rejection::ExpiresTooSoon { at: AT },
        Rejection::NotYetValid {
            claim: "nbf",
            at: AT,
            ahead: Duration::from_secs(3600),
        },
    ]
}

#[test]
fn codes_are_stable_names_and_unique() {
    let codes: BTreeSet<_> = all().iter().map(Rejection::code).collect();
    assert_eq!(codes.len(), all().len());
    for code in codes {
        assert!(code.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{code}");
    }
}

#[test]
fn messages_begin_in_lower_case_and_end_without_a_full_stop() {
    for rejection in all() {
        let message = rejection.to_string();
        assert!(
            message.starts_with(char::is_lowercase) && !message.ends_with('.'),
            "{message}"
        );
        assert!(message.is_ascii() && !message.contains('\n'), "{message}");
    }
}

/// Clients of Databricks retry whatever says one of these.
#[test]
fn messages_do_not_make_clients_retry() {
    for rejection in all() {
        let message = rejection.to_string();
        for magic in [
            "deadline exceeded",
            "Timed out after ",
            "ClusterNotReadyException",
            "worker env",
            "REQUEST_LIMIT_EXCEEDED",
            "Unexpected error",
            "Please try again later",
            "RPC token bucket limit has been exceeded",
        ] {
            assert!(!message.contains(magic), "{message}");
        }
    }
}

#[test]
fn only_missing_keys_are_temporary() {
    let temporary: Vec<_> = all().into_iter().filter(Rejection::is_temporary).collect();
    assert!(matches!(
        temporary.as_slice(),
        [Rejection::KeysUnavailable { .. }]
    ));
}

#[test]
fn an_expired_token_is_told_since_when() {
    let message = Rejection::Expired {
        at: AT,
        ago: Duration::from_secs(725),
    }
    .to_string();
    assert_eq!(
        message,
        "the token expired 12 minutes ago, at 2026-11-23T21:00:00Z; get a new one from the identity provider"
    );
}

#[test]
fn time_spans_are_told_in_their_largest_unit() {
    let told = |seconds| super::Span(Duration::from_secs(seconds)).to_string();
    assert_eq!(told(0), "0 seconds");
    assert_eq!(told(1), "1 second");
    assert_eq!(told(60), "1 minute");
    assert_eq!(told(7_199), "1 hour");
    assert_eq!(told(200_000), "2 days");
}

#[test]
fn what_came_with_the_token_is_quoted_harmlessly() {
    assert_eq!(
        Quoted::new("https://a.example/\r\nX: \u{202e}\"é").as_str(),
        "https://a.example/??X:??\"?"
    );
    assert_eq!(Quoted::new(&"a".repeat(1_000)).as_str().len(), 200);
    assert_eq!(Quoted::new("").to_string(), "(empty)");
    assert!(
        !Quoted::new("deadline exceeded")
            .to_string()
            .contains("deadline exceeded")
    );
}
