use std::future::Future;

use tokio::time::{advance, sleep};

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// The seconds until no stream has been open for a minute, while `story` goes on.
async fn seconds_of(streams: &Streams, story: impl Future<Output = ()>) -> u64 {
    let began = Instant::now();
    let ended = async {
        streams.none_for(PATIENCE).await;
        began.elapsed().as_secs()
    };
    tokio::join!(ended, story).0
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_was_ever_open_has_its_time_from_the_start() {
    assert_eq!(seconds_of(&Streams::default(), async {}).await, 60);
}

#[tokio::test(start_paused = true)]
async fn what_was_closed_before_somebody_waited_is_no_part_of_the_wait() {
    let streams = Streams::default();
    drop(streams.open());
    advance(PATIENCE * 2).await;
    assert_eq!(seconds_of(&streams, async {}).await, 60);
}

#[tokio::test(start_paused = true)]
async fn the_time_begins_when_the_last_stream_is_closed() {
    let streams = Streams::default();
    let story = async {
        let (first, second) = (streams.open(), streams.open());
        sleep(Duration::from_secs(10)).await;
        drop(first);
        sleep(Duration::from_secs(15)).await;
        drop(second);
    };
    assert_eq!(seconds_of(&streams, story).await, 85);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stays_open_for_long_does_not_count_as_none() {
    let streams = Streams::default();
    let story = async {
        let long = streams.open();
        sleep(Duration::from_secs(1000)).await;
        drop(long);
    };
    assert_eq!(seconds_of(&streams, story).await, 1060);
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_is_left_holds_its_stream_open() {
    let streams = Streams::default();
    let story = async {
        let stream = streams.open();
        let clone = stream.clone();
        drop(stream);
        sleep(Duration::from_secs(30)).await;
        drop(clone);
    };
    assert_eq!(seconds_of(&streams, story).await, 90);
}
