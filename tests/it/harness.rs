mod answer;
mod call;
mod gateway;
mod logs;
mod records;
mod upstream;
mod wire;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio::time::{interval, timeout};

pub(crate) use answer::Answer;
pub(crate) use call::{Call, Client};
pub(crate) use gateway::Gateway;
pub(crate) use records::Record;
pub(crate) use upstream::Upstream;
pub(crate) use wire::{Head, Wire};

/// Who Databricks takes the caller for.
pub(crate) const ME: &str = "/api/2.0/preview/scim/v2/Me";

/// A guard against hanging, not a measure: whatever is awaited here comes within milliseconds.
pub(crate) async fn soon<T>(awaited: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), awaited)
        .await
        .expect("what was awaited came")
}

/// For what no event tells: asks until it holds.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        let mut pace = interval(Duration::from_millis(5));
        while !holds().await {
            pace.tick().await;
        }
    };
    timeout(Duration::from_secs(20), asking)
        .await
        .unwrap_or_else(|_| panic!("{what}: it never came to that"));
}

/// The claims of a JWT, whoever signed it.
pub(crate) fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).expect("a JWT has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
