use serde::{Deserialize, Serialize};
use url::Url;

/// `/.well-known/databricks-config`: what every Databricks SDK asks a host about itself before anything else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostMetadata {
    /// The base of the host's OAuth endpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc_endpoint: Option<String>,
    /// The Databricks account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The workspace; SDKs send it back as a routing header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// `AWS`, `AZURE` or `GCP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// `workspace`, `account` or `unified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_type: Option<String>,
    /// The audiences that a client should ask its identity provider for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    /// Asks `host`, without credentials.
    ///
    /// # Errors
    /// When the host cannot be asked or gives no such document.
    pub async fn fetch(_http: &reqwest::Client, _host: &Url) -> Result<Self, MetadataError> {
        todo!()
    }
}
