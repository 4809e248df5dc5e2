mod callers;
mod lines;
mod queue;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, StatusCode};
use proxy::{AccessRecord, AccessSink, Outcome, RefusalRecord, RequestId};
use serde_json::Value;
use tokio::time::Instant;
use tracing_subscriber::filter::Targets;

use aws_lc_rs::hmac;

use super::subject::pseudonym;
use super::*;
use crate::config::Subjects;

/// A place that both the log's thread and the test can see.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the page").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("the page").clone()).expect("UTF-8")
    }
}

fn log(format: LogFormat, level: &str) -> Log {
    let level: Targets = level.parse().expect("directives");
    Log {
        level,
        format,
        subjects: Subjects::Off,
    }
}

/// What `use_writer` had written by the time its queue was closed.
fn written(use_writer: impl FnOnce(Queue)) -> String {
    let page = Page::default();
    let (queue, scribe) = Queue::before(page.clone());
    use_writer(queue);
    drop(scribe);
    page.text()
}

fn access_line(config: &Log, record: &AccessRecord<'_>) -> String {
    written(|writer| AccessLog::new(config, writer).record(record))
}

fn record<'a>(path: &'a str, user_agent: &'a [u8]) -> AccessRecord<'a> {
    AccessRecord {
        request_id: RequestId::new(0xabc),
        client: "192.0.2.1:4711".parse().expect("an address"),
        method: &Method::GET,
        path,
        user_agent: Some(user_agent),
        workspace: Some("analytics"),
        identity: None,
        passed_through: false,
        status: Some(StatusCode::OK),
        failure: None,
        cause: None,
        request_bytes: 0,
        response_bytes: 1024,
        swapped_after: Some(Duration::from_micros(250)),
        answered_after: Some(Duration::from_micros(12_750)),
        duration: Duration::from_micros(13_001),
        ended: Instant::now(),
        outcome: Outcome::Complete,
    }
}

fn key(bytes: [u8; 32]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &bytes)
}

#[test]
fn a_request_is_one_json_line() {
    let line = access_line(
        &log(LogFormat::Json, "info"),
        &record("/api/2.0/clusters/list", b"curl/8"),
    );
    assert_eq!(line.matches('\n').count(), 1);
    let mut line: Value = serde_json::from_str(&line).expect("JSON");
    let timestamp = line["timestamp"].take();
    assert!(
        timestamp
            .as_str()
            .is_some_and(|at| at.ends_with('Z') && at.contains('T')),
        "{timestamp}"
    );
    let expected = serde_json::json!({
        "timestamp": null, "level": "INFO", "target": "access", "request_id": "00000000000000000000000000000abc", "client": "192.0.2.1:4711",
        "method": "GET", "path": "/api/2.0/clusters/list", "workspace": "analytics", "status": 200,
        "outcome": "complete", "request_bytes": 0, "response_bytes": 1024, "duration_ms": 13.001, "swap_ms": 0.25,
        "upstream_ms": 12.5, "user_agent": "curl/8",
    });
    assert_eq!(line, expected);
}

#[test]
fn events_requests_and_refusals_stand_in_the_order_in_which_they_came() {
    let refusal = RefusalRecord {
        client: "192.0.2.1:4711".parse().expect("an address"),
        status: None,
        failure: "HEAD_TIMED_OUT",
        cause: Some("it took too long"),
    };
    for format in [LogFormat::Json, LogFormat::Text] {
        let lines = written(|mut queue| {
            let access = AccessLog::new(&log(format, "info"), queue.clone());
            access.record(&record("/first", b"curl"));
            queue.write_all(b"second\n").expect("it takes everything");
            access.refused(&refusal);
            access.record(&record("/fourth", "\u{e9}".as_bytes()));
        });
        let lines: Vec<&str> = lines.lines().collect();
        for (line, part) in lines
            .iter()
            .zip(["/first", "second", "HEAD_TIMED_OUT", "/fourth"])
        {
            assert!(line.contains(part), "{lines:?}");
        }
        assert!(
            lines[2].contains("it took too long") && lines[3].contains('\u{e9}'),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 4);
    }
}

#[test]
fn a_request_is_one_line_of_text() {
    let line = access_line(
        &log(LogFormat::Text, "info"),
        &record("/api/2.0/clusters/list", b"curl/8"),
    );
    let (_, line) = line.split_once("  ").expect("a timestamp");
    assert_eq!(
        line,
        "INFO access: GET /api/2.0/clusters/list 200 13.001ms workspace=analytics swap_ms=0.25 upstream_ms=12.5 \
         bytes_in=0 bytes_out=1024 outcome=complete client=192.0.2.1:4711 user_agent=\"curl/8\" request_id=00000000000000000000000000000abc\n"
    );
}

#[test]
fn a_failure_is_told_with_its_cause() {
    let failed = AccessRecord {
        status: None,
        failure: Some("UPSTREAM_UNREACHABLE"),
        cause: Some("connection \"refused\""),
        ..record("/", b"")
    };
    let line = access_line(&log(LogFormat::Text, "info"), &failed);
    assert!(line.contains(" GET / - 13.001ms "), "{line}");
    assert!(
        line.contains(" failure=UPSTREAM_UNREACHABLE cause=\"connection \\\"refused\\\"\" "),
        "{line}"
    );
}

#[test]
fn a_query_is_never_logged() {
    for format in [LogFormat::Json, LogFormat::Text] {
        let line = access_line(&log(format, "info"), &record("/a?access_token=s3cret", b""));
        assert!(!line.contains("s3cret") && !line.contains('?'), "{line}");
    }
}

#[test]
fn a_client_can_forge_no_line_and_steer_no_terminal() {
    let hostile = "a\nINFO access: forged\r\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\" outcome=forged";
    for format in [LogFormat::Json, LogFormat::Text] {
        let line = access_line(&log(format, "info"), &record(hostile, hostile.as_bytes()));
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(line.trim_end().chars().all(|c| !c.is_control()), "{line:?}");
    }
    let text = access_line(&log(LogFormat::Text, "info"), &record("/", hostile.as_bytes()));
    assert!(!text.contains('\u{202e}'), "{text:?}");
    assert!(text.contains("\\\" outcome=forged\" request_id"), "{text}");
}

#[test]
fn what_clients_send_is_cut_to_size() {
    let long = "a".repeat(100_000);
    for format in [LogFormat::Json, LogFormat::Text] {
        let line = access_line(&log(format, "info"), &record(&long, long.as_bytes()));
        assert!(line.len() < 3_000, "{}", line.len());
    }
}

#[test]
fn what_clients_send_takes_no_more_room_than_a_line_can_need() {
    let long = "a".repeat(100_000);
    let method = Method::from_bytes(long.as_bytes()).expect("a token");
    let asked = AccessRecord {
        method: &method,
        ..record(&long, long.as_bytes())
    };
    let lines = written(|queue| {
        let access = AccessLog::new(&log(LogFormat::Json, "info"), queue.clone());
        for _ in 0..100 {
            access.record(&asked);
        }
        assert_eq!(queue.dropped(), 0, "30 MB would find no room");
    });
    assert_eq!(lines.lines().count(), 100);
}

#[test]
fn what_is_cut_is_cut_behind_a_character_however_many_bytes_that_has() {
    for character in ["a", "\u{e9}", "\u{20ac}", "\u{1f980}"] {
        let long = character.repeat(10_000);
        let line = access_line(&log(LogFormat::Json, "info"), &record(&long, long.as_bytes()));
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(line["path"], character.repeat(2_048));
        assert_eq!(line["user_agent"], character.repeat(256));
    }
}

#[test]
fn bytes_that_are_no_text_are_no_obstacle() {
    let line = access_line(&log(LogFormat::Json, "info"), &record("/", b"\xff\xfe"));
    assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
}

#[test]
fn the_access_log_obeys_the_level() {
    let lines = |level| {
        access_line(&log(LogFormat::Json, level), &record("/", b""))
            .lines()
            .count()
    };
    assert_eq!(lines("info"), 1);
    assert_eq!(lines("warn"), 0);
    assert_eq!(lines("info,access=off"), 0);
    assert_eq!(lines("warn,access=info"), 1);
}

#[test]
fn events_are_json_lines_of_the_same_shape() {
    let lines = written(|writer| {
        let subscriber = Registry::default().with(layer(&log(LogFormat::Json, "info"), writer));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "proxy", workers = 2, "listening");
            tracing::debug!("not told");
        });
    });
    assert_eq!(lines.lines().count(), 1, "{lines}");
    let line: Value = serde_json::from_str(&lines).expect("JSON");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["target"], "proxy");
    assert_eq!(line["message"], "listening");
    assert_eq!(line["workers"], 2);
    assert!(line["timestamp"].is_string());
}

#[test]
fn a_hash_needs_the_key_to_be_guessed() {
    let (mine, yours) = (key([1; 32]), key([2; 32]));
    assert_eq!(
        pseudonym(&mine, "https://a", "alice"),
        pseudonym(&mine, "https://a", "alice")
    );
    assert_ne!(
        pseudonym(&mine, "https://a", "alice"),
        pseudonym(&yours, "https://a", "alice")
    );
}

#[test]
fn no_two_pairs_of_issuer_and_subject_are_the_same_bytes() {
    let key = key([7; 32]);
    assert_ne!(
        pseudonym(&key, "https://a", "alice"),
        pseudonym(&key, "https://b", "alice")
    );
    assert_ne!(
        pseudonym(&key, "https://a", "bob"),
        pseudonym(&key, "https://ab", "ob")
    );
}
