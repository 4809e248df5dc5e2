use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use url::Url;

use crate::body::{self, End};
use crate::grant::below;

/// `/.well-known/databricks-config`: what every Databricks SDK asks a host about itself before anything else.
///
/// Reading one is tolerant: unknown fields are passed over, a field of the wrong type is as good as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostMetadata {
    /// The base of the host's OAuth endpoints.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub oidc_endpoint: Option<String>,
    /// The Databricks account.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The workspace; SDKs send it back as a routing header.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// `AWS`, `AZURE` or `GCP`.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// `workspace`, `account` or `unified`.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub host_type: Option<String>,
    /// The audiences that a client should ask its identity provider for.
    #[serde(default, deserialize_with = "texts", skip_serializing_if = "Vec::is_empty")]
    pub token_federation_default_oidc_audiences: Vec<String>,
}

/// The document could not be had; a gateway answers without it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The host could not be asked.
    #[error("could not ask the host for its metadata")]
    Unavailable(#[source] reqwest::Error),
    /// The host answered something else.
    #[error("the host's answer is not a metadata document: {0}")]
    Malformed(String),
}

impl HostMetadata {
    /// Asks `host`, without credentials, for at most 5 s and 64 KiB. `http` should not follow redirects:
    /// a host that is no workspace sends one to its login page.
    ///
    /// # Errors
    /// When the host cannot be asked or gives no such document.
    pub async fn fetch(http: &reqwest::Client, host: &Url) -> Result<Self, MetadataError> {
        let url = below(host, &[".well-known", "databricks-config"]);
        let answer = http
            .get(url)
            .header(http::header::ACCEPT, "application/json")
            .timeout(LIMIT)
            .send()
            .await;
        let response = answer.map_err(|error| MetadataError::Unavailable(error.without_url()))?;
        if !response.status().is_success() {
            return Err(MetadataError::Malformed(response.status().to_string()));
        }
        let body = body::read(response).await;
        match body.end {
            End::Complete => Self::parse(&body.bytes),
            End::TooLong => Err(MetadataError::Malformed("more than 64 KiB".to_owned())),
            End::Broken(error) => Err(MetadataError::Unavailable(error)),
        }
    }

    fn parse(document: &[u8]) -> Result<Self, MetadataError> {
        match serde_json::from_slice(document) {
            // An array would do for serde, as a struct without names.
            Ok(object @ Value::Object(_)) => serde_json::from_value(object).ok(),
            _ => None,
        }
        .ok_or_else(|| MetadataError::Malformed("not a JSON object".to_owned()))
    }
}

/// The ids are strings, but they look like numbers, and somebody will write them so.
fn text<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    Value::deserialize(field).map(into_text)
}

fn texts<'de, D: Deserializer<'de>>(field: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(field)? {
        Value::Array(items) => items.into_iter().filter_map(into_text).collect(),
        _ => Vec::new(),
    })
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

const LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
