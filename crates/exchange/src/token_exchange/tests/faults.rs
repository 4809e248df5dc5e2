use super::*;

#[tokio::test]
async fn a_refusal_costs_one_call() {
    for status in ["400 Bad Request", "401 Unauthorized", "403 Forbidden"] {
        let refusal = answer(
            status,
            r#"{"error":"invalid_grant","error_description":"no policy"}"#,
        );
        let (outcome, requests) = outcome(vec![refusal, answer("200 OK", GOOD)]).await;
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "the token exchange was refused: invalid_grant: no policy"
        );
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn an_outage_that_passes_is_not_noticed() {
    for status in [
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ] {
        let (outcome, requests) = outcome(vec![answer(status, "busy"), answer("200 OK", GOOD)]).await;
        assert_eq!(outcome.unwrap().header().to_str().unwrap(), "Bearer opaque-token");
        assert_eq!(requests, 2);
    }
}

#[tokio::test]
async fn a_retry_after_beyond_the_deadline_is_passed_on_at_once() {
    let busy = answer("429 Too Many Requests\r\nretry-after: 30", "busy");
    let (outcome, requests) = outcome(vec![busy, answer("200 OK", GOOD)]).await;
    let error = outcome.unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after()),
        ("EXCHANGE_THROTTLED", Some(Duration::from_secs(30)))
    );
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    for broken in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-ty",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access_token\":",
        "no HTTP at all\r\n\r\n",
    ] {
        let (outcome, requests) = outcome(vec![broken.to_owned(), answer("200 OK", GOOD)]).await;
        outcome.unwrap();
        assert_eq!(requests, 2, "{broken}");
    }
}

#[tokio::test]
async fn a_refusal_that_breaks_off_is_a_refusal() {
    let half = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\nInvalid".to_owned();
    let (outcome, requests) = outcome(vec![half, answer("200 OK", GOOD)]).await;
    assert_eq!((outcome.unwrap_err().code(), requests), ("EXCHANGE_DENIED", 1));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
    ] {
        let (outcome, requests) = outcome(vec![format!("{head}{}", " ".repeat(4 * 1024 * 1024))]).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.ends_with("token response: more than 64 KiB"), "{error}");
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn a_body_of_64_kib_is_not_too_long() {
    let body = format!("{GOOD}{}", " ".repeat(64 * 1024 - GOOD.len()));
    let (outcome, _) = outcome(vec![answer("200 OK", &body)]).await;
    outcome.unwrap();
}

#[tokio::test]
async fn nobody_there_is_an_outage_that_says_so() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://user:hidden@{}/oidc/v1/token?secret=1",
        listener.local_addr().unwrap()
    );
    drop(listener);
    let callers = Callers::new().await;
    let error = exchanged(&callers, DEADLINE, grant_at(&url.parse().unwrap()))
        .await
        .unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("no connection: Connection refused"), "{shown}");
    assert!(!shown.contains("hidden") && !shown.contains("secret"), "{shown}");
    assert_eq!(
        (error.code(), error.retry_after()),
        ("EXCHANGE_UNAVAILABLE", Some(Duration::from_secs(1)))
    );
}

#[tokio::test]
async fn a_url_that_cannot_be_asked_is_an_error_and_not_tried_again() {
    let callers = Callers::new().await;
    let error = exchanged(&callers, DEADLINE, grant_at(&"mailto:a@b".parse().unwrap()))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the Databricks token endpoint is not available: it cannot be asked at this URL"
    );
}

#[tokio::test]
async fn a_connection_that_goes_silent_leaves_room_for_another() {
    let callers = Callers::new().await;
    let databricks = Databricks::start(&callers.idp).await;
    databricks.faults().inject("/oidc/", Fault::Hang, 1);
    let grant = grant_at(&format!("{}/oidc/v1/token", databricks.url()).parse().unwrap());
    exchanged(&callers, Duration::from_secs(3), grant).await.unwrap();
    assert_eq!(databricks.token_calls(), 2);
}

/// Silent or slow in every way there is: the deadline holds, and the error names it.
#[tokio::test]
async fn an_endpoint_that_does_not_come_to_an_end_is_given_up_at_the_deadline() {
    let callers = Callers::new().await;
    let databricks = Databricks::start(&callers.idp).await;
    let grant = grant_at(&format!("{}/oidc/v1/token", databricks.url()).parse().unwrap());
    let deadline = Duration::from_millis(400);
    for fault in [
        Fault::Hang,
        Fault::Delay(DEADLINE),
        Fault::Drip(Duration::from_millis(50)),
    ] {
        databricks.faults().inject("/oidc/", fault.clone(), 3);
        let started = tokio::time::Instant::now();
        let error = exchanged(&callers, deadline, grant.clone()).await.unwrap_err();
        assert!(started.elapsed() < DEADLINE / 2, "{fault:?}");
        let shown = error.to_string();
        assert!(shown.contains("no answer within"), "{fault:?}: {shown}");
        databricks.faults().clear();
    }
}
