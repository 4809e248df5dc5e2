use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};

use super::reload::PACE;

/// One thread is enough: what runs here waits for other machines.
///
/// What may wait for a disk or a resolver has a thread of its own beside it, which rests for a while in case there is more. The
/// one that has rested longest is woken first: the looks at the configuration and at certificates, each every two seconds, would
/// keep ten of a crowd from ever resting the ten seconds after which tokio has them end. In one second there are two of them.
pub(super) fn control_plane() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .thread_keep_alive(PACE / 2)
        .enable_all()
        .build()
        .context("the control plane cannot be started")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::{Arc, Barrier};
    use std::time::Duration;

    use tokio::task::{JoinSet, spawn_blocking};
    use tokio::time::{interval, timeout};

    use super::*;

    thread_local! {
        static ALIVE: RefCell<Option<Arc<()>>> = const { RefCell::new(None) };
    }

    #[test]
    fn threads_that_looked_names_up_end_while_files_are_looked_at() {
        const CROWD: usize = 8;
        let alive = Arc::new(());
        let all_there = Arc::new(Barrier::new(CROWD));
        control_plane().unwrap().block_on(async {
            let mut crowd = JoinSet::new();
            for _ in 0..CROWD {
                let (alive, all_there) = (Arc::clone(&alive), Arc::clone(&all_there));
                crowd.spawn_blocking(move || {
                    ALIVE.set(Some(alive));
                    all_there.wait();
                });
            }
            crowd.join_all().await;
            let ended = async {
                let mut looks = interval(PACE);
                while Arc::strong_count(&alive) > 1 {
                    looks.tick().await;
                    spawn_blocking(|| {}).await.unwrap();
                }
            };
            timeout(Duration::from_secs(20), ended).await.expect("they end");
        });
    }
}
