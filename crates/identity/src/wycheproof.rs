//! The JOSE vectors of C2SP/wycheproof, read from the folder that `WYCHEPROOF_DIR` names.
//!
//! In scope is every JWS whose key is RSA or EC; a vector is accepted exactly when it is valid and
//! signed with RS256 or ES256 by a key that says so, or says nothing.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::jws::Jws;
use crate::key_set::KeySet;

fn folder() -> Option<PathBuf> {
    std::env::var_os("WYCHEPROOF_DIR").map(PathBuf::from)
}

/// Signature, header and key, without the claims: the vectors sign any text.
fn accepts(keys: &Value, jws: &str) -> bool {
    let Ok(keys) = KeySet::parse(keys.to_string().as_bytes()) else {
        return false;
    };
    let Ok(jws) = Jws::parse(jws.as_bytes()) else {
        return false;
    };
    keys.choose(&jws.header).is_ok_and(|key| key.signed(&jws))
}

/// Judges every vector of `file` that is in scope; returns how many there were and which were judged wrong.
fn judge(file: &str) -> Option<(usize, Vec<String>)> {
    let text = std::fs::read_to_string(folder()?.join(file)).expect("WYCHEPROOF_DIR holds the vectors");
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut judged = 0;
    let mut wrong = Vec::new();
    for group in document["testGroups"].as_array().unwrap() {
        let Some(public) = group.get("public") else {
            continue;
        };
        let keys = if public.get("keys").is_some() {
            public.clone()
        } else {
            serde_json::json!({ "keys": [public] })
        };
        for test in group["tests"].as_array().unwrap() {
            let Some(jws) = test["jws"].as_str() else { continue };
            judged += 1;
            let expected = test["result"] == "valid" && is_ours(jws);
            if accepts(&keys, jws) != expected {
                wrong.push(format!("{} {}", test["tcId"], test["comment"]));
            }
        }
    }
    Some((judged, wrong))
}

fn is_ours(jws: &str) -> bool {
    let header = crate::base64url::decode(jws.split('.').next().unwrap().as_bytes()).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    header["alg"] == "RS256" || header["alg"] == "ES256"
}

#[test]
fn every_vector_in_scope_is_judged_right() {
    for file in [
        "json_web_signature_test.json",
        "json_web_key_test.json",
        "json_web_crypto_test.json",
    ] {
        match judge(file) {
            None => told(&format!(
                "SKIPPED: WYCHEPROOF_DIR is not set, so {file} was not read"
            )),
            Some((judged, wrong)) => {
                assert!(judged > 0, "{file} holds no vector in scope");
                assert!(
                    wrong.is_empty(),
                    "{} of {judged} judged wrong: {wrong:#?}",
                    wrong.len()
                );
                told(&format!("{judged} vectors of {file} judged right"));
            }
        }
    }
}

/// Past the test harness, which hides what a passing test prints.
fn told(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}
