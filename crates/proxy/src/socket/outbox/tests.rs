use std::io::ErrorKind;
use std::time::Duration;

use proptest::prelude::*;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::socket::{LITTLE, Socket};

async fn pair() -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
    (
        Socket::to_workspace(one.expect("it listens")),
        other.expect("a client").0,
    )
}

/// One whose turns have ends from now on.
async fn postman() -> AbortOnDropHandle<Infallible> {
    let postman = AbortOnDropHandle::new(tokio::spawn(Postman));
    yield_now().await;
    postman
}

/// What comes behind the first word of it is kept.
async fn a_turn_that_has_begun() -> (Socket, TcpStream) {
    let (mut socket, other) = pair().await;
    socket.write_all(b"first").await.expect("it is open");
    (socket, other)
}

/// What the kernel has for it at this moment; the runtime would have to be asked for events first.
fn came(to: &TcpStream) -> usize {
    let mut bytes = [std::mem::MaybeUninit::uninit(); 4096];
    match SockRef::from(to).peek(&mut bytes) {
        Ok(length) => length,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("{error}"),
    }
}

/// Several, as the kernel sends no more than some twenty letters of one to somebody who does not read.
async fn crowd() -> Vec<(Socket, TcpStream)> {
    let mut crowd = Vec::new();
    for _ in 0..8 {
        crowd.push(pair().await);
    }
    crowd
}

/// So many letters, of each of them in turn; how many have come once the postman was there.
async fn say(crowd: &mut [(Socket, TcpStream)], letters: usize) -> usize {
    for number in 0..letters {
        let among = number % crowd.len();
        crowd[among].0.write_all(b"x").await.expect("it is open");
    }
    yield_now().await;
    crowd.iter().map(|(_, to)| came(to)).sum()
}

/// Until the kernel takes no more of it; how much that was.
async fn fill(socket: &mut Socket) -> usize {
    let (part, mut written) = (vec![b'x'; LITTLE], 0);
    while let Ok(some) = timeout(Duration::ZERO, socket.write(&part)).await {
        written += some.expect("it is open");
        yield_now().await;
    }
    written
}

async fn within_a_minute<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), what).await.expect("it hangs")
}

#[tokio::test]
async fn the_first_of_a_turn_goes_out_at_once_and_the_others_at_its_end() {
    let _postman = postman().await;
    let ((mut one, to_one), (mut two, to_two)) = (pair().await, pair().await);
    one.write_all(b"a head").await.expect("it is open");
    two.write_all(b"another").await.expect("it is open");
    one.write_all(b" and a body").await.expect("it is open");
    assert_eq!((came(&to_one), came(&to_two)), (6, 0));
    yield_now().await;
    assert_eq!((came(&to_one), came(&to_two)), (17, 7));
    two.write_all(b" turn").await.expect("it is open");
    one.write_all(b".").await.expect("it is open");
    assert_eq!((came(&to_one), came(&to_two)), (17, 12));
}

#[tokio::test]
async fn a_busy_turn_goes_on_while_more_comes_and_no_longer() {
    let _postman = postman().await;
    let mut crowd = crowd().await;
    let _first = a_turn_that_has_begun().await;
    assert_eq!(say(&mut crowd, MANY - 1).await, MANY - 1, "it is not busy");
    // The first of them is out.
    assert_eq!(say(&mut crowd, 1 + MANY).await, MANY, "more may come");
    assert_eq!(say(&mut crowd, 1).await, MANY, "more has come");
    assert_eq!(say(&mut crowd, 0).await, 2 * MANY + 1, "nothing has come");
}

#[tokio::test]
async fn a_busy_turn_ends_though_there_is_always_more() {
    let _postman = postman().await;
    let mut crowd = crowd().await;
    let _first = a_turn_that_has_begun().await;
    assert_eq!(say(&mut crowd, MANY).await, 0);
    for look in 2..=LONGEST {
        assert_eq!(say(&mut crowd, 1).await, 0, "{look}");
    }
    assert_eq!(say(&mut crowd, 1).await, MANY + LONGEST);
}

#[tokio::test]
async fn a_busy_turn_ends_when_it_has_enough() {
    let _postman = postman().await;
    let mut crowd = crowd().await;
    let _first = a_turn_that_has_begun().await;
    assert_eq!(say(&mut crowd, ENOUGH - 1).await, 0);
    assert_eq!(say(&mut crowd, 1).await, ENOUGH);
}

#[tokio::test]
async fn it_goes_out_at_once_where_nobody_would_send_it_later() {
    let (mut socket, other) = pair().await;
    socket.write_all(b"a head").await.expect("it is open");
    assert_eq!(came(&other), 6);
    socket.write_all(b"a body").await.expect("it is open");
    assert_eq!(came(&other), 12);
    let postman = postman().await;
    let _first = a_turn_that_has_begun().await;
    socket.write_all(b"a head").await.expect("it is open");
    assert_eq!(came(&other), 12);
    drop(postman);
    yield_now().await;
    assert_eq!(came(&other), 18, "it leaves nothing behind");
    socket.write_all(b"a body").await.expect("it is open");
    assert_eq!(came(&other), 24);
}

#[tokio::test]
async fn a_turn_ends_when_there_is_much_to_be_sent() {
    let _postman = postman().await;
    let (mut socket, other) = pair().await;
    let _first = a_turn_that_has_begun().await;
    for _ in 0..FULL / LITTLE {
        assert_eq!(came(&other), 0);
        socket.write_all(&[b'x'; LITTLE]).await.expect("it is open");
    }
    assert!(came(&other) > 0);
}

#[tokio::test]
async fn a_connection_that_is_given_up_is_heard_to_its_last_word() {
    let _postman = postman().await;
    let (mut socket, mut other) = pair().await;
    let _first = a_turn_that_has_begun().await;
    socket.write_all(b"an alert").await.expect("it is open");
    drop(socket);
    let mut heard = Vec::new();
    within_a_minute(other.read_to_end(&mut heard))
        .await
        .expect("an end in good order");
    assert_eq!(heard, b"an alert");
}

#[tokio::test(flavor = "local")]
async fn whoever_does_not_read_keeps_its_own_writer_waiting_and_nobody_else() {
    let _postman = postman().await;
    let ((mut slow, mut to_slow), (mut quick, to_quick)) = (pair().await, pair().await);
    let written = within_a_minute(fill(&mut slow)).await;
    assert!(
        timeout(Duration::ZERO, slow.flush()).await.is_err(),
        "it waits as well"
    );
    quick.write_all(b"a word").await.expect("it is open");
    yield_now().await;
    assert_eq!(came(&to_quick), 6);
    let read = async {
        let mut all = vec![0; written + 4];
        to_slow.read_exact(&mut all).await.expect("it is written");
        all.split_off(written)
    };
    // A task of its own, which nothing wakes but what it waits for.
    let write = tokio::task::spawn_local(async move { slow.write_all(b"last").await });
    assert_eq!(within_a_minute(read).await, b"last");
    within_a_minute(write)
        .await
        .expect("no panic")
        .expect("it is read");
}

#[tokio::test]
async fn what_waits_to_be_sent_is_never_shown() {
    let _postman = postman().await;
    let (mut socket, _other) = pair().await;
    within_a_minute(fill(&mut socket)).await;
    assert!(timeout(Duration::ZERO, socket.flush()).await.is_err(), "it waits");
    let x = u8::to_string(&b'x');
    let shown = format!("{socket:?}");
    assert!(
        !shown.contains("xxx") && !shown.contains(&format!("{x}, {x}")),
        "{shown}"
    );
}

#[tokio::test]
async fn who_gives_up_a_connection_on_which_nothing_moves_has_it_closed() {
    let _postman = postman().await;
    let (mut socket, mut other) = pair().await;
    let written = within_a_minute(fill(&mut socket)).await;
    drop(socket);
    let mut heard = Vec::new();
    let _ = within_a_minute(other.read_to_end(&mut heard)).await;
    assert!(heard.len() < written, "what was left is not sent");
}

#[tokio::test]
async fn whoever_writes_to_a_connection_that_has_ended_is_told_by_the_next_write() {
    let _postman = postman().await;
    let (mut socket, other) = pair().await;
    // A reset, as nothing can be said to it any more.
    other.set_zero_linger().expect("it is open");
    drop(other);
    let error = within_a_minute(async {
        loop {
            match socket.write_all(b"a word").await {
                Ok(()) => yield_now().await,
                Err(error) => return error,
            }
        }
    })
    .await;
    let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(kinds.contains(&error.kind()), "{error}");
    assert!(socket.write_all(b"a word").await.is_err(), "and by every other");
    assert!(socket.flush().await.is_err());
}

/// What is done to one of two connections.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write { to: bool, length: usize },
    EndOfTurn,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let length = prop_oneof![4 => 0..32_usize, 1 => LITTLE - 1..LITTLE + 2, 1 => 0..200_000_usize];
    let write = (any::<bool>(), length).prop_map(|(to, length)| Step::Write { to, length });
    proptest::collection::vec(prop_oneof![8 => write, 1 => Just(Step::EndOfTurn)], 0..64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_written_arrives_whole_and_in_order(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(within_a_minute(arrives_whole_and_in_order(&steps)));
    }
}

async fn arrives_whole_and_in_order(steps: &[Step]) {
    let _postman = postman().await;
    let ((mut one, to_one), (mut two, to_two)) = (pair().await, pair().await);
    // Little room, so that what is sent has to wait.
    for socket in [&one, &two] {
        SockRef::from(socket.tcp.as_ref())
            .set_send_buffer_size(1)
            .expect("it is open");
    }
    let mut written = [Vec::new(), Vec::new()];
    let write = async {
        for (step, fill) in steps.iter().zip(1..) {
            match *step {
                Step::EndOfTurn => yield_now().await,
                Step::Write { to, length } => {
                    let part = vec![fill; length];
                    written[usize::from(to)].extend_from_slice(&part);
                    let socket = if to { &mut two } else { &mut one };
                    socket.write_all(&part).await.expect("it is read");
                }
            }
        }
        one.shutdown().await.expect("it is read");
        two.shutdown().await.expect("it is read");
    };
    let read = async |mut from: TcpStream| {
        let mut all = Vec::new();
        from.read_to_end(&mut all).await.expect("it is written");
        all
    };
    let ((), to_one, to_two) = tokio::join!(write, read(to_one), read(to_two));
    assert!([to_one, to_two] == written, "{steps:?}");
}
