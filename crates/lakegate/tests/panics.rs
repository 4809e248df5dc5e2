//! What the program writes of a panic. A hook holds for a whole process, so each test runs one of its own: this binary again.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must say so and stop; and here a panic is the subject"
)]

use std::env;
use std::process::{Command, Output};
use std::thread;

use lakegate::config::Log;
use lakegate::panics;
use lakegate::telemetry::Telemetry;
use serde_json::Value;

/// What a panic must not tell.
const SECRET: &str = "hush-hush";

/// Whatever one of the ignored tests writes in a process of its own.
fn written_by(test: &str) -> (String, String) {
    let run = Command::new(env::current_exe().expect("this binary"))
        .args(["--ignored", "--exact", "--nocapture", test])
        .env("RUST_BACKTRACE", "full")
        .output();
    let Output {
        status,
        stdout,
        stderr,
        ..
    } = run.expect("it runs");
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert!(status.success(), "{stdout}{stderr}");
    for written in [&stdout, &stderr] {
        assert!(!written.contains(SECRET), "{written}");
    }
    (stdout, stderr)
}

fn panic_in_a_thread() {
    let thread = thread::Builder::new().name("worker-7".to_owned());
    let ended = thread.spawn(|| panic!("{SECRET}")).expect("a thread").join();
    assert!(ended.is_err());
}

#[test]
fn a_panic_is_logged_by_its_place_and_without_its_text() {
    let (stdout, stderr) = written_by("while_events_are_logged");
    let line = stdout
        .lines()
        .find(|line| line.contains("\"ERROR\""))
        .expect("an event");
    let event: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(event["message"], "a panic, which is a fault of lakegate's own");
    assert_eq!(event["thread"], "worker-7");
    let location = event["location"].as_str().expect("a place");
    assert!(location.starts_with(&format!("{}:", file!())), "{location}");
    assert_eq!(stderr, "");
}

#[test]
fn a_panic_before_anything_is_logged_is_one_line_on_standard_error() {
    let (_, stderr) = written_by("before_anything_is_logged");
    let told = format!("error: a panic in thread worker-7 at {}:", file!());
    assert!(stderr.starts_with(&told), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn while_events_are_logged() {
    panics::tell_places_alone();
    let _telemetry = Telemetry::start(&Log::default());
    panic_in_a_thread();
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn before_anything_is_logged() {
    panics::tell_places_alone();
    panic_in_a_thread();
}
