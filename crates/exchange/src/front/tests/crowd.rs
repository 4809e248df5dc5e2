use testbed::Algorithm;

use super::*;

/// Resident memory of this process in KiB, where the system tells.
fn resident() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4)
}

/// So many distinct subjects, one after the other, through a cache for `capacity`; each asks twice, and once more whoever came
/// `capacity / 2` before. The memory after each tenth.
async fn crowd(subjects: usize, capacity: usize) -> Vec<u64> {
    let callers = Callers::new().await;
    let service = service_fn(|request: ExchangeRequest| async move {
        let token = format!("{}|{}", request.identity.subject().as_str(), "t".repeat(1_000));
        Ok(AccessToken::new(&token, request.identity.expiry()).unwrap())
    });
    let exchange = Exchange::builder(http())
        .clock(callers.clock.clone())
        .capacity(capacity as u64)
        .build_over(service);
    let (mut before, mut memory) = (std::collections::VecDeque::new(), Vec::new());
    for number in 0..subjects {
        let token = callers
            .idp
            .token(&format!("caller-{number}"))
            .algorithm(Algorithm::Es256);
        let identity = callers
            .verify(token.expires_at(callers.now + 3600).sign())
            .await
            .unwrap();
        before.push_back(identity.clone());
        let earlier = if before.len() > capacity / 2 {
            before.pop_front()
        } else {
            None
        };
        for identity in [Some(&identity), Some(&identity), earlier.as_ref()]
            .into_iter()
            .flatten()
        {
            let token = exchange.access_token(identity, &grant()).await.unwrap();
            let own = format!("Bearer {}|", identity.subject().as_str());
            assert!(text(&token).starts_with(&own), "a token of another's");
        }
        if (number + 1) % (subjects / 10) == 0 {
            // The cache has parts, and each is rounded up.
            assert!(exchange.stats().entries <= (capacity + capacity / 20) as u64);
            memory.extend(resident());
        }
    }
    memory
}

#[tokio::test]
async fn more_subjects_than_the_cache_holds_are_all_served_under_their_own_tokens() {
    crowd(2_000, 200).await;
}

#[tokio::test]
#[ignore = "takes a minute, and its figures want a process of their own: run it alone, with --nocapture"]
async fn a_hundred_thousand_subjects_through_a_cache_for_ten_thousand_leave_memory_flat() {
    let memory = crowd(100_000, 10_000).await;
    println!("resident KiB after each 10,000 subjects: {memory:?}");
    // The first tenths fill the cache.
    if let [_, _, third, .., last] = memory[..] {
        assert!(last < third + 8 * 1024, "{memory:?}");
    }
}
