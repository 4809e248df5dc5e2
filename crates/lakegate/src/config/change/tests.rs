use super::*;
use crate::config::tests::{MINIMAL, accepted};

/// From the minimal configuration to one with these lines before it.
fn change(sections: &str) -> Change {
    let started = accepted(MINIMAL);
    Change::between(&started, &started, &accepted(&format!("{sections}\n{MINIMAL}")))
}

#[test]
fn what_decides_over_requests_changes_at_once() {
    for (sections, name) in [
        ("[server]\nmax_body_size = 5", "server"),
        ("[server]\nidle_timeout = \"5s\"", "server"),
        ("[exchange]\ntimeout = \"5s\"", "exchange"),
        ("[outbound]\nfirst_byte_timeout = \"5s\"", "outbound"),
    ] {
        let change = change(sections);
        assert_eq!(
            (change.now, change.at_restart),
            (vec![name], vec![]),
            "{sections}"
        );
    }
}

#[test]
fn what_is_built_in_is_named_and_waits_for_the_next_start() {
    for (sections, name) in [
        ("[server]\nlisten = \"127.0.0.1:1\"", "server.listen"),
        ("[server]\nworkers = 77", "server.workers"),
        ("[server]\nmax_connections = 5", "server.max_connections"),
        ("[admin]", "admin"),
        ("[exchange]\ncache_capacity = 5", "exchange.cache_capacity"),
        ("[log]\nlevel = \"debug\"", "log"),
    ] {
        let change = change(sections);
        assert_eq!(
            (change.now, change.at_restart),
            (vec![], vec![name]),
            "{sections}"
        );
    }
}

#[test]
fn what_waits_for_the_next_start_waits_until_it_is_as_it_was() {
    let started = accepted(MINIMAL);
    let serving = accepted(&format!("[server]\nworkers = 77\n{MINIMAL}"));
    let next = accepted(&format!("[server]\nworkers = 77\nh2c = true\n{MINIMAL}"));
    let change = Change::between(&started, &serving, &next);
    assert_eq!(change.now, ["server"]);
    assert_eq!(change.at_restart, ["server.workers"]);
    assert_eq!(
        Change::between(&started, &next, &started),
        Change {
            now: vec!["server"],
            at_restart: vec![],
        }
    );
}

#[test]
fn callers_and_destinations_are_compared_by_what_they_say() {
    let started = accepted(MINIMAL);
    let spaced = accepted(&format!("# a comment\n{}", MINIMAL.replace(" = ", "=")));
    assert!(started == spaced, "a comment changes nothing");
    let other = accepted(&MINIMAL.replace("databricks-gateway", "another"));
    assert_eq!(Change::between(&started, &started, &other).now, ["issuer"]);
    let elsewhere = accepted(&MINIMAL.replace("dbc-1", "dbc-2"));
    assert_eq!(Change::between(&started, &started, &elsewhere).now, ["workspace"]);
}
