use std::time::Duration;

use clap::Parser as _;
use proxy::NextHop;

use super::Agent;
use crate::agent::MachineToken;
use crate::cli::{Cli, Command};
use crate::config::{Faults, Place};

const LEAST: [&str; 2] = ["--gateway=https://gateway.example.com", "--token-file=jwt"];

fn load(arguments: &[&str]) -> Result<Agent, Faults> {
    let words = ["lakegate", "agent"].iter().chain(arguments);
    match Cli::parse_from(words).command {
        Command::Agent(args) => args.load(),
        other => panic!("{other:?}"),
    }
}

fn with(more: &[&str]) -> Result<Agent, Faults> {
    load(&[&LEAST, more].concat())
}

/// The one fault, and the flag that it is about.
fn fault(more: &[&str]) -> (String, Place) {
    let faults = with(more).expect_err("a fault");
    let [fault] = faults.list() else {
        panic!("{faults}")
    };
    (fault.message.clone(), fault.place.clone())
}

#[test]
fn defaults_are_those_that_are_documented() {
    let agent = with(&[]).expect("accepted");
    assert_eq!(agent.next_hop, NextHop::Gateway);
    assert_eq!(agent.config.server.listen, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(agent.patience, Duration::from_secs(10));
    assert!(agent.config.server.h2c && agent.config.issuers.is_empty());
    assert!(agent.socket.is_none() && agent.local_token.is_none());

    let agent = with(&["--socket=a.sock", "--token-wait=0s"]).expect("accepted");
    assert!(agent.config.server.listen.is_empty(), "no port beside a socket");
    assert_eq!(agent.socket.expect("a socket").mode, 0o600);
    assert_eq!(agent.patience, Duration::ZERO);
    let both = with(&["--socket=a.sock", "--listen=[::1]:1"]).expect("accepted");
    assert_eq!(both.config.server.listen.len(), 1);
}

#[test]
fn a_command_is_split_as_a_shell_would_and_read_by_none() {
    let words = |more: &[&str]| {
        let agent = load(&[&LEAST[..1], more].concat()).expect("accepted");
        match agent.token {
            MachineToken::Command(command) => (command.words, command.timeout, command.margin),
            MachineToken::File(_) => panic!("a file"),
        }
    };
    let (plain, timeout, margin) = words(&["--token-command=vault read -field=jwt 'a b' $(c) | d"]);
    assert_eq!(plain, ["vault", "read", "-field=jwt", "a b", "$(c)", "|", "d"]);
    assert_eq!(
        (timeout, margin),
        (Duration::from_secs(10), Duration::from_secs(60))
    );
    let (shell, timeout, margin) = words(&[
        "--token-command=a | b",
        "--token-shell",
        "--token-timeout=1s",
        "--token-margin=5m",
    ]);
    assert_eq!(shell, ["/bin/sh", "-c", "a | b"]);
    assert_eq!(
        (timeout, margin),
        (Duration::from_secs(1), Duration::from_secs(300))
    );
    for wrong in ["--token-command='a", "--token-command= "] {
        let faults = load(&[LEAST[0], wrong]).expect_err(wrong);
        assert_eq!(faults.list()[0].place, Place::Flag("--token-command"));
    }
}

#[test]
fn an_address_beyond_loopback_is_a_fault() {
    for address in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"] {
        let (message, place) = fault(&["--listen=127.0.0.1:1", &format!("--listen={address}")]);
        assert!(message.contains("loopback addresses only"), "{message}");
        assert_eq!(place, Place::Flag("--listen"));
    }
    for address in ["127.0.0.2:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        with(&[&format!("--listen={address}")]).expect(address);
    }
}

#[test]
fn what_cannot_be_meant_is_a_fault_of_its_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "short\n").expect("a file");
    let secret = format!("--require-token={}", secret.display());
    for (flag, more) in [
        ("--socket-mode", &["--socket=a", "--socket-mode=0999"][..]),
        ("--socket-mode", &["--socket=a", "--socket-mode=10600"]),
        ("--token-wait", &["--token-wait=10"]),
        ("--require-token", &["--require-token=/nonexistent/secret"]),
        ("--require-token", &[&secret]),
        ("--ca", &["--ca=/nonexistent/ca"]),
    ] {
        assert_eq!(fault(more).1, Place::Flag(flag));
    }
    let faults = load(&["--gateway=http://gateway.example.com", LEAST[1]]).expect_err("a fault");
    assert_eq!(faults.list()[0].place, Place::Flag("--gateway"));
    let faults = load(&["--workspace=https://a", LEAST[1]]).expect_err("faults");
    assert_eq!(faults.list().len(), 2, "an issuer and an audience: {faults}");
}
