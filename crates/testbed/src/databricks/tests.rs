mod token_endpoint;

use http::Method;

use crate::test_client::{Reply, get, request};
use crate::{Databricks, Idp};

/// A token request as the SDKs send it.
async fn exchange(workspace: &Databricks, subject_token: &str) -> Reply {
    exchange_with(workspace, &[("subject_token", subject_token)]).await
}

/// A good token request but for these parameters; an empty value takes the parameter out.
async fn exchange_with(workspace: &Databricks, changes: &[(&str, &str)]) -> Reply {
    let url = format!("{}/oidc/v1/token", workspace.url());
    request(
        Method::POST,
        &url,
        &[("content-type", "application/x-www-form-urlencoded")],
        form(changes),
    )
    .await
}

fn form(changes: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("scope", "all-apis"),
    ];
    for (name, value) in changes {
        parameters.retain(|(present, _)| present != name);
        if !value.is_empty() {
            parameters.push((name, value));
        }
    }
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

async fn both() -> (Idp, Databricks) {
    let idp = Idp::start().await;
    let workspace = Databricks::start(&idp).await;
    (idp, workspace)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A request for `path` under a fresh token of `alice`.
async fn get_as_alice(workspace: &Databricks, path: &str) -> Reply {
    let token = bearer(&workspace.issue_token("alice"));
    get(
        &format!("{}{path}", workspace.url()),
        &[("authorization", &token)],
    )
    .await
}
