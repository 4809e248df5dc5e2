use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use exchange::{Denial, ExchangeError, Outage};
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::Failure;
use crate::RequestId;

use crate::forward::{ConnectError, ForwardError};
use crate::machine::NoToken;

fn id() -> RequestId {
    RequestId::new(0xabc)
}

fn denied(status: u16) -> Failure {
    let denial = Denial {
        status,
        code: "invalid_grant".to_owned(),
        message: "no policy".to_owned(),
    };
    ExchangeError::Denied(Arc::new(denial)).into()
}

fn outage(throttled: bool, seconds: u64) -> Failure {
    let retry_after = Duration::from_secs(seconds);
    ExchangeError::Unavailable(Arc::new(Outage {
        throttled,
        what: "down".to_owned(),
        retry_after,
    }))
    .into()
}

fn all() -> Vec<Failure> {
    vec![
        Failure::BadRequest("bad"),
        Failure::TooManyFields,
        Failure::TargetTooLong(16_384),
        Failure::BodyTooLarge(1_000),
        Failure::Overloaded,
        Failure::SubjectLimit(NonZeroU32::MIN),
        ForwardError::RequestStalled(Duration::from_secs(60)).into(),
        ForwardError::RequestTooLarge(1_000).into(),
        Failure::MethodNotAllowed,
        Failure::UnknownHost("x.example.com".to_owned()),
        Failure::ForeignHost("x.example.com".to_owned()),
        Failure::ForeignOrigin,
        Failure::NotALocalToken,
        Failure::NoToken(NoToken {
            why: "/run/jwt is empty".to_owned(),
            retry_after: Duration::from_secs(3),
        }),
        Failure::NoCredential,
        Failure::TwoCredentials,
        Failure::UnsupportedCredential,
        denied(400),
        denied(401),
        denied(403),
        outage(true, 7),
        outage(false, 2),
        ExchangeError::Malformed("HTML".into()).into(),
        ForwardError::Connect(ConnectError::ClosedAtOnce).into(),
        ForwardError::Connect(ConnectError::TimedOut(Duration::from_secs(5))).into(),
        ForwardError::TimedOut(Duration::from_secs(300)).into(),
        Failure::UnexpectedUpgrade,
        Failure::Internal,
    ]
}

fn json(failure: &Failure) -> Value {
    let body = failure.answer(id()).into_body();
    let bytes = futures_executor(body.collect());
    serde_json::from_slice(&bytes.unwrap().to_bytes()).unwrap()
}

fn futures_executor<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn every_answer_has_the_shape_that_databricks_clients_read() {
    for failure in all() {
        let response = failure.answer(id());
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(headers["x-request-id"], "00000000000000000000000000000abc");
        assert!(!headers["x-databricks-reason-phrase"].is_empty());
        let json = json(&failure);
        assert!(
            json["error_code"].is_string() && json["message"].is_string(),
            "{json}"
        );
        assert!(
            json.get("error").is_none() && json.get("status").is_none(),
            "{json}"
        );
        assert_eq!(json["details"][0]["domain"], "lakegate");
        assert_eq!(json["details"][0]["reason"], failure.reason());
        assert_eq!(
            json["details"][1]["request_id"],
            "00000000000000000000000000000abc"
        );
    }
}

#[test]
fn an_integer_retry_after_stands_with_429_and_503_and_nowhere_else() {
    for failure in all() {
        let response = failure.answer(id());
        let retry_after = response
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().parse::<u64>().unwrap());
        let expected = matches!(response.status().as_u16(), 429 | 503);
        assert_eq!(retry_after.is_some(), expected, "{failure:?}");
        assert!(retry_after.is_none_or(|seconds| seconds >= 1), "{failure:?}");
    }
    assert_eq!(outage(true, 7).answer(id()).headers()["retry-after"], "7");
}

#[test]
fn a_fraction_of_a_second_to_wait_is_rounded_up() {
    let wait = |millis| super::answer::whole_seconds(Duration::from_millis(millis));
    assert_eq!(wait(0), "1");
    assert_eq!(wait(900), "1");
    assert_eq!(wait(1000), "1");
    assert_eq!(wait(1001), "2");
    assert_eq!(wait(2500), "3");
}

#[test]
fn statuses_that_clients_repeat_are_given_only_when_nothing_was_forwarded() {
    assert_eq!(
        Failure::from(ForwardError::Connect(ConnectError::ClosedAtOnce)).status(),
        503
    );
    assert_eq!(
        Failure::from(ForwardError::TimedOut(Duration::from_secs(1))).status(),
        504
    );
    assert_eq!(Failure::UnexpectedUpgrade.status(), 502);
    assert_eq!(outage(false, 1).status(), 503);
    assert_eq!(outage(true, 1).status(), 429);
    assert_eq!(Failure::SubjectLimit(NonZeroU32::MIN).status(), 429);
}

#[test]
fn a_refused_exchange_is_the_callers_to_mend() {
    assert_eq!(denied(400).status(), 401);
    assert_eq!(denied(401).status(), 401);
    assert_eq!(denied(403).status(), 403);
    assert!(
        json(&denied(400))["message"]
            .as_str()
            .unwrap()
            .contains("invalid_grant: no policy")
    );
}

#[test]
fn every_401_says_which_scheme_is_wanted() {
    for failure in all() {
        let response = failure.answer(id());
        let challenged = response.headers().contains_key("www-authenticate");
        assert_eq!(
            challenged,
            response.status() == StatusCode::UNAUTHORIZED,
            "{failure:?}"
        );
    }
    assert_eq!(
        denied(401).answer(id()).headers()["www-authenticate"],
        "Bearer error=\"invalid_token\""
    );
    assert_eq!(
        Failure::NoCredential.answer(id()).headers()["www-authenticate"],
        "Bearer"
    );
}

#[test]
fn a_token_request_is_refused_in_oauths_words() {
    let failure = Failure::TokenRequest {
        error: "invalid_grant",
        description: "expired".to_owned(),
    };
    let json = json(&failure);
    assert_eq!(failure.status(), 400);
    assert_eq!(
        (&json["error"], &json["error_description"]),
        (&Value::from("invalid_grant"), &Value::from("expired"))
    );
}

#[test]
fn after_a_request_that_may_not_be_forwarded_the_connection_ends() {
    for failure in [
        Failure::BadRequest("bad"),
        Failure::MethodNotAllowed,
        Failure::TwoCredentials,
    ] {
        assert_eq!(failure.answer(id()).headers()["connection"], "close");
    }
    assert!(
        !Failure::NoCredential
            .answer(id())
            .headers()
            .contains_key("connection")
    );
}

/// The Go and Python SDKs repeat any request whose error contains one of these.
#[test]
fn no_message_makes_a_client_repeat_what_it_should_not() {
    let magic = [
        "deadline exceeded",
        "Timed out after ",
        "ClusterNotReadyException",
        "worker env ",
        "REQUEST_LIMIT_EXCEEDED",
        "Unexpected error",
        "Please try again later",
        "RPC token bucket limit has been exceeded",
        "connection reset",
        "connection refused",
        "TLS handshake timeout",
        "i/o timeout",
    ];
    for failure in all() {
        let text = json(&failure).to_string();
        assert!(magic.iter().all(|magic| !text.contains(magic)), "{text}");
    }
}
