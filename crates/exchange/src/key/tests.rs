use std::collections::HashSet;

use identity::UnixTime;
use proptest::prelude::*;
use url::Url;

use super::*;
use crate::{ClientId, FederationPolicy, Scope, TokenEndpoint};

/// Everything that shapes an answer, as plain values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Parts {
    subject: [u8; 32],
    expiry: Option<u32>,
    endpoint: String,
    client_id: Option<String>,
    scope: String,
}

impl Parts {
    fn key(&self) -> Key {
        Key::of(&KeyParts::from_parts(
            &self.subject,
            self.expiry.map(|end| Expiry(UnixTime::from_seconds(end.into()))),
            &self.grant(),
        ))
    }

    fn grant(&self) -> Grant {
        let policy = self
            .client_id
            .as_ref()
            .map_or(FederationPolicy::AccountWide, |id| {
                FederationPolicy::ServicePrincipal(ClientId::new(id.as_str()).unwrap())
            });
        let endpoint = TokenEndpoint::at(Url::parse(&self.endpoint).unwrap());
        Grant::new(endpoint, policy, Scope::new(self.scope.as_str()).unwrap())
    }
}

/// Few values each, so that neighbours often differ in one field only, or hold each other's bytes.
fn parts() -> impl Strategy<Value = Parts> {
    (
        prop_oneof![Just([0; 32]), Just([1; 32]), any::<[u8; 32]>()],
        proptest::option::of(prop_oneof![0..3_u32, any::<u32>()]),
        prop_oneof![Just("https://a/".to_owned()), "https://a/[ab]{0,3}"],
        proptest::option::of("[ab]{1,3}"),
        "[ab]{1,3}( [ab]{1,2})?",
    )
        .prop_map(|(subject, expiry, endpoint, client_id, scope)| Parts {
            subject,
            expiry,
            endpoint,
            client_id,
            scope,
        })
}

proptest! {
    #[test]
    fn two_keys_are_equal_exactly_when_all_parts_are(one in parts(), other in parts()) {
        prop_assert_eq!(one == other, one.key() == other.key());
        prop_assert_eq!(one.key(), one.clone().key());
    }

    #[test]
    fn bytes_that_move_to_a_neighbouring_field_make_another_key(
        whole in "[ab]{3,8}", cut in 1..3_usize, other_cut in 1..3_usize,
    ) {
        let split = |at: usize| Parts {
            subject: [7; 32],
            expiry: Some(7),
            endpoint: "https://a/".to_owned(),
            client_id: Some(whole[..at].to_owned()),
            scope: whole[at..].to_owned(),
        };
        prop_assert_eq!(cut == other_cut, split(cut).key() == split(other_cut).key());
    }
}

#[test]
fn every_field_alone_makes_another_key() {
    let base = Parts {
        subject: [1; 32],
        expiry: Some(100),
        endpoint: "https://a/oidc/v1/token".to_owned(),
        client_id: None,
        scope: "all-apis".to_owned(),
    };
    let others = [
        Parts {
            subject: [2; 32],
            ..base.clone()
        },
        Parts {
            expiry: Some(101),
            ..base.clone()
        },
        Parts {
            expiry: None,
            ..base.clone()
        },
        Parts {
            endpoint: "https://b/oidc/v1/token".to_owned(),
            ..base.clone()
        },
        Parts {
            client_id: Some("all-apis".to_owned()),
            ..base.clone()
        },
        Parts {
            scope: "sql".to_owned(),
            ..base.clone()
        },
    ];
    let keys: HashSet<[u8; 32]> = others.iter().chain([&base]).map(|parts| parts.key().0).collect();
    assert_eq!(keys.len(), 7);
}

#[test]
fn the_hash_is_taken_from_the_key() {
    let hash = |key: Key| KeyHasher::default().hash_one(key);
    assert_eq!(hash(Key([1; 32])), u64::from_ne_bytes([1; 8]));
    assert_ne!(hash(Key([1; 32])), hash(Key([2; 32])));
}
