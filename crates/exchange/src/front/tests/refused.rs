use super::*;

#[tokio::test]
async fn a_refused_token_is_exchanged_anew_by_the_first_who_says_so_for_all() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let request = ExchangeRequest::new(callers.identity("alice").await, grant());
    let refused = exchange.answer(request.clone()).await.unwrap();

    let all: Vec<_> = (0..100)
        .map(|_| exchange.answer(request.clone().instead_of(refused.clone())))
        .collect();
    for answer in all {
        assert!(text(&answer.await.unwrap()).ends_with("|2"));
    }
    assert_eq!(endpoint.exchanges(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_refusals_costs_one_exchange_in_thirty_seconds() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let request = ExchangeRequest::new(callers.identity("alice").await, grant());
    let mut token = exchange.answer(request.clone()).await.unwrap();
    for _ in 0..600 {
        token = exchange.answer(request.clone().instead_of(token)).await.unwrap();
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    assert_eq!(endpoint.exchanges(), 1 + 2, "in a minute");
}
