use std::sync::Arc;

use exchange::{FederationPolicy, Grant, HostMetadata, Scope, TokenEndpoint};
use http::Request;

use super::{OwnRoutes, RouteConflict, Routes, Workspace, WorkspaceUrl};
use crate::Failure;

fn tls() -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Arc::new(
        builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
    )
}

fn workspace(name: &str, hosts: &[&str]) -> Workspace {
    let url = "https://dbc-1.cloud.databricks.com".parse().unwrap();
    let grant = Grant::new(
        TokenEndpoint::at(url),
        FederationPolicy::AccountWide,
        Scope::default(),
    );
    let url = WorkspaceUrl::new(&"https://dbc-1.cloud.databricks.com".parse().unwrap(), tls()).unwrap();
    Workspace::new(
        name,
        url,
        hosts.iter().map(|&host| host.to_owned()).collect(),
        grant,
    )
}

fn two() -> OwnRoutes {
    shared_two().for_one_worker()
}

fn shared_two() -> Routes {
    let all = vec![
        workspace("a", &["a.example.com"]),
        workspace("b", &["b.example.com:8443", "B2.example.com"]),
    ];
    Routes::new(all).unwrap()
}

fn only(hosts: &[&str]) -> OwnRoutes {
    let routes = Routes::new(vec![workspace("only", hosts)]).unwrap();
    routes.for_one_worker()
}

fn found(routes: &OwnRoutes, request: &Request<()>) -> Result<String, Failure> {
    routes
        .find(request)
        .map(|destination| destination.workspace.name.clone())
}

fn to(host: &str) -> Request<()> {
    Request::get("/").header("host", host).body(()).unwrap()
}

#[test]
fn a_host_leads_to_its_workspace_in_any_case_and_on_any_port() {
    assert_eq!(found(&two(), &to("a.example.com")).unwrap(), "a");
    assert_eq!(found(&two(), &to("A.Example.COM:8443")).unwrap(), "a");
    assert_eq!(found(&two(), &to("b2.example.com")).unwrap(), "b");
}

#[test]
fn a_host_with_a_configured_port_is_served_on_that_port_alone() {
    assert_eq!(found(&two(), &to("b.example.com:8443")).unwrap(), "b");
    assert!(matches!(
        found(&two(), &to("b.example.com:8444")),
        Err(Failure::UnknownHost(_))
    ));
    assert!(matches!(
        found(&two(), &to("b.example.com")),
        Err(Failure::UnknownHost(_))
    ));
}

#[test]
fn a_worker_has_copies_of_all_workspaces_and_shares_only_what_is_told_later() {
    let routes = shared_two();
    let own = routes.for_one_worker();
    let places = |workspace: &Workspace| {
        let url = &workspace.url;
        (
            url.host_header.as_bytes().as_ptr(),
            url.authority.as_str().as_ptr(),
        )
    };
    let ours = places(&own.workspaces()[1]);
    let theirs = places(&routes.workspaces()[1]);
    assert!(ours.0 != theirs.0 && ours.1 != theirs.1);
    routes.workspaces()[1].metadata.set(HostMetadata::default());
    let served = own.find(&to("b2.example.com")).unwrap().workspace;
    assert!(served.metadata.read().is_some());
    assert_eq!(
        Arc::strong_count(&routes.workspaces()[1]),
        1,
        "no worker counts there"
    );
}

#[test]
fn an_unknown_host_is_refused_and_never_guessed() {
    for host in [
        "c.example.com",
        "a.example.com.evil.com",
        "evil-a.example.com",
        "example.com",
        "a.example.com.",
    ] {
        assert!(
            matches!(found(&two(), &to(host)), Err(Failure::UnknownHost(_))),
            "{host}"
        );
    }
}

#[test]
fn a_single_workspace_without_hosts_is_served_under_every_host() {
    let routes = only(&[]);
    assert_eq!(found(&routes, &to("anything:1234")).unwrap(), "only");
}

#[test]
fn a_single_workspace_with_hosts_is_served_under_those_alone() {
    let routes = only(&["a.example.com"]);
    assert!(matches!(
        found(&routes, &to("b.example.com")),
        Err(Failure::UnknownHost(_))
    ));
}

#[test]
fn a_missing_repeated_or_malformed_host_is_refused() {
    let none = Request::get("/").body(()).unwrap();
    let twice = Request::get("/")
        .header("host", "a.example.com")
        .header("host", "a.example.com")
        .body(())
        .unwrap();
    assert!(matches!(found(&two(), &none), Err(Failure::BadRequest(_))));
    assert!(matches!(found(&two(), &twice), Err(Failure::BadRequest(_))));
    for host in [
        "",
        "user@a.example.com",
        "a.example.com/x",
        "a.example.com,b.example.com",
        "a b",
        ":80",
    ] {
        assert!(
            matches!(found(&two(), &to(host)), Err(Failure::BadRequest(_))),
            "{host}"
        );
    }
}

#[test]
fn an_absolute_target_must_agree_with_the_host() {
    let agree = Request::get("http://a.example.com/x")
        .header("host", "a.example.com")
        .body(())
        .unwrap();
    let differ = Request::get("http://b2.example.com/x")
        .header("host", "a.example.com")
        .body(())
        .unwrap();
    assert_eq!(found(&two(), &agree).unwrap(), "a");
    assert!(matches!(found(&two(), &differ), Err(Failure::BadRequest(_))));
}

#[test]
fn targets_that_are_no_path_and_methods_that_are_not_forwarded_are_refused() {
    let asterisk = Request::options("*")
        .header("host", "a.example.com")
        .body(())
        .unwrap();
    assert!(matches!(found(&two(), &asterisk), Err(Failure::BadRequest(_))));
    for method in ["CONNECT", "TRACE"] {
        let request = Request::builder()
            .method(method)
            .uri("a.example.com:443")
            .body(())
            .unwrap();
        assert!(
            matches!(found(&two(), &request), Err(Failure::MethodNotAllowed)),
            "{method}"
        );
    }
}

#[test]
fn hosts_that_leave_the_destination_open_are_a_conflict() {
    assert!(matches!(Routes::new(vec![]), Err(RouteConflict::Empty)));
    let without = vec![workspace("a", &["a.example.com"]), workspace("b", &[])];
    assert!(matches!(Routes::new(without), Err(RouteConflict::NoHosts(name)) if name == "b"));
    let twice = vec![
        workspace("a", &["a.example.com"]),
        workspace("b", &["A.example.com"]),
    ];
    assert!(matches!(Routes::new(twice), Err(RouteConflict::Twice(_))));
}

#[test]
fn a_workspace_url_is_an_origin_and_nothing_more() {
    for url in [
        "https://x.example.com/path",
        "https://x.example.com?o=1",
        "https://u@x.example.com",
        "ftp://x.example.com",
    ] {
        assert!(WorkspaceUrl::new(&url.parse().unwrap(), tls()).is_err(), "{url}");
    }
    let bracketed = WorkspaceUrl::new(&"http://[::1]:8080".parse().unwrap(), tls()).unwrap();
    assert_eq!((bracketed.host.as_str(), bracketed.port), ("::1", 8080));
    assert_eq!(bracketed.host_header, "[::1]:8080");
}
