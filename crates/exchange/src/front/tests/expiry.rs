use super::*;

#[tokio::test]
async fn a_cached_token_is_not_served_in_its_last_five_seconds() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(100, &callers));
    let alice = callers.identity("alice").await;
    exchange.access_token(&alice, &grant()).await.unwrap();

    callers.hand.advance(Duration::from_secs(94));
    at_once(exchange.access_token(&alice, &grant()))
        .expect("six seconds are left")
        .unwrap();

    callers.hand.advance(Duration::from_secs(1));
    let token = exchange.access_token(&alice, &grant()).await.unwrap();
    assert_eq!(endpoint.exchanges(), 2);
    assert_eq!(token.expiry().0.seconds(), callers.now + 195);
}

#[tokio::test]
async fn nothing_is_served_in_the_last_five_seconds_of_the_jwt() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let alice = callers.identity_for("alice", 100).await;
    exchange.access_token(&alice, &grant()).await.unwrap();

    callers.hand.advance(Duration::from_secs(94));
    at_once(exchange.access_token(&alice, &grant()))
        .expect("six seconds are left")
        .unwrap();

    for _ in 0..10 {
        callers.hand.advance(Duration::from_secs(1));
        let error = at_once(exchange.access_token(&alice, &grant()))
            .expect("no exchange is tried")
            .unwrap_err();
        let ExchangeError::Denied(denial) = error else {
            panic!("{error}")
        };
        assert_eq!((denial.status, denial.code.as_str()), (401, "invalid_grant"));
    }
    assert_eq!((endpoint.exchanges(), exchange.stats().nearly_expired), (1, 10));
}

#[tokio::test]
async fn a_token_that_claims_to_outlive_the_jwt_does_not() {
    let callers = Callers::new().await;
    let service = service_fn(|request: ExchangeRequest| async move {
        Ok(token_for(&request, 0, Expiry(UnixTime::from_seconds(u64::MAX))))
    });
    let exchange = over(&callers, service);
    let alice = callers.identity("alice").await;
    assert_eq!(
        exchange.access_token(&alice, &grant()).await.unwrap().expiry(),
        alice.expiry()
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_dead_on_arrival_is_a_failure_and_not_cached_as_good() {
    for seconds in [0, 5] {
        let (callers, endpoint) = (Callers::new().await, Endpoint::open());
        let exchange = over(&callers, endpoint.granting(seconds, &callers));
        let alice = callers.identity("alice").await;
        for _ in 0..2 {
            let error = exchange.access_token(&alice, &grant()).await.unwrap_err();
            assert_eq!(error.code(), "EXCHANGE_MALFORMED");
        }
        assert_eq!((endpoint.exchanges(), exchange.stats().failed), (1, 1));
    }
}

#[tokio::test]
async fn a_jwt_that_ends_during_its_exchange_is_the_callers_fault_and_not_the_endpoints() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::shut());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let (alice, grant) = (callers.identity_for("alice", 10).await, grant());
    let waiting = exchange.answer(ExchangeRequest::new(alice.clone(), grant.clone()));
    callers.hand.advance(Duration::from_secs(5));
    endpoint.let_in();
    assert_eq!(waiting.await.unwrap_err().code(), "EXCHANGE_DENIED");
}

#[tokio::test]
async fn a_clock_that_is_set_back_and_forth_serves_nothing_that_is_over() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(600, &callers));
    let alice = callers.identity("alice").await;
    for offset in [0, 594, 595, 0, 10_000, 300, 3594, 3595, 0, 1_189] {
        let now = UnixTime::from_seconds(callers.now + offset);
        callers.hand.set(now);
        if let Ok(token) = exchange.access_token(&alice, &grant()).await {
            assert!(now.plus(Duration::from_secs(5)) < token.expiry().0, "{offset}");
            assert!(token.expiry() <= alice.expiry());
        } else {
            assert!(offset >= 3595, "{offset}");
        }
    }
    callers.hand.set(UnixTime::from_seconds(callers.now - 3600));
    exchange.access_token(&alice, &grant()).await.unwrap();
}
