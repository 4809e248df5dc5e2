use super::*;

fn denied() -> ExchangeError {
    let (code, message) = ("invalid_grant".to_owned(), "no".to_owned());
    ExchangeError::Denied(Arc::new(Denial {
        status: 400,
        code,
        message,
    }))
}

fn unavailable(retry_after: u64) -> ExchangeError {
    let retry_after = Duration::from_secs(retry_after);
    ExchangeError::Unavailable(Arc::new(Outage {
        throttled: true,
        what: "429".to_owned(),
        retry_after,
    }))
}

/// Asserts that `error` is remembered for so long, and no longer.
async fn assert_remembered(error: ExchangeError, milliseconds: u64) {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.failing(error.clone()));
    let alice = callers.identity("alice").await;

    exchange.access_token(&alice, &grant()).await.unwrap_err();
    tokio::time::advance(Duration::from_millis(milliseconds - 1)).await;
    let remembered = at_once(exchange.access_token(&alice, &grant()))
        .expect("it is remembered")
        .unwrap_err();
    assert_eq!((remembered.code(), endpoint.exchanges()), (error.code(), 1));

    tokio::time::advance(Duration::from_millis(1)).await;
    exchange.access_token(&alice, &grant()).await.unwrap_err();
    assert_eq!(endpoint.exchanges(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_remembered_for_two_seconds() {
    assert_remembered(denied(), 2_000).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_made_no_sense_is_remembered_for_a_second() {
    assert_remembered(ExchangeError::malformed("HTML"), 1_000).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_remembered_as_long_as_the_endpoint_said() {
    assert_remembered(unavailable(1), 1_000).await;
    assert_remembered(unavailable(7), 7_000).await;
    assert_remembered(unavailable(300), 300_000).await;
}

#[tokio::test]
async fn a_failure_of_one_caller_is_not_anothers() {
    let callers = Callers::new().await;
    let service = service_fn(|request: ExchangeRequest| async move {
        if request.identity.subject().as_str() == "alice" {
            return Err(denied());
        }
        Ok(token_for(&request, 0, request.identity.expiry()))
    });
    let exchange = over(&callers, service);
    exchange
        .access_token(&callers.identity("alice").await, &grant())
        .await
        .unwrap_err();
    exchange
        .access_token(&callers.identity("bob").await, &grant())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn five_hundred_repeats_of_a_refused_call_in_five_seconds_cost_three_exchanges() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.failing(denied()));
    let alice = callers.identity("alice").await;
    for _ in 0..500 {
        exchange.access_token(&alice, &grant()).await.unwrap_err();
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    assert_eq!((endpoint.exchanges(), exchange.stats().denied), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_token_replaces_a_failure_whose_time_is_up_and_the_other_way_round() {
    let (callers, count) = (Callers::new().await, Arc::new(Mutex::new(0)));
    let clock = callers.clock.clone();
    let service = service_fn(move |request: ExchangeRequest| {
        let mut count = count.lock().unwrap();
        *count += 1;
        let end = Expiry(clock.now().plus(Duration::from_secs(60)));
        let answer = if *count % 2 == 1 {
            Err(denied())
        } else {
            Ok(token_for(&request, *count, end))
        };
        std::future::ready(answer)
    });
    let exchange = over(&callers, service);
    let alice = callers.identity("alice").await;
    for _ in 0..3 {
        exchange.access_token(&alice, &grant()).await.unwrap_err();
        tokio::time::advance(Duration::from_secs(2)).await;
        exchange.access_token(&alice, &grant()).await.unwrap();
        at_once(exchange.access_token(&alice, &grant()))
            .expect("it is cached")
            .unwrap();
        callers.hand.advance(Duration::from_secs(55));
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_makes_the_exchange_may_not_take_longer_than_the_deadline() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::shut());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let identity = callers.identity("alice").await;
    let started = Instant::now();
    let error = exchange.access_token(&identity, &grant()).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 10);
    assert_eq!(
        error.to_string(),
        "the Databricks token endpoint is not available: no answer within 10s"
    );
}
