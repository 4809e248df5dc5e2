//! `[[workspace]]`.

use exchange::FederationPolicy;

use super::{accepted, complaints, only, read, workspace};
use crate::config::Hosts;

const URL: &str = "url = \"https://dbc-1.cloud.databricks.com\"\n";

fn about(lines: &str) -> (String, String) {
    only(complaints(&workspace(lines)))
}

fn with_url(url: &str) -> String {
    workspace(&format!("url = \"{url}\""))
}

fn two(first: &str, second: &str) -> String {
    workspace(&format!(
        "url = \"https://one\"\n{first}\n[[workspace]]\nurl = \"https://two\"\n{second}"
    ))
}

#[test]
fn a_workspace_alone_needs_a_url_and_nothing_else() {
    assert_eq!(about("name = \"a\"").0, "the workspace has no `url`");
    let config = accepted(&workspace(URL));
    let workspace = &config.workspaces[0];
    assert_eq!(workspace.name.as_str(), "dbc-1.cloud.databricks.com");
    assert_eq!(workspace.hosts, Hosts::Any);
    assert_eq!(workspace.grant.scope().as_str(), "all-apis");
    assert_eq!(workspace.grant.policy(), &FederationPolicy::AccountWide);
    assert_eq!(
        workspace.grant.endpoint().url().as_str(),
        "https://dbc-1.cloud.databricks.com/oidc/v1/token"
    );
}

#[test]
fn a_workspace_url_is_an_origin() {
    accepted(&with_url("https://a.example.com/"));
    accepted(&with_url("https://a.example.com:8443"));
    for url in [
        "https://a/b",
        "https://a/?b",
        "https://a?",
        "https://a#b",
        "https://u:p@a",
        "ftp://a",
        "a",
        "",
    ] {
        assert_eq!(read(&with_url(url)).expect_err(url).list().len(), 1, "{url}");
    }
}

#[test]
fn http_workspaces_and_token_endpoints_are_for_loopback() {
    accepted(&with_url("http://127.0.0.1:1"));
    assert!(
        about("url = \"http://a\"")
            .0
            .starts_with("http:// is accepted on loopback addresses only")
    );
    accepted(&workspace("url = \"http://a\"\ninsecure_http = true"));
    let token_url = format!("{URL}token_url = \"http://a/token\"");
    assert_eq!(about(&token_url).1, "\"http://a/token\"");
    accepted(&workspace(&format!("{token_url}\ninsecure_http = true")));
}

#[test]
fn several_workspaces_need_hosts_each() {
    let (message, under) = only(complaints(&two("hosts = [\"a\"]", "")));
    assert_eq!(
        (message.as_str(), under.as_str()),
        ("the workspace has no `hosts`", "[[workspace]]")
    );
    assert_eq!(complaints(&two("", "")).len(), 2);
    accepted(&two("hosts = [\"a\"]", "hosts = [\"b\"]"));
}

#[test]
fn a_host_leads_to_one_workspace() {
    let (message, under) = only(complaints(&two("hosts = [\"a\"]", "hosts = [\"b\", \"A\"]")));
    assert_eq!(
        (message.as_str(), under.as_str()),
        ("the host `a` is listed twice", "\"A\"")
    );
    accepted(&two("hosts = [\"a\"]", "hosts = [\"a:8443\"]"));
}

#[test]
fn hosts_are_exact_names_in_lower_case() {
    let hosts =
        "hosts = [\"Data.Example.COM\", \"data.example.com:8443\", \"10.0.0.1\", \"[::1]:80\", \"my_host\"]";
    let config = accepted(&workspace(&format!("{URL}{hosts}")));
    let Hosts::Only(hosts) = &config.workspaces[0].hosts else {
        panic!("no hosts")
    };
    let hosts: Vec<_> = hosts.iter().map(crate::config::HostName::as_str).collect();
    assert_eq!(
        hosts,
        [
            "data.example.com",
            "data.example.com:8443",
            "10.0.0.1",
            "[::1]:80",
            "my_host"
        ]
    );
}

#[test]
fn what_is_no_exact_host_name_is_a_fault() {
    for host in [
        "",
        "*",
        "*.example.com",
        "https://a",
        "a/b",
        "a:",
        "a:b",
        "a:99999",
        "a:+80",
        "a:080",
        "u@a",
        "a b",
        "a..b",
        ".a",
        "a.",
        "-a",
        "::1",
        "1.2.3",
        "0x7f.1",
        "münchen.example.com",
        "a%2eb",
        "a?b",
        "a,b",
    ] {
        let text = workspace(&format!("{URL}hosts = [\"{host}\"]"));
        assert_eq!(read(&text).expect_err(host).list().len(), 1, "{host}");
    }
    assert_eq!(
        about(&format!("{URL}hosts = []")).0,
        "there must be at least one host"
    );
}

#[test]
fn names_are_unique_and_fit_into_a_metric_label() {
    let names = |first, second| {
        two(
            &format!("hosts = [\"a\"]\nname = \"{first}\""),
            &format!("hosts = [\"b\"]\nname = \"{second}\""),
        )
    };
    assert_eq!(
        only(complaints(&names("a", "a"))).0,
        "there is another workspace named `a`"
    );
    accepted(&names("a", "b"));
    for name in ["", "a b", "a\\n", "ä", "{", &"a".repeat(129)] {
        assert_eq!(
            read(&workspace(&format!("{URL}name = \"{name}\"")))
                .expect_err(name)
                .list()
                .len(),
            1,
            "{name}"
        );
    }
}

#[test]
fn a_client_id_chooses_the_service_principals_policy() {
    let config = accepted(&workspace(&format!(
        "{URL}client_id = \"7cb2f8a4-49a7\"\nscope = \"sql files\""
    )));
    let grant = &config.workspaces[0].grant;
    assert!(
        matches!(grant.policy(), FederationPolicy::ServicePrincipal(id) if id.as_str() == "7cb2f8a4-49a7")
    );
    assert_eq!(grant.scope().as_str(), "sql files");
    assert_eq!(about(&format!("{URL}client_id = \"a&b=c\"")).1, "\"a&b=c\"");
    assert_eq!(about(&format!("{URL}scope = \"\"")).1, "\"\"");
}

#[test]
fn the_token_endpoint_is_the_accounts_or_another_but_not_both() {
    let endpoint = |lines: &str| {
        let config = accepted(&workspace(&format!(
            "url = \"https://accounts.example.com\"\n{lines}"
        )));
        config.workspaces[0].grant.endpoint().url().to_string()
    };
    assert_eq!(
        endpoint("account_id = \"a-1\""),
        "https://accounts.example.com/oidc/accounts/a-1/v1/token"
    );
    assert_eq!(endpoint("token_url = \"https://b/t?x=y\""), "https://b/t?x=y");
    let both = format!("{URL}account_id = \"a\"\ntoken_url = \"https://b\"");
    assert_eq!(about(&both).0, "`account_id` has no effect beside `token_url`");
    assert_eq!(about(&format!("{URL}account_id = \"../x\"")).1, "\"../x\"");
}
