use std::collections::HashSet;
use std::fmt;

use exchange::{AccountId, ClientId, FederationPolicy, Grant, InvalidName, Scope, TokenEndpoint};
use proxy::Allowances;
use url::Url;

use super::fault::{Fault, Faults, Place};
use super::given::{Given, Setting};
use super::grammar::{self, Cleartext};
use super::host::HostName;
use super::raw;

/// `[[workspace]]`: a Databricks workspace or account console that requests are forwarded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// What logs and metrics call it; unique.
    pub name: WorkspaceName,
    /// Its origin: scheme, host and port, nothing else.
    pub url: Url,
    /// The requests that are for it.
    pub hosts: Hosts,
    /// How its tokens are had.
    pub grant: Grant,
    /// What crosses beyond the default, which is nothing.
    pub allowances: Allowances,
}

/// A workspace's name: letters, digits, `-`, `_`, `.` and `:`, at most 128, so that it can stand in a
/// metric label and in a log line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkspaceName(String);

/// Which requests are for a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// All, whatever host they name: there is no other workspace.
    Any,
    /// Those that name one of these; no other workspace has any of them.
    Only(Vec<HostName>),
}

/// What must not occur twice among workspaces.
#[derive(Debug, Default)]
struct Taken {
    names: HashSet<WorkspaceName>,
    hosts: HashSet<HostName>,
}

/// Every `[[workspace]]`: at least one; several need hosts that tell them apart.
pub(super) fn workspaces(raw: Setting<Vec<raw::Workspace>>, faults: &mut Faults) -> Option<Vec<Workspace>> {
    let none = || {
        Fault::new(&Place::Whole, "there is no workspace")
            .help("a [[workspace]] with its `url` says where requests are forwarded to")
    };
    let given = raw.required(faults, none).given()?;
    if given.value.is_empty() {
        faults.record(none());
    }
    let alone = given.value.len() == 1;
    let mut taken = Taken::default();
    let workspaces = given
        .value
        .into_iter()
        .map(|raw| Workspace::from_raw(raw, alone, &mut taken, faults));
    workspaces.collect::<Vec<_>>().into_iter().collect()
}

// === impl Workspace ===

impl Workspace {
    fn from_raw(raw: raw::Workspace, alone: bool, taken: &mut Taken, faults: &mut Faults) -> Option<Self> {
        let place = raw.place.clone();
        let cleartext = Cleartext::from_switch(&raw.insecure_http);
        let url = raw
            .url
            .required(faults, || Fault::new(&place, "the workspace has no `url`"));
        let url = url.parse(faults, |given| origin(given, cleartext));
        let hosts = match raw.hosts {
            Setting::Absent if alone => Some(Hosts::Any),
            hosts => hosts
                .required(faults, || no_hosts(&place))
                .given()
                .map(|given| taken.hosts(&given, faults)),
        };
        let name = match raw.name {
            Setting::Absent => url.as_ref().map(|url| Given {
                value: named_after(url),
                place,
            }),
            name => name.given(),
        };
        let name = name.and_then(|given| faults.keep(taken.name(&given)));
        let scope = name_or(raw.scope, faults, Scope::new).unwrap_or_default();
        let policy = name_or(raw.client_id, faults, ClientId::new)
            .map_or(FederationPolicy::AccountWide, FederationPolicy::ServicePrincipal);
        let allowances = Allowances {
            cookies: raw.cookies.is_on(),
            api_key_carriers: raw.api_key_carriers.is_on(),
            databricks_tokens: raw.allow_databricks_tokens.is_on(),
        };
        let endpoint = endpoint(url.as_ref(), raw.account_id, (raw.token_url, cleartext), faults);
        Some(Self {
            name: name?,
            url: url?,
            hosts: hosts?,
            grant: Grant::new(endpoint?, policy, scope),
            allowances,
        })
    }
}

// === impl WorkspaceName ===

impl WorkspaceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Taken ===

impl Taken {
    fn name(&mut self, given: &Given<String>) -> Result<WorkspaceName, Fault> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if given.value.is_empty() || given.value.len() > 128 || !given.value.chars().all(legal) {
            return Err(given.fault("a name must be up to 128 letters, digits, dashes, underscores and dots"));
        }
        let name = WorkspaceName(given.value.clone());
        if !self.names.insert(name.clone()) {
            return Err(given
                .fault(format!("there is another workspace named `{name}`"))
                .help(
                    "a `name` of its own tells it apart in logs and metrics; it defaults to the URL's host",
                ));
        }
        Ok(name)
    }

    fn hosts(&mut self, given: &Given<Vec<Given<String>>>, faults: &mut Faults) -> Hosts {
        if given.value.is_empty() {
            faults.record(given.fault("there must be at least one host"));
        }
        Hosts::Only(
            given
                .value
                .iter()
                .filter_map(|host| faults.keep(self.host(host)))
                .collect(),
        )
    }

    fn host(&mut self, given: &Given<String>) -> Result<HostName, Fault> {
        let host = HostName::parse(given)?;
        if !self.hosts.insert(host.clone()) {
            return Err(given
                .fault(format!("the host `{host}` is listed twice"))
                .help("a host decides the workspace of a request, so it can belong to one only"));
        }
        Ok(host)
    }
}

fn no_hosts(place: &Place) -> Fault {
    Fault::new(place, "the workspace has no `hosts`")
        .help("with several workspaces, the host that a caller names decides which one is meant")
}

fn named_after(url: &Url) -> String {
    url.host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned()
}

/// Requests keep their own path and query, so the workspace can have none.
fn origin(given: &Given<String>, cleartext: Cleartext) -> Result<Url, Fault> {
    let url = grammar::web_url(given, cleartext)?;
    if url.path() != "/" || url.query().is_some() {
        return Err(given
            .fault("a workspace URL must have no path and no query")
            .help(format!("write {}", url.origin().ascii_serialization())));
    }
    Ok(url)
}

fn name_or<T>(
    setting: Setting<String>,
    faults: &mut Faults,
    parse: impl FnOnce(String) -> Result<T, InvalidName>,
) -> Option<T> {
    setting.parse(faults, |given| {
        parse(given.value.clone()).map_err(|error| given.fault(error.to_string()))
    })
}

/// `token_url` if given, else the account's or the workspace's own.
fn endpoint(
    workspace: Option<&Url>,
    account_id: Setting<String>,
    (token_url, cleartext): (Setting<String>, Cleartext),
    faults: &mut Faults,
) -> Option<TokenEndpoint> {
    match (account_id, token_url) {
        (Setting::Absent, Setting::Absent) => workspace.map(TokenEndpoint::workspace),
        (account, Setting::Absent) => {
            let account = name_or(account, faults, AccountId::new);
            Some(TokenEndpoint::account(workspace?, &account?))
        }
        (Setting::Absent, token_url) => token_url
            .parse(faults, |given| grammar::web_url(given, cleartext))
            .map(TokenEndpoint::at),
        (account, _) => {
            let place = account.place().unwrap_or(&Place::Whole);
            let fault = Fault::new(place, "`account_id` has no effect beside `token_url`");
            faults.record(fault.help("`token_url` is the whole token endpoint: leave one of them out"));
            None
        }
    }
}
