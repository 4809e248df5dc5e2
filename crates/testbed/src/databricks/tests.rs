mod access;
mod files;
mod leaks;
mod probes;
mod protocols;
mod serving;
mod spark_connect;
mod sql;
mod streams;
mod token_endpoint;

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::test_client::{Reply, get, request};
use crate::{Databricks, Idp};

/// A token request as the SDKs send it.
async fn exchange(workspace: &Databricks, subject_token: &str) -> Reply {
    exchange_with(workspace, &[("subject_token", subject_token)]).await
}

/// A good token request but for these parameters; an empty value takes the parameter out.
async fn exchange_with(workspace: &Databricks, changes: &[(&str, &str)]) -> Reply {
    post_form(workspace, "/oidc/v1/token", form(changes)).await
}

async fn post_form(workspace: &Databricks, path: &str, body: String) -> Reply {
    let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    request(
        Method::POST,
        &format!("{}{path}", workspace.url()),
        &headers,
        body,
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

fn access_token(granted: &Reply) -> String {
    granted.json()["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", granted.text()))
        .to_owned()
}

/// Whom the workspace takes the bearer of `token` for.
async fn who_is(workspace: &Databricks, token: &str) -> String {
    let me = format!("{}/api/2.0/preview/scim/v2/Me", workspace.url());
    let me = get(&me, &[("authorization", &bearer(token))]).await;
    me.json()["userName"].as_str().unwrap().to_owned()
}

/// A request for `path` under a token of alice's.
async fn as_alice(
    workspace: &Databricks,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Reply {
    let token = bearer(&workspace.issue_token("alice"));
    let mut all = vec![("authorization", token.as_str())];
    all.extend_from_slice(headers);
    request(method, &format!("{}{path}", workspace.url()), &all, body).await
}
