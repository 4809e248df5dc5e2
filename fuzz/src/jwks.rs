//! Whatever an issuer publishes as its keys: refused with a reason, or a set that can be used; and one bad key among good
//! ones spoils none of them.

use std::collections::HashMap;

use identity::FixedKeys;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::judge::{DOCUMENTED, DOCUMENTED_KEY, Judge};

/// Accepted keys are some of those that are published, and have not signed what others have; whatever is published beside a
/// good key, that key verifies.
pub fn check(document: &[u8]) {
    let published = published(document);
    match FixedKeys::parse(document) {
        Err(reason) => assert!(!reason.is_empty() && reason.len() < 4096, "{reason:?}"),
        Ok(keys) => {
            let published = published.as_ref().expect("accepted keys are an array of JSON");
            let judge = Judge::new(keys);
            assert!((1..=published.len().min(MOST)).contains(&judge.keys()));
            let admitted = judge.judge(DOCUMENTED).is_ok();
            assert!(!admitted || published.iter().any(|key| is_documented(key)));
        }
    }
    if let Some(published) = published
        && published.len() < MOST
    {
        beside_a_good_one(&published, judge_of(published.iter().copied()));
    }
}

/// A good key more, in front of the others and behind them, is one key more.
fn beside_a_good_one(published: &[&RawValue], alone: usize) {
    // A second key of that name makes both ambiguous.
    if published.iter().any(|key| may_be_named(key, "ec-1")) {
        return;
    }
    let good: Box<RawValue> = serde_json::from_str(DOCUMENTED_KEY).expect("JSON");
    let first = std::iter::once(&*good).chain(published.iter().copied());
    let last = published.iter().rev().copied().chain(std::iter::once(&*good));
    for document in [joined(first), joined(last)] {
        let keys = FixedKeys::parse(document.as_bytes()).expect("it holds a good key");
        let judge = Judge::new(keys);
        assert_eq!(judge.keys(), alone + 1);
        assert!(judge.judge(DOCUMENTED).is_ok(), "a good key was spoilt");
    }
}

/// How many of these keys are accepted.
fn judge_of<'a>(keys: impl Iterator<Item = &'a RawValue>) -> usize {
    FixedKeys::parse(joined(keys).as_bytes()).map_or(0, |keys| Judge::new(keys).keys())
}

fn joined<'a>(keys: impl Iterator<Item = &'a RawValue>) -> String {
    let keys: Vec<_> = keys.map(RawValue::get).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// The entries of `keys`, as another reader of the document sees them.
fn published(document: &[u8]) -> Option<Vec<&RawValue>> {
    let members: HashMap<String, &RawValue> = serde_json::from_slice(document).ok()?;
    serde_json::from_str(members.get("keys")?.get()).ok()
}

/// Whether any of its members could be read as this `kid`.
fn may_be_named(key: &RawValue, kid: &str) -> bool {
    let key: Option<Value> = serde_json::from_str(key.get()).ok();
    // A member that occurs twice hides from this reader; then the key is no good anyway.
    key.is_none_or(|key| key["kid"] == kid)
}

fn is_documented(key: &RawValue) -> bool {
    let documented: Value = serde_json::from_str(DOCUMENTED_KEY).expect("JSON");
    let key: Value = serde_json::from_str(key.get()).unwrap_or_default();
    key["x"] == documented["x"] && key["y"] == documented["y"]
}

/// The most keys that a document may hold.
const MOST: usize = 100;
