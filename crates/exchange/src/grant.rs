use std::sync::Arc;

use aws_lc_rs::digest;
use url::{Position, Url};

use crate::{AccountId, ClientId, Scope};

/// Where tokens are exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenEndpoint(Url);

/// Which federation policy decides, which is the same as whom the token will be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FederationPolicy {
    /// The account's: no `client_id` is sent, and the token is the user's.
    AccountWide,
    /// A service principal's: its application id is sent as `client_id`, and the token is the service principal's.
    ServicePrincipal(ClientId),
}

/// Everything but the caller that shapes an exchange. Cheap to clone; make one per workspace and keep it.
#[derive(Clone, Debug)]
pub struct Grant(Arc<Parameters>);

#[derive(Clone, Debug)]
struct Parameters {
    endpoint: TokenEndpoint,
    policy: FederationPolicy,
    scope: Scope,
    digest: [u8; 32],
}

// === impl TokenEndpoint ===

impl TokenEndpoint {
    /// `<workspace>/oidc/v1/token`. A query such as Azure's `?o=…`, a fragment and credentials are left out.
    pub fn workspace(workspace: &Url) -> Self {
        Self(below(workspace, &["oidc", "v1", "token"]))
    }

    /// `<account console>/oidc/accounts/<id>/v1/token`.
    pub fn account(console: &Url, account: &AccountId) -> Self {
        Self(below(
            console,
            &["oidc", "accounts", account.as_str(), "v1", "token"],
        ))
    }

    /// Exactly this URL: private link, tests.
    pub fn at(url: Url) -> Self {
        Self(url)
    }

    /// The URL that is asked.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Host, port and path: what people call it, without anything that could be a secret.
    pub fn name(&self) -> &str {
        &self.0[Position::BeforeHost..Position::AfterPath]
    }
}

// === impl FederationPolicy ===

impl FederationPolicy {
    /// The `client_id` that is sent, if one is.
    pub fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::AccountWide => None,
            Self::ServicePrincipal(client_id) => Some(client_id),
        }
    }
}

// === impl Grant ===

impl Grant {
    /// An exchange at `endpoint`, decided by `policy`, for `scope`.
    pub fn new(endpoint: TokenEndpoint, policy: FederationPolicy, scope: Scope) -> Self {
        let digest = digest_of(&endpoint, &policy, &scope);
        Self(Arc::new(Parameters {
            endpoint,
            policy,
            scope,
            digest,
        }))
    }

    /// The same for one worker alone: its clones are counted where no other core counts.
    #[must_use]
    pub fn for_one_worker(&self) -> Self {
        Self(Arc::new(Parameters::clone(&self.0)))
    }

    /// Where the exchange is made.
    pub fn endpoint(&self) -> &TokenEndpoint {
        &self.0.endpoint
    }

    /// Which policy decides.
    pub fn policy(&self) -> &FederationPolicy {
        &self.0.policy
    }

    /// What is asked for.
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// SHA-256 over everything above: this grant's part of a cache key, made once.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.0.digest
    }
}

/// Where, by which policy and for what: the digest is over all of it.
impl PartialEq for Grant {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for Grant {}

/// `base` with `segments` after its path, whether or not that ends in a slash.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    // These three fail only for a URL without a host, such as `mailto:`, which nothing can be asked anyway.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Every field is preceded by its length, so that no byte can move from one to its neighbour; the
/// tag tells "no client id" from any client id.
fn digest_of(endpoint: &TokenEndpoint, policy: &FederationPolicy, scope: &Scope) -> [u8; 32] {
    let (tag, client_id) = match policy {
        FederationPolicy::AccountWide => (0, ""),
        FederationPolicy::ServicePrincipal(client_id) => (1, client_id.as_str()),
    };
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[tag]);
    for field in [endpoint.url().as_str(), client_id, scope.as_str()] {
        context.update(&(field.len() as u64).to_be_bytes());
        context.update(field.as_bytes());
    }
    sha256(&context.finish())
}

/// The output of SHA-256 has 32 bytes: the copy is total.
pub(crate) fn sha256(digest: &digest::Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, &of) in bytes.iter_mut().zip(digest.as_ref()) {
        *byte = of;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_workspace_url_may_end_in_a_slash_or_not() {
        for base in [
            "https://ws.example",
            "https://ws.example/",
            "https://ws.example/?o=42#x",
            "https://user:pass@ws.example",
        ] {
            let endpoint = TokenEndpoint::workspace(&url(base));
            assert_eq!(
                endpoint.url().as_str(),
                "https://ws.example/oidc/v1/token",
                "{base}"
            );
        }
    }

    #[test]
    fn a_path_before_the_endpoint_is_kept() {
        for base in ["https://link.example:8443/ws", "https://link.example:8443/ws/"] {
            let endpoint = TokenEndpoint::workspace(&url(base));
            assert_eq!(
                endpoint.url().as_str(),
                "https://link.example:8443/ws/oidc/v1/token",
                "{base}"
            );
        }
    }

    #[test]
    fn an_account_has_an_endpoint_of_its_own() {
        let account = AccountId::new("0d26daa6-5e44-4c97-a497-ef015f91254a").unwrap();
        let endpoint = TokenEndpoint::account(&url("https://accounts.cloud.databricks.com/"), &account);
        assert_eq!(
            endpoint.url().as_str(),
            "https://accounts.cloud.databricks.com/oidc/accounts/0d26daa6-5e44-4c97-a497-ef015f91254a/v1/token"
        );
    }

    #[test]
    fn a_given_endpoint_is_left_as_it_is() {
        let exact = url("https://private.link/t/?x=1");
        assert_eq!(TokenEndpoint::at(exact.clone()).url(), &exact);
    }

    #[test]
    fn a_url_that_cannot_have_a_path_is_no_panic() {
        assert_eq!(below(&url("mailto:a@b"), &["x"]).scheme(), "mailto");
    }
}
