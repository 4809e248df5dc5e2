use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test]
async fn a_hundred_first_requests_at_once_cost_one_exchange() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::shut());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let (alice, grant) = (callers.identity("alice").await, grant());
    let waiting: Vec<_> = (0..100)
        .map(|_| exchange.answer(ExchangeRequest::new(alice.clone(), grant.clone())))
        .collect();
    settle().await;
    assert_eq!((endpoint.exchanges(), exchange.stats().in_flight), (1, 1));

    endpoint.let_in();
    for answer in waiting {
        assert!(text(&answer.await.unwrap()).ends_with("|1"));
    }
    assert_eq!((endpoint.exchanges(), exchange.stats().in_flight), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stampede_on_several_threads_costs_one_exchange_per_caller() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    for round in 0..20 {
        let identity = callers.identity(&format!("caller-{round}")).await;
        let ask = || {
            let (exchange, identity) = (exchange.clone(), identity.clone());
            tokio::spawn(async move { exchange.access_token(&identity, &grant()).await })
        };
        let tasks: Vec<_> = (0..50).map(|_| ask()).collect();
        for task in tasks {
            assert!(text(&task.await.unwrap().unwrap()).contains(&format!("caller-{round}|")));
        }
        assert_eq!(endpoint.exchanges(), round + 1);
    }
}

#[tokio::test]
async fn the_exchange_outlives_the_caller_who_began_it() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::shut());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let (alice, grant) = (callers.identity("alice").await, grant());
    let first = exchange.answer(ExchangeRequest::new(alice.clone(), grant.clone()));
    settle().await;
    let second = exchange.answer(ExchangeRequest::new(alice.clone(), grant.clone()));
    settle().await;

    drop(first);
    endpoint.let_in();
    second.await.unwrap();
    assert_eq!(endpoint.exchanges(), 1);
}

#[tokio::test]
async fn a_caller_who_leaves_alone_still_fills_the_cache() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::shut());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let (alice, grant) = (callers.identity("alice").await, grant());
    drop(exchange.answer(ExchangeRequest::new(alice.clone(), grant.clone())));
    endpoint.let_in();
    settle().await;
    at_once(exchange.access_token(&alice, &grant))
        .expect("it is cached")
        .unwrap();
    assert_eq!(endpoint.exchanges(), 1);
}

#[tokio::test]
async fn of_three_hundred_who_wait_the_last_is_served_when_all_others_have_left() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::shut());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let (alice, grant) = (callers.identity("alice").await, grant());
    let mut waiting: Vec<_> = (0..300)
        .map(|_| exchange.answer(ExchangeRequest::new(alice.clone(), grant.clone())))
        .collect();
    settle().await;
    let last = waiting.pop().unwrap();
    for leaving in waiting {
        drop(leaving);
        tokio::task::yield_now().await;
    }
    settle().await;
    endpoint.let_in();
    last.await.unwrap();
    assert_eq!(endpoint.exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_answer_to_all_who_wait_and_nothing_stays_stuck() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::shut());
    let calls = Arc::new(AtomicUsize::new(0));
    let (gate, count) = (endpoint.clone(), Arc::clone(&calls));
    let service = service_fn(move |request: ExchangeRequest| {
        let (gate, call) = (gate.clone(), count.fetch_add(1, Ordering::Relaxed));
        async move {
            gate.pass(&request).await;
            assert!(call > 0, "a bug");
            Ok(token_for(&request, call, request.identity.expiry()))
        }
    });
    let exchange = over(&callers, service);
    let (alice, grant) = (callers.identity("alice").await, grant());
    let waiting: Vec<_> = (0..300)
        .map(|_| exchange.answer(ExchangeRequest::new(alice.clone(), grant.clone())))
        .collect();
    settle().await;
    endpoint.let_in();
    for answer in waiting {
        assert_eq!(answer.await.unwrap_err().code(), "EXCHANGE_UNAVAILABLE");
    }
    assert_eq!(
        (calls.load(Ordering::Relaxed), exchange.stats().in_flight),
        (1, 0)
    );

    tokio::time::advance(Duration::from_secs(1)).await;
    exchange.access_token(&alice, &grant).await.unwrap();
}

#[tokio::test]
async fn a_panic_before_the_first_await_is_an_answer_too() {
    let callers = Callers::new().await;
    let service = service_fn(|request: ExchangeRequest| {
        assert!(request.grant.scope().as_str().is_empty(), "a bug");
        std::future::ready(Ok(token_for(&request, 0, request.identity.expiry())))
    });
    let exchange = over(&callers, service);
    let error = exchange
        .access_token(&callers.identity("alice").await, &grant())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "EXCHANGE_UNAVAILABLE");
}

#[test]
fn an_exchange_runs_on_the_control_plane_and_outlives_the_workers() {
    let control_plane = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let endpoint = Endpoint::shut();
    let (exchange, alice, callers) = control_plane.block_on(async {
        let callers = Callers::new().await;
        let exchange = Exchange::builder(http())
            .clock(callers.clock.clone())
            .runtime(control_plane.handle().clone())
            .build_over(endpoint.granting(3600, &callers));
        (exchange, callers.identity("alice").await, callers)
    });

    let worker = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let inside = worker.enter();
    let waiting = exchange.answer(ExchangeRequest::new(alice.clone(), grant()));
    drop(inside);
    drop(worker);
    endpoint.let_in();
    control_plane.block_on(waiting).unwrap();

    // And when the control plane itself ends, whoever asks is told so.
    let bob = control_plane.block_on(callers.identity("bob"));
    drop(control_plane);
    let answer = at_once(exchange.access_token(&bob, &grant())).expect("nobody waits for ever");
    assert_eq!(answer.unwrap_err().code(), "EXCHANGE_UNAVAILABLE");
}
