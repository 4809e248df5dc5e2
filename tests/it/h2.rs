mod attacks;
mod requests;
mod windows;

use testbed::{Databricks, Idp};

use crate::harness::Gateway;

/// A gateway that speaks HTTP/2 to whoever begins with its preface, a workspace and an identity provider.
async fn trio() -> (Gateway, Databricks, Idp) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    (gateway, databricks, idp)
}
