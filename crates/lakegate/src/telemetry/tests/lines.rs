//! Lines of requests that nobody has thought of.

use http::Method;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// What a line makes of a value of the client's: so much of it, without control characters.
fn kept(value: &[u8], longest: usize) -> String {
    let text = String::from_utf8_lossy(value);
    let kept = text.chars().take(longest);
    kept.map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

proptest! {
    #[test]
    fn whatever_a_client_sends_is_one_line_that_json_reads_back(
        method in "[!#-'*+.0-9A-Z^-z|~-]{1,300}",
        path in any::<String>(),
        query in any::<String>(),
        agent in any::<Option<Vec<u8>>>(),
        cause in any::<Option<String>>(),
        bytes in any::<(u64, u64)>(),
        micros in any::<(u32, Option<u32>)>(),
        id in any::<u128>(),
        client in any::<std::net::SocketAddr>(),
        status in proptest::option::of(100..1_000_u16),
    ) {
        let method = Method::from_bytes(method.as_bytes()).expect("a token");
        let target = format!("{path}?{query}");
        let asked = AccessRecord {
            request_id: RequestId::new(id),
            client,
            method: &method,
            user_agent: agent.as_deref(),
            cause: cause.as_deref(),
            request_bytes: bytes.0,
            response_bytes: bytes.1,
            duration: Duration::from_micros(micros.0.into()),
            swapped_after: micros.1.map(|micros| Duration::from_micros(micros.into())),
            answered_after: None,
            status: status.map(|status| StatusCode::from_u16(status).expect("a status")),
            ..record(&target, b"")
        };
        let line = access_line(&log(LogFormat::Json, "info"), &asked);
        prop_assert_eq!(line.matches('\n').count(), 1);
        let line: Value = serde_json::from_str(&line).expect("JSON");
        let path = path.split('?').next().unwrap_or_default();
        prop_assert_eq!(&line["path"], &Value::from(kept(path.as_bytes(), 2_048)));
        prop_assert_eq!(&line["method"], &Value::from(kept(method.as_str().as_bytes(), 256)));
        prop_assert_eq!(&line["user_agent"], &Value::from(agent.as_ref().map(|agent| kept(agent, 256))));
        prop_assert_eq!(&line["cause"], &Value::from(cause.as_ref().map(|cause| kept(cause.as_bytes(), 2_048))));
        prop_assert_eq!(&line["request_id"], &Value::from(format!("{id:032x}")));
        prop_assert_eq!(&line["client"], &Value::from(client.to_string()));
        prop_assert_eq!(&line["status"], &Value::from(status));
        prop_assert_eq!(&line["request_bytes"], &Value::from(bytes.0));
        prop_assert_eq!(&line["response_bytes"], &Value::from(bytes.1));
        let milliseconds = |micros: u32| Value::from(f64::from(micros) / 1e3);
        prop_assert_eq!(&line["duration_ms"], &milliseconds(micros.0));
        prop_assert_eq!(&line["swap_ms"], &Value::from(micros.1.map(|micros| f64::from(micros) / 1e3)));
        let text = access_line(&log(LogFormat::Text, "info"), &asked);
        prop_assert!(!text.trim_end_matches('\n').chars().any(char::is_control), "{text:?}");
    }
}
