mod agent;
mod answer;
mod call;
mod details;
pub(crate) mod frames;
mod gateway;
mod h2;
mod h2_upstream;
mod logs;
mod recorder;
mod records;
pub(crate) mod tls;
mod upstream;
mod wire;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use testbed::{Databricks, Idp, Seen};
use tokio::time::{interval, timeout};

pub(crate) use agent::Agent;
pub(crate) use answer::Answer;
pub(crate) use call::{Call, Client};
pub(crate) use details::details;
pub(crate) use frames::{End, Frames};
pub(crate) use gateway::{Gateway, GatewayBuilder};
pub(crate) use h2::H2Client;
pub(crate) use h2_upstream::Endless;
pub(crate) use recorder::{Recorded, Recorder};
pub(crate) use records::Record;
pub(crate) use upstream::Upstream;
pub(crate) use wire::{Head, Wire};

/// Who Databricks takes the caller for.
pub(crate) const ME: &str = "/api/2.0/preview/scim/v2/Me";

/// A gateway, a workspace and an identity provider that know each other.
pub(crate) async fn trio() -> (Gateway, Databricks, Idp) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    (gateway, databricks, idp)
}

/// A gateway in front of a workspace that speaks by hand, a connection to it, and a good JWT.
pub(crate) async fn by_hand() -> (Gateway, Upstream, Wire, String) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let upstream = Upstream::start().await;
    let gateway = Gateway::in_front_of_url(&upstream.url(), &databricks, &idp)
        .start()
        .await;
    let wire = gateway.wire().await;
    (gateway, upstream, wire, idp.mint("alice"))
}

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

/// What callers asked of this workspace: all but the control plane's own question, which comes when it likes.
pub(crate) fn forwarded(databricks: &Databricks) -> Vec<Seen> {
    let mut seen = databricks.seen();
    seen.retain(|seen| seen.target != "/.well-known/databricks-config");
    seen
}

/// The claims of a JWT, whoever signed it.
pub(crate) fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).expect("a JWT has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
