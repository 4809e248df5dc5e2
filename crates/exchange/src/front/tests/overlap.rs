use proptest::prelude::*;

use super::*;

/// The JWTs of a subject, each ending ten minutes after the one before.
async fn generations<const N: usize>(callers: &Callers, subject: &str) -> Vec<Identity> {
    let mut identities = Vec::new();
    for number in 0..N {
        identities.push(callers.identity_for(subject, 600 + 600 * number as u64).await);
    }
    identities
}

#[tokio::test]
async fn a_renewed_jwt_is_served_at_once_and_exchanged_in_the_background() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::with_permits(1));
    let exchange = over(&callers, endpoint.granting(7200, &callers));
    let [old, new] = &generations::<2>(&callers, "alice").await[..] else {
        unreachable!()
    };
    let first = exchange.access_token(old, &grant()).await.unwrap();

    for _ in 0..100 {
        let served = at_once(exchange.access_token(new, &grant()))
            .expect("nobody waits")
            .unwrap();
        assert!(served.is_same(&first) && served.expiry() == old.expiry());
        settle().await;
    }
    assert_eq!(endpoint.exchanges(), 2, "one renewal at a time");
    assert_eq!(exchange.stats().overlapped, 1);

    endpoint.let_in();
    settle().await;
    for identity in [new, old] {
        let served = at_once(exchange.access_token(identity, &grant()))
            .expect("a hit")
            .unwrap();
        assert!(text(&served).ends_with("|2"), "the renewed one is for both");
        assert_eq!(served.expiry(), identity.expiry(), "each until its own end");
    }
    assert_eq!(endpoint.exchanges(), 2);
}

#[tokio::test]
async fn switched_off_a_renewed_jwt_waits_for_its_own_exchange() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::with_permits(1));
    let exchange = Exchange::builder(http())
        .clock(callers.clock.clone())
        .overlap(false)
        .build_over(endpoint.granting(7200, &callers));
    let identities = generations::<2>(&callers, "alice").await;
    exchange.access_token(&identities[0], &grant()).await.unwrap();
    assert!(at_once(exchange.access_token(&identities[1], &grant())).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_renewed_jwt_that_is_refused_gets_the_refusal_from_its_next_request_on() {
    let callers = Callers::new().await;
    let identities = generations::<2>(&callers, "alice").await;
    let end = identities[0].expiry();
    let service = service_fn(move |request: ExchangeRequest| async move {
        if request.identity.expiry() == end {
            return Ok(token_for(&request, 1, end));
        }
        Err(ExchangeError::nearly_expired())
    });
    let exchange = over(&callers, service);
    exchange.access_token(&identities[0], &grant()).await.unwrap();
    exchange.access_token(&identities[1], &grant()).await.unwrap();
    settle().await;
    for _ in 0..5 {
        let error = exchange.access_token(&identities[1], &grant()).await.unwrap_err();
        assert_eq!(error.code(), "EXCHANGE_DENIED");
        exchange.access_token(&identities[0], &grant()).await.unwrap();
        tokio::time::advance(Duration::from_secs(3)).await;
    }
}

#[tokio::test]
async fn who_waits_with_a_good_jwt_is_not_told_the_refusal_of_an_older_one() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::shut());
    let identities = generations::<2>(&callers, "alice").await;
    let (this, old) = (endpoint.clone(), identities[0].expiry());
    let service = service_fn(move |request: ExchangeRequest| {
        let this = this.clone();
        async move {
            this.pass(&request).await;
            if request.identity.expiry() == old {
                return Err(ExchangeError::nearly_expired());
            }
            Ok(token_for(&request, 1, request.identity.expiry()))
        }
    });
    let exchange = over(&callers, service);
    let [first, second] = [0, 1].map(|number: usize| {
        let request = ExchangeRequest::new(identities[number].clone(), grant());
        exchange.answer(request)
    });
    settle().await;
    assert_eq!(endpoint.exchanges(), 1, "they wait for the same");
    endpoint.let_in();
    first.await.unwrap_err();
    second.await.unwrap();
}

/// One thing that may happen.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A caller asks, whichever worker has their connection, with the JWT of a generation.
    Ask { caller: usize, generation: usize },
    /// As before, after the workspace has refused the token that this caller got last.
    Refused { caller: usize, generation: usize },
    /// The clock goes on.
    Wait(u64),
    /// What the token endpoint says from now on.
    Mood(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = (0..3_usize, 0..4_usize);
    let step = prop_oneof![
        6 => who.clone().prop_map(|(caller, generation)| Step::Ask { caller, generation }),
        2 => who.prop_map(|(caller, generation)| Step::Refused { caller, generation }),
        2 => (0..700_u64).prop_map(Step::Wait),
        2 => (0..3_u8).prop_map(Step::Mood),
    ];
    proptest::collection::vec(step, 1..60)
}

/// Whatever is served belongs to who asks, and outlives neither its own end nor that of the JWT that was presented.
async fn nobody_is_served_wrongly(callers: &Callers, all: &[Vec<Identity>], steps: Vec<Step>) {
    callers.hand.set(UnixTime::from_seconds(callers.now));
    let mood = Arc::new(Mutex::new(0));
    let (said, clock) = (Arc::clone(&mood), callers.clock.clone());
    let service = service_fn(move |request: ExchangeRequest| {
        let end = Expiry(clock.now().plus(Duration::from_secs(900)));
        std::future::ready(match *said.lock().unwrap() {
            0 => Ok(token_for(&request, 0, end)),
            1 => Err(ExchangeError::nearly_expired()),
            _ => Err(ExchangeError::unavailable("down")),
        })
    });
    let exchange = over(callers, service);
    let workers = [exchange.for_one_worker(), exchange.for_one_worker()];
    let mut last = [None, None, None];
    for (number, step) in steps.into_iter().enumerate() {
        let (caller, generation, refused) = match step {
            Step::Ask { caller, generation } => (caller, generation, None),
            Step::Refused { caller, generation } => (caller, generation, last[caller].clone()),
            Step::Wait(seconds) => {
                callers.hand.advance(Duration::from_secs(seconds));
                tokio::time::advance(Duration::from_secs(seconds)).await;
                continue;
            }
            Step::Mood(new) => {
                *mood.lock().unwrap() = new;
                continue;
            }
        };
        let identity = &all[caller][generation];
        let mut request = ExchangeRequest::new(identity.clone(), grant());
        let at_hand = workers[number % 2].at_hand(identity, &grant());
        let at_hand = at_hand.filter(|_| refused.is_none());
        request.refused = refused;
        let answer = workers[number % 2].answer(request).await;
        if let Some(at_hand) = at_hand {
            let token = answer.as_ref().expect("a call has the same");
            assert!(token.is_same(&at_hand) && token.expiry() == at_hand.expiry());
        }
        if let Ok(token) = answer {
            let now = callers.clock.now();
            assert!(
                text(&token).starts_with(&format!("Bearer caller-{caller}|")),
                "{token:?}"
            );
            assert!(token.expiry() <= identity.expiry() && token.is_usable_at(now));
            assert!(is_usable_at(identity.expiry(), now), "nor a JWT that is over");
            last[caller] = Some(token);
        }
        settle().await;
    }
}

#[test]
fn whatever_happens_everybody_is_served_under_their_own_token_and_never_past_either_end() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let (callers, all) = runtime.block_on(async {
        let callers = Callers::new().await;
        let mut all = Vec::new();
        for caller in 0..3 {
            all.push(generations::<4>(&callers, &format!("caller-{caller}")).await);
        }
        (callers, all)
    });
    proptest!(ProptestConfig::with_cases(64), |(steps in steps())| {
        runtime.block_on(nobody_is_served_wrongly(&callers, &all, steps));
    });
}
