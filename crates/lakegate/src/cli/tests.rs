use clap::CommandFactory;

use super::*;
use crate::config::Hosts;

fn run(arguments: &[&str]) -> Result<RunArgs, clap::Error> {
    let words = ["lakegate", "run"].iter().chain(arguments);
    match Cli::try_parse_from(words)?.command {
        Command::Run(args) => Ok(*args),
        other => panic!("{other:?}"),
    }
}

fn load(more: &[&str]) -> Result<Config, Faults> {
    let least = [
        "--workspace",
        "https://dbc-1.example.com",
        "--issuer",
        "https://a",
        "--audience",
        "b",
    ];
    let arguments: Vec<_> = least.iter().chain(more).copied().collect();
    run(&arguments).expect("arguments").load()
}

fn complaints(more: &[&str]) -> Vec<(String, crate::config::Place)> {
    let faults = load(more).expect_err("a fault");
    faults
        .list()
        .iter()
        .map(|fault| (fault.message.clone(), fault.place.clone()))
        .collect()
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn three_flags_are_a_configuration() {
    let config = load(&[]).expect("accepted");
    assert_eq!(
        config.server.listen,
        ["127.0.0.1:8080".parse().expect("an address")]
    );
    assert!(config.admin.is_none());
    assert_eq!(config.issuers[0].url, "https://a");
    assert_eq!(config.issuers[0].audiences[0].0, "b");
    assert_eq!(config.workspaces[0].name.as_str(), "dbc-1.example.com");
    assert_eq!(config.workspaces[0].hosts, Hosts::Any);
}

#[test]
fn every_flag_reaches_its_setting() {
    let config = load(&[
        "--audience=c",
        "--listen=0.0.0.0:1",
        "--listen=[::]:2",
        "--admin=127.0.0.1:3",
        "--client-id=4",
        "--account-id=5",
        "--jwks-url=https://a/6",
        "--log-level=warn",
    ]);
    let config = config.expect("accepted");
    assert_eq!(config.issuers[0].audiences.len(), 2);
    assert_eq!(config.server.listen.len(), 2);
    assert_eq!(config.admin.expect("a listener").listen.port(), 3);
    let shown = format!("{:?} {:?} {:?}", config.issuers, config.workspaces, config.log);
    for sign in [
        "ClientId(\"4\")",
        "/oidc/accounts/5/v1/token",
        "path: \"/6\"",
        "WARN",
    ] {
        assert!(shown.contains(sign), "{sign} in {shown}");
    }
}

#[test]
fn flags_obey_the_rules_of_the_file_and_faults_name_the_flag() {
    use crate::config::Place::Flag;
    let found = complaints(&[
        "--listen=here",
        "--client-id=&",
        "--tls-key=/nonexistent/key",
        "--ca=/nonexistent/ca",
    ]);
    let places: Vec<_> = found.into_iter().map(|(_, place)| place).collect();
    for flag in ["--listen", "--client-id", "--tls-key", "--ca"] {
        assert!(places.contains(&Flag(flag)), "{flag} in {places:?}");
    }
    let found = complaints(&["--jwks-url=https://a/b", "--jwks-file=c"]);
    assert_eq!(found[0].0, "keys come from a URL or from a file, not from both");
}

#[test]
fn http_needs_loopback_or_a_switch_of_its_own() {
    let arguments = ["--workspace=http://a", "--issuer=http://b", "--audience=c"];
    let faults = run(&arguments).expect("arguments").load().expect_err("faults");
    assert_eq!(faults.list().len(), 2);
    let help = faults.list()[0].help.clone().expect("help");
    assert!(help.ends_with("--insecure-http"), "{help}");
    let accepting: Vec<_> = arguments.iter().chain(&["--insecure-http"]).copied().collect();
    run(&accepting).expect("arguments").load().expect("accepted");
}

#[test]
fn a_flag_that_is_missing_is_told() {
    let faults = run(&["--workspace=https://a"])
        .expect("arguments")
        .load()
        .expect_err("faults");
    let messages: Vec<_> = faults.list().iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        messages,
        ["the issuer has no `url`", "the issuer has no `audiences`"]
    );
}

#[test]
fn neither_a_file_nor_flags_is_a_fault() {
    let faults = run(&[]).expect("arguments").load().expect_err("a fault");
    assert_eq!(faults.list()[0].message, "there is no configuration");
}

#[test]
fn a_file_and_flags_exclude_each_other() {
    for flag in [
        "--workspace=https://a",
        "--issuer=https://a",
        "--audience=a",
        "--listen=127.0.0.1:1",
        "--insecure-http",
    ] {
        let refusal = run(&["--config=a.toml", flag]).expect_err(flag);
        assert_eq!(refusal.kind(), clap::error::ErrorKind::ArgumentConflict, "{flag}");
    }
}

#[test]
fn every_flag_has_an_environment_variable() {
    let command = Cli::command();
    for name in ["run", "agent"] {
        let command = command.find_subcommand(name).expect(name);
        for flag in command.get_arguments().filter(|flag| flag.get_id() != "help") {
            let long = flag.get_long().expect("a long name");
            let variable = format!("LAKEGATE_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(
                flag.get_env().and_then(|name| name.to_str()),
                Some(variable.as_str()),
                "{long}"
            );
        }
    }
}

fn agent(arguments: &[&str]) -> Result<AgentArgs, clap::Error> {
    let words = ["lakegate", "agent"].iter().chain(arguments);
    match Cli::try_parse_from(words)?.command {
        Command::Agent(args) => Ok(*args),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_agent_has_one_way_out_and_one_source() {
    let (out, source) = ("--gateway=https://a", "--token-file=b");
    agent(&[out, source]).expect("arguments");
    agent(&[out, "--token-command=b"]).expect("arguments");
    agent(&["--workspace=https://a", source]).expect("arguments");
    for wrong in [
        &[out][..],
        &[source],
        &[out, source, "--token-command=b"],
        &[out, source, "--workspace=https://a"],
        &[out, source, "--issuer=https://a"],
        &[out, source, "--token-margin=1m"],
        &[out, source, "--socket-mode=0600"],
        &[out, source, "--config=a.toml"],
    ] {
        agent(wrong).expect_err(&wrong.join(" "));
    }
}

#[test]
fn docs_agent_tells_every_flag_of_the_agent() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/agent.md");
    let page = std::fs::read_to_string(path).expect("docs/agent.md");
    let rows: String = page.lines().filter(|line| line.starts_with("| `--")).collect();
    let command = Cli::command();
    let command = command.find_subcommand("agent").expect("agent");
    for flag in command.get_arguments().filter(|flag| flag.get_id() != "help") {
        let long = format!("`--{}`", flag.get_long().expect("a long name"));
        assert!(rows.contains(&long), "{long}");
    }
}
