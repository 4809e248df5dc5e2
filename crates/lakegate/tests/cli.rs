//! The built program: what it prints, and how it ends.

#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const MINIMAL: &str = r#"
[[issuer]]
url = "https://login.example.com"
audiences = ["databricks-gateway"]

[[workspace]]
url = "https://dbc-1.cloud.databricks.com"
"#;

/// Runs lakegate in `folder`, without an environment of its own.
fn lakegate(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lakegate"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .expect("lakegate runs")
}

fn folder(config: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("lakegate.toml"), config).expect("written");
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_good_configuration_is_ok_and_summed_up() {
    let folder = folder(&format!("{MINIMAL}\n[admin]"));
    let checked = lakegate(folder.path(), &["check", "--config", "lakegate.toml"], &[]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert_eq!(
        text(&checked.stdout),
        "ok\n\
         listen     127.0.0.1:8080 (plain HTTP)\n\
         admin      127.0.0.1:9901\n\
         issuer     https://login.example.com for databricks-gateway, keys by discovery\n\
         workspace  dbc-1.cloud.databricks.com at https://dbc-1.cloud.databricks.com\n           \
         tokens from https://dbc-1.cloud.databricks.com/oidc/v1/token for all-apis, account-wide policy\n"
    );
    assert_eq!(text(&checked.stderr), "");
}

#[test]
fn a_faulty_configuration_is_64_with_every_fault_on_standard_error() {
    let folder = folder(&format!("[server]\nlisten = \"here\"\nbogus = 1\n{MINIMAL}"));
    for command in ["check", "run"] {
        let refused = lakegate(folder.path(), &[command, "--config", "lakegate.toml"], &[]);
        assert_eq!(refused.status.code(), Some(64), "{command}: {refused:?}");
        let said = text(&refused.stderr);
        assert!(said.contains("--> lakegate.toml:2:10\n"), "{said}");
        assert!(said.contains("--> lakegate.toml:3:1\n"), "{said}");
        assert!(said.ends_with("2 faults in lakegate.toml\n"), "{said}");
        assert!(!said.contains('\u{1b}'), "colours without a terminal: {said:?}");
        assert_eq!(text(&refused.stdout), "");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_64() {
    let folder = TempDir::new().expect("a folder");
    let refused = lakegate(folder.path(), &["check", "--config", "lakegate.toml"], &[]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(
        text(&refused.stderr).starts_with("error: cannot read the file: "),
        "{refused:?}"
    );
}

#[test]
fn faulty_flags_are_64_and_named() {
    let folder = TempDir::new().expect("a folder");
    let flags = [
        "run",
        "--workspace",
        "https://a/b",
        "--issuer",
        "https://c",
        "--audience",
        "d",
        "--listen",
        "here",
    ];
    let refused = lakegate(folder.path(), &flags, &[]);
    assert_eq!(refused.status.code(), Some(64));
    assert_eq!(
        text(&refused.stderr),
        "error: `here` is not an IP address with a port\n\
         --> --listen\n \
         = help: write an address such as 127.0.0.1:8080, 0.0.0.0:8443 or [::]:8443\n\n\
         error: a workspace URL must have no path and no query\n\
         --> --workspace\n \
         = help: write https://a\n\n\
         2 faults in the command line\n"
    );
}

#[test]
fn arguments_that_cannot_be_read_are_64() {
    let folder = TempDir::new().expect("a folder");
    let wrong: [&[&str]; 5] = [
        &["bogus"],
        &["check"],
        &["run"],
        &["run", "--bogus"],
        &["run", "--config", "a", "--workspace", "b"],
    ];
    for arguments in wrong {
        let refused = lakegate(folder.path(), arguments, &[]);
        assert_eq!(refused.status.code(), Some(64), "{arguments:?}");
        assert!(!refused.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_no_failure() {
    let folder = TempDir::new().expect("a folder");
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["run", "--help"],
        &["check", "--help"],
    ] {
        let told = lakegate(folder.path(), arguments, &[]);
        assert_eq!(told.status.code(), Some(0), "{arguments:?}");
        assert!(!told.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_environment_stands_in_for_flags() {
    let folder = folder(MINIMAL);
    let checked = lakegate(folder.path(), &["check"], &[("LAKEGATE_CONFIG", "lakegate.toml")]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let environment = [
        ("LAKEGATE_WORKSPACE", "https://a/b"),
        ("LAKEGATE_ISSUER", "https://c"),
        ("LAKEGATE_AUDIENCE", "d"),
    ];
    let refused = lakegate(folder.path(), &["run"], &environment);
    assert_eq!(refused.status.code(), Some(64));
    assert!(text(&refused.stderr).contains("--> --workspace\n"), "{refused:?}");
}

#[test]
fn files_are_relative_to_the_configuration_not_to_the_working_folder() {
    let configured = folder(&format!("[outbound]\nca = \"ca.pem\"\n{MINIMAL}"));
    let elsewhere = TempDir::new().expect("a folder");
    let config = configured.path().join("lakegate.toml");
    let refused = lakegate(
        elsewhere.path(),
        &["check", "--config", &config.to_string_lossy()],
        &[],
    );
    let expected = format!("cannot read {}", configured.path().join("ca.pem").display());
    assert!(text(&refused.stderr).contains(&expected), "{refused:?}");
}

/// By mimalloc's own account (`MIMALLOC_SHOW_STATS`): each size has a page. Were it linked and not asked, there would be one or none.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_mimallocs() {
    let shown = lakegate(Path::new("."), &["--version"], &[("MIMALLOC_SHOW_STATS", "1")]);
    let shown = text(&[shown.stdout, shown.stderr].concat());
    let pages = shown
        .lines()
        .find_map(|line| line.trim().strip_prefix("pages     :"));
    let most = pages.and_then(|pages| pages.split_whitespace().next()?.parse::<u32>().ok());
    assert!(most > Some(10), "{shown}");
}
