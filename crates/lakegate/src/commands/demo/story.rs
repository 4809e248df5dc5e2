use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::time::Instant;

use super::claims;
use super::stage::Stage;
use crate::commands::say;

/// Makes the same call twice, and tells what happened to it on the way.
pub(super) async fn tell(stage: &Stage) -> anyhow::Result<()> {
    say(&introduce(stage));
    let jwt = stage.idp.mint(ALICE);
    say(&format!(
        "1. {ALICE} has a JWT of her own identity provider:\n\n{}\n",
        claims::shown(&jwt)
    ));

    let (answer, took) = call(stage, &jwt).await?;
    let swapped = seen_upstream(stage).context("the workspace saw no request")?;
    say(&format!(
        "2. She sends it with an ordinary request, GET {ME}, to the gateway, which verifies it"
    ));
    say(
        "   and exchanges it at the workspace's /oidc/v1/token (RFC 8693). The workspace sees its own token:\n",
    );
    say(&format!("{}\n", claims::shown(&swapped)));
    say(&format!(
        "   and answers {answer} after {} in all.\n",
        milliseconds(took)
    ));

    let (again, took) = call(stage, &jwt).await?;
    say(&format!(
        "3. The same call again: {again} after {}, with the token from the cache.\n",
        milliseconds(took)
    ));
    say(&format!(
        "   Exchanges at the workspace so far: {}.",
        stage.databricks.exchanges(ALICE)
    ));
    say(&format!(
        "   JWTs of the identity provider that reached the workspace's API: {}.\n",
        stage.databricks.leaked_jwts()
    ));
    say(&what_to_try(stage, &jwt));
    Ok(())
}

async fn call(stage: &Stage, jwt: &str) -> anyhow::Result<(String, Duration)> {
    let started = Instant::now();
    let request = stage
        .client
        .get(format!("{}{ME}", stage.gateway()))
        .bearer_auth(jwt);
    let response = request.send().await.context("the gateway does not answer")?;
    let status = response.status();
    let body = response.text().await?;
    let took = started.elapsed();
    ensure!(status.is_success(), "the call was answered {status}: {body}");
    let me: Value = serde_json::from_str(&body).context("the answer is no JSON")?;
    let who = me
        .get("userName")
        .and_then(Value::as_str)
        .context("the answer names nobody")?;
    Ok((format!("{status} {{\"userName\": \"{who}\", …}}"), took))
}

/// The token of the last call, as it was on the wire behind the gateway.
fn seen_upstream(stage: &Stage) -> Option<String> {
    let seen = stage.databricks.seen();
    let call = seen.iter().rev().find(|call| call.target == ME)?;
    call.values("authorization")
        .first()?
        .strip_prefix("Bearer ")
        .map(str::to_owned)
}

fn introduce(stage: &Stage) -> String {
    let admin = stage
        .serving
        .admin_address()
        .map_or_else(String::new, |address| format!("http://{address}"));
    format!(
        "\n  identity provider  {}   a fake\n  workspace          {}   a fake Databricks\n  \
         gateway            {}   lakegate\n  admin              {admin}   /livez /readyz /metrics\n",
        stage.idp.issuer(),
        stage.databricks.url(),
        stage.gateway(),
    )
}

fn what_to_try(stage: &Stage, jwt: &str) -> String {
    let (gateway, idp) = (stage.gateway(), stage.idp.issuer());
    format!(
        "Try it in another terminal:

export JWT={jwt}
curl -H \"Authorization: Bearer $JWT\" {gateway}{ME}
curl -u \"token:$JWT\" {gateway}/api/2.1/clusters/list
curl -i {gateway}{ME}                          # no token: what a caller is told

# the Databricks SDK, unmodified (pip install databricks-sdk)
DATABRICKS_HOST={gateway} DATABRICKS_TOKEN=$JWT \\
  python3 -c 'from databricks.sdk import WorkspaceClient; print(WorkspaceClient().current_user.me().user_name)'

# another user; one whose token has expired
export JWT=$(curl -s '{idp}/mint?sub=bob@example.com')
export JWT=$(curl -s '{idp}/mint?sub=alice@example.com&ttl=-60')
"
    )
}

/// Above a millisecond two digits are enough.
fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1e3)
}

const ALICE: &str = "alice@example.com";

/// Who Databricks takes the caller for.
const ME: &str = "/api/2.0/preview/scim/v2/Me";
