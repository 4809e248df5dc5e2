use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use super::*;
use crate::test_client::{get, get_tls};

/// The claims of `token`, if a key of `jwks` verifies it: jsonwebtoken's opinion.
fn verified(token: &str, jwks: &str) -> Option<HashMap<String, Value>> {
    let header = decode_header(token).unwrap();
    let set: JwkSet = serde_json::from_str(jwks).unwrap();
    let key = DecodingKey::from_jwk(set.find(header.kid.as_deref()?)?).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&["databricks-gateway"]);
    decode(token, &key, &validation).ok().map(|token| token.claims)
}

#[tokio::test]
async fn discovery_leads_to_the_keys_that_verify_the_tokens() {
    let idp = Idp::start().await;

    let discovered = get(&format!("{}/.well-known/openid-configuration", idp.issuer()), &[])
        .await
        .json();
    let jwks = get(discovered["jwks_uri"].as_str().unwrap(), &[]).await;

    assert_eq!(discovered["issuer"], idp.issuer());
    assert_eq!(jwks.text(), idp.jwks());
    assert_eq!((idp.discovery_fetches(), idp.jwks_fetches()), (1, 1));
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let claims = verified(&idp.token("alice").algorithm(algorithm).sign(), jwks.text()).unwrap();
        assert_eq!(
            (&claims["sub"], &claims["email"]),
            (&json!("alice"), &json!("alice"))
        );
        assert_eq!(claims["iss"], idp.issuer());
        assert_eq!(
            claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
            3600
        );
    }
    assert_ne!(
        idp.mint("alice"),
        idp.mint("alice"),
        "every token has a jti of its own"
    );
}

#[tokio::test]
async fn a_forged_token_differs_in_nothing_but_its_signature() {
    let idp = Idp::start().await;
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let token = idp.token("alice").algorithm(algorithm);
        let (signed, forged) = (token.clone().sign(), token.forge());
        assert_eq!(
            signed.rsplit_once('.').unwrap().0,
            forged.rsplit_once('.').unwrap().0
        );
        assert!(verified(&signed, &idp.jwks()).is_some());
        assert!(verified(&forged, &idp.jwks()).is_none());
    }
}

#[tokio::test]
async fn two_providers_share_no_key() {
    let (one, other) = (Idp::start().await, Idp::start().await);
    let keys = |idp: &Idp| serde_json::from_str::<Value>(&idp.jwks()).unwrap()["keys"].clone();
    for (ours, theirs) in keys(&one)
        .as_array()
        .unwrap()
        .iter()
        .zip(keys(&other).as_array().unwrap())
    {
        assert_ne!(ours["kid"], theirs["kid"]);
        assert!(ours["n"] != theirs["n"] || ours["x"] != theirs["x"]);
    }
}

#[tokio::test]
async fn rotation_adds_keys_and_withdrawal_takes_the_old_ones_out() {
    let idp = Idp::start().await;
    let old = idp.mint("alice");
    let kid = idp.kid(Algorithm::Rs256);

    idp.rotate();
    let new = idp.mint("alice");
    assert_ne!(idp.kid(Algorithm::Rs256), kid);
    assert!(verified(&old, &idp.jwks()).is_some() && verified(&new, &idp.jwks()).is_some());

    idp.withdraw_old_keys();
    assert!(verified(&old, &idp.jwks()).is_none() && verified(&new, &idp.jwks()).is_some());
}

#[tokio::test]
async fn a_withdrawn_key_never_comes_back_as_a_fresh_one() {
    let idp = Idp::start().await;
    let modulus = || serde_json::from_str::<Value>(&idp.jwks()).unwrap()["keys"][0]["n"].to_string();
    let mut moduli = HashSet::from([modulus()]);
    for _ in 0..4 {
        idp.rotate();
        idp.withdraw_old_keys();
        assert!(moduli.insert(modulus()));
    }
}

#[tokio::test]
async fn another_document_can_be_served_in_the_place_of_the_keys() {
    let idp = Idp::start().await;
    let truth = idp.jwks();
    idp.serve_jwks(Some("<html>".to_owned()));
    assert_eq!(get(&format!("{}/jwks", idp.issuer()), &[]).await.text(), "<html>");
    idp.serve_jwks(None);
    assert_eq!(get(&format!("{}/jwks", idp.issuer()), &[]).await.text(), truth);
}

#[tokio::test]
async fn header_and_claims_can_be_replaced_and_taken_out() {
    let idp = Idp::start().await;
    let token = idp
        .token("alice")
        .header("typ", json!(null))
        .header("x", json!(1));
    let token = token
        .claim("email", json!(null))
        .claim("groups", json!(["a"]))
        .expires_at(4_000_000_000)
        .sign();
    let claims = verified(&token, &idp.jwks()).unwrap();
    assert!(!claims.contains_key("email"));
    assert_eq!(
        (&claims["groups"], &claims["exp"]),
        (&json!(["a"]), &json!(4_000_000_000_u64))
    );
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(
        header,
        json!({"alg": "RS256", "kid": idp.kid(Algorithm::Rs256), "x": 1})
    );
}

#[tokio::test]
async fn the_mint_endpoint_exists_only_on_request() {
    let demo = Idp::builder().mint_endpoint().start().await;
    let mint = format!("{}/mint", demo.issuer());
    let minted = get(&format!("{mint}?sub=a%40b&ttl=60&aud=databricks-gateway"), &[]).await;
    let claims = verified(minted.text(), &demo.jwks()).unwrap();
    assert_eq!(claims["sub"], "a@b");
    assert!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap() <= 61);
    for query in ["", "?sub=", "?sub=a&ttl=soon"] {
        assert_eq!(get(&format!("{mint}{query}"), &[]).await.status, 400, "{query}");
    }

    let plain = Idp::start().await;
    assert_eq!(
        get(&format!("{}/mint?sub=a", plain.issuer()), &[]).await.status,
        404
    );
}

#[tokio::test]
async fn a_provider_speaks_tls_under_its_authority() {
    let authority = Authority::new();
    let idp = Idp::builder().tls(&authority).start().await;
    assert!(idp.issuer().starts_with("https://localhost:"));
    let jwks = get_tls(&authority, &format!("{}/jwks", idp.issuer()))
        .await
        .unwrap();
    assert_eq!(jwks.text(), idp.jwks());
    assert!(
        get_tls(&Authority::new(), idp.issuer()).await.is_err(),
        "another authority is not trusted"
    );
}

#[tokio::test]
async fn a_stopped_provider_refuses_connections_and_its_port_is_free_again() {
    let idp = Idp::start().await;
    let address = idp.issuer().strip_prefix("http://").unwrap().to_owned();
    idp.stop().await;
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
    let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
    let again = Idp::builder().port(port).start().await;
    assert_eq!(again.issuer(), idp.issuer());
}
