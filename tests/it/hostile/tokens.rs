use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testbed::{Algorithm, Idp, TokenBuilder};

use crate::harness::{Call, ME, forwarded, trio};

/// Runs every credential: each is refused, no workspace hears of it, and no token is asked for.
async fn refused(tokens: impl FnOnce(&Idp) -> Vec<(&'static str, String)>) {
    let (gateway, databricks, idp) = trio().await;
    for (name, token) in tokens(&idp) {
        let answer = gateway.send(Call::get(ME).bearer(&token)).await;
        let status = answer.status.as_u16();
        // What is larger than any head is refused before it is looked at.
        let expected = if token.len() > 60_000 { 431 } else { 401 };
        assert_eq!(status, expected, "{name}: {}", answer.text());
        assert_eq!(databricks.token_calls(), 0, "{name}");
        assert_eq!(forwarded(&databricks).len(), 0, "{name}");
    }
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");
}

#[tokio::test]
async fn no_token_chooses_how_it_is_verified() {
    refused(|idp| {
        let keys: Value = serde_json::from_str(&idp.jwks()).unwrap();
        let modulus = keys["keys"][0]["n"].as_str().unwrap_or_default().to_owned();
        let alg = |name: &str| idp.token("alice").header("alg", json!(name)).sign();
        vec![
            ("none", unsigned(idp, "none")),
            ("None", unsigned(idp, "None")),
            (
                "no algorithm",
                idp.token("alice").header("alg", Value::Null).sign(),
            ),
            (
                "an algorithm that is no text",
                idp.token("alice").header("alg", json!(["RS256"])).sign(),
            ),
            ("none, signed", alg("none")),
            ("HS256 under the key set", hs256(idp, idp.jwks().as_bytes())),
            (
                "HS256 under the modulus",
                hs256(idp, &URL_SAFE_NO_PAD.decode(&modulus).unwrap()),
            ),
            ("HS256 under the modulus as text", hs256(idp, modulus.as_bytes())),
            ("HS256 under nothing", hs256(idp, b"")),
            ("RS384", alg("RS384")),
            ("PS256", alg("PS256")),
            ("ES256 of an RSA key", alg("ES256")),
            (
                "RS256 of an EC key",
                es256(idp).header("alg", json!("RS256")).sign(),
            ),
            (
                "RS256 under an EC key's name",
                idp.token("alice")
                    .header("kid", json!(idp.kid(Algorithm::Es256)))
                    .sign(),
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn no_token_brings_its_own_key() {
    refused(|idp| {
        let header = |name: &str, value: Value| idp.token("alice").header(name, value).forge();
        let signed = |name: &str, value: Value| idp.token("alice").header(name, value).sign();
        let key = serde_json::from_str::<Value>(&idp.jwks()).unwrap()["keys"][0].clone();
        vec![
            ("jwk", header("jwk", key.clone())),
            ("jwk of ours", signed("jwk", key)),
            ("jku", header("jku", json!("http://127.0.0.1:1/keys"))),
            (
                "jku of ours",
                signed("jku", json!(format!("{}/keys", idp.issuer()))),
            ),
            ("x5u", header("x5u", json!("http://127.0.0.1:1/chain"))),
            ("x5c", header("x5c", json!(["MIIB"]))),
            ("crit", signed("crit", json!(["exp"]))),
            ("crit of an unknown", signed("crit", json!(["bork"]))),
            ("b64", signed("b64", json!(false))),
            ("zip", signed("zip", json!("DEF"))),
            ("an empty kid", signed("kid", json!(""))),
            (
                "a kid that is a path",
                signed("kid", json!("../../../../dev/null")),
            ),
            ("a kid that is SQL", signed("kid", json!("x' UNION SELECT 'key"))),
            ("a kid that is a number", signed("kid", json!(1))),
            ("a kid with NUL", signed("kid", json!("x\0"))),
            ("a stranger's signature", idp.token("alice").forge()),
        ]
    })
    .await;
}

#[tokio::test]
async fn no_token_says_two_things() {
    refused(|idp| {
        let (header, claims) = parts(&idp.mint("alice"));
        let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
        let claim = |member: &str| idp.sign_raw(Algorithm::Rs256, &header, &twice(&claims, member));
        let parameter = |member: &str| idp.sign_raw(Algorithm::Rs256, &twice(&header, member), &claims);
        vec![
            ("two sub", claim(r#""sub":"mallory""#)),
            ("two sub, one disguised", claim(r#""s\u0075b":"mallory""#)),
            ("two iss", claim(r#""iss":"https://evil.example""#)),
            ("two exp", claim(r#""exp":4000000000"#)),
            ("two aud", claim(r#""aud":"databricks-gateway""#)),
            ("two alg", parameter(r#""alg":"none""#)),
            ("two kid", parameter(r#""kid":"other""#)),
            (
                "more after the claims",
                idp.sign_raw(Algorithm::Rs256, &header, &format!("{claims}{{}}")),
            ),
            (
                "claims that are no object",
                idp.sign_raw(Algorithm::Rs256, &header, "[]"),
            ),
            (
                "a byte order mark",
                idp.sign_raw(Algorithm::Rs256, &header, &format!("\u{feff}{claims}")),
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn no_token_is_written_in_two_ways() {
    refused(|idp| {
        let token = idp.mint("alice");
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            unreachable!()
        };
        let last = signature.chars().last().unwrap();
        let next = char::from(u8::try_from(last).unwrap() + 1);
        let loose_bits = format!("{}{next}", &signature[..signature.len() - 1]);
        let ec = es256(idp).sign();
        let ec = ec.rsplit_once('.').unwrap().0;
        vec![
            ("padding", format!("{token}==")),
            ("a padded header", format!("{header}=.{claims}.{signature}")),
            ("loose bits", format!("{header}.{claims}.{loose_bits}")),
            ("two parts", format!("{header}.{claims}")),
            ("four parts", format!("{token}.{claims}")),
            ("five parts", format!("{token}..")),
            ("no signature", format!("{header}.{claims}.")),
            ("a space", format!("{header}. {claims}.{signature}")),
            (
                "the other alphabet",
                format!("{header}.{claims}.+/{}", &signature[2..]),
            ),
            (
                "other claims",
                format!(
                    "{header}.{}.{signature}",
                    idp.mint("bob").split('.').nth(1).unwrap()
                ),
            ),
            (
                "an ES256 signature of 12k",
                format!("{ec}.{}", "A".repeat(12_000)),
            ),
            ("an ES256 signature of zeros", format!("{ec}.{}", "A".repeat(86))),
            (
                "an ES256 signature in DER",
                format!("{ec}.{}", URL_SAFE_NO_PAD.encode([0x30, 6, 2, 1, 1, 2, 1, 1])),
            ),
            (
                "nested 5,000 deep",
                idp.sign_raw(Algorithm::Rs256, "{\"alg\":\"RS256\"}", &"[".repeat(5_000)),
            ),
            (
                "nested 100,000 deep",
                idp.sign_raw(Algorithm::Rs256, "{\"alg\":\"RS256\"}", &"[".repeat(100_000)),
            ),
            ("20,000 characters", "x".repeat(20_000)),
            (
                "a Databricks token",
                "dapi0123456789abcdef0123456789abcdef".to_owned(),
            ),
            ("garbage", "garbage".to_owned()),
            ("dots", "...".to_owned()),
        ]
    })
    .await;
}

#[tokio::test]
async fn no_claim_is_of_the_wrong_kind() {
    refused(|idp| {
        let with = |name: &str, value: Value| idp.token("alice").claim(name, value).sign();
        vec![
            ("no exp", with("exp", Value::Null)),
            ("exp as text", with("exp", json!("4000000000"))),
            ("exp in a list", with("exp", json!([4_000_000_000_u64]))),
            ("exp before the epoch", with("exp", json!(-1))),
            ("expired a second ago", idp.token("alice").expires_in(-1).sign()),
            ("nbf as text", with("nbf", json!("0"))),
            ("nbf in an hour", with("nbf", json!(4_000_000_000_u64))),
            ("no iss", with("iss", Value::Null)),
            ("iss in a list", with("iss", json!([idp.issuer()]))),
            (
                "iss with a slash",
                with("iss", json!(format!("{}/", idp.issuer()))),
            ),
            ("iss in capitals", with("iss", json!(idp.issuer().to_uppercase()))),
            ("no aud", with("aud", Value::Null)),
            ("an empty aud", with("aud", json!([]))),
            ("another aud", with("aud", json!("databricks"))),
            ("aud as an object", with("aud", json!({"databricks-gateway": 1}))),
            ("aud in capitals", with("aud", json!("Databricks-Gateway"))),
            ("sub as a number", with("sub", json!(1))),
            ("sub in a list", with("sub", json!(["alice"]))),
        ]
    })
    .await;
}

fn es256(idp: &Idp) -> TokenBuilder {
    idp.token("alice").algorithm(Algorithm::Es256)
}

/// The header and the claims of a token.
fn parts(token: &str) -> (String, String) {
    let part = |at| {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    (part(0), part(1))
}

fn with_algorithm(idp: &Idp, algorithm: &str) -> String {
    let token = idp.token("alice").header("alg", json!(algorithm)).sign();
    token.rsplit_once('.').unwrap().0.to_owned()
}

fn unsigned(idp: &Idp, algorithm: &str) -> String {
    with_algorithm(idp, algorithm) + "."
}

/// Signed with what everybody knows.
fn hs256(idp: &Idp, secret: &[u8]) -> String {
    let signed = with_algorithm(idp, "HS256");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}
