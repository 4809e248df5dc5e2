//! What each workspace says about itself, kept fresh in the background: without it the gateway still serves, and tells
//! clients less.

use std::sync::Arc;
use std::time::Duration;

use exchange::HostMetadata;
use proxy::Workspace;
use tokio::task::JoinSet;
use url::Url;

/// Ends with the control plane.
pub(crate) async fn keep_fresh(http: reqwest::Client, workspaces: Vec<(Url, Arc<Workspace>)>) {
    let mut all = JoinSet::new();
    for (url, workspace) in workspaces {
        all.spawn(keep_one_fresh(http.clone(), url, workspace));
    }
    while all.join_next().await.is_some() {}
}

async fn keep_one_fresh(http: reqwest::Client, url: Url, workspace: Arc<Workspace>) {
    let mut pause = FIRST_RETRY;
    loop {
        match HostMetadata::fetch(&http, &url).await {
            Ok(metadata) => {
                workspace.metadata.set(metadata);
                pause = FRESH_FOR;
            }
            Err(error) => {
                tracing::debug!(workspace = %workspace.name, %error, "the workspace's metadata is not to be had");
                pause = (pause * 2).min(LAST_RETRY);
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// The document hardly ever changes.
const FRESH_FOR: Duration = Duration::from_secs(60 * 60);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);
