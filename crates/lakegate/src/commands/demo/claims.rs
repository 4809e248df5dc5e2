use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// The claims of a JWT that are worth a look, one to a line. For show: nothing is verified here.
pub(super) fn shown(jwt: &str) -> String {
    let claims = decode(jwt).unwrap_or_default();
    let told = SHOWN
        .iter()
        .filter_map(|name| Some(format!("     {name:<10} {}", claims.get(*name)?)));
    told.collect::<Vec<_>>().join("\n")
}

fn decode(jwt: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

const SHOWN: [&str; 6] = ["iss", "sub", "aud", "client_id", "scope", "exp"];
