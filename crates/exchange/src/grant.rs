use std::sync::Arc;

use url::Url;

/// Where tokens are exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEndpoint(Url);

/// Which federation policy decides, which is the same as whom the token will be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FederationPolicy {
    /// The account's: no `client_id` is sent, and the token is the user's.
    AccountWide,
    /// A service principal's: its application id is sent as `client_id`, and the token is the service principal's.
    ServicePrincipal(ClientId),
}

/// A service principal's application id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

/// A Databricks account id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(String);

/// RFC 6749 section 3.3 scopes, separated by spaces. Default: `all-apis`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

/// A name that is empty or holds a character it must not.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct InvalidName {
    what: &'static str,
    rule: &'static str,
}

/// Everything but the caller that shapes an exchange. Cheap to clone; make one per workspace and keep it.
#[derive(Clone, Debug)]
pub struct Grant(Arc<Parameters>);

#[derive(Debug)]
struct Parameters {
    endpoint: TokenEndpoint,
    policy: FederationPolicy,
    scope: Scope,
}

// === impl TokenEndpoint ===

impl TokenEndpoint {
    /// `<workspace>/oidc/v1/token`.
    pub fn workspace(_workspace: &Url) -> Self {
        todo!()
    }

    /// `<account console>/oidc/accounts/<id>/v1/token`.
    pub fn account(_console: &Url, _account: &AccountId) -> Self {
        todo!()
    }

    /// Exactly this URL: private link, tests.
    pub fn at(url: Url) -> Self {
        Self(url)
    }

    /// The URL that is asked.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

macro_rules! name {
    ($type:ident, $what:literal, $rule:literal, $legal:expr) => {
        impl $type {
            /// Checks that the name can stand in a form field.
            ///
            /// # Errors
            /// When it is empty or holds a character it must not.
            pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
                let name = name.into();
                let legal: fn(char) -> bool = $legal;
                if name.is_empty() || !name.chars().all(legal) {
                    return Err(InvalidName { what: $what, rule: $rule });
                }
                Ok(Self(name))
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(ClientId, "client_id", "letters, digits and dashes", |c| c.is_ascii_alphanumeric() || c == '-');
name!(AccountId, "account_id", "letters, digits and dashes", |c| c.is_ascii_alphanumeric() || c == '-');
name!(Scope, "scope", "words of visible ASCII separated by single spaces", |c| c.is_ascii_graphic() || c == ' ');

// === impl Scope ===

impl Default for Scope {
    /// `all-apis`: what every Databricks SDK asks for.
    fn default() -> Self {
        Self("all-apis".to_owned())
    }
}

// === impl Grant ===

impl Grant {
    /// An exchange at `endpoint`, decided by `policy`, for `scope`.
    pub fn new(endpoint: TokenEndpoint, policy: FederationPolicy, scope: Scope) -> Self {
        Self(Arc::new(Parameters { endpoint, policy, scope }))
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
}
