//! Lines between those who write them and a place that may be slow, broken or gone.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::time::Instant;

use super::{Page, Queue, written};

/// A place that takes nothing until it is told to.
struct Gate<W> {
    page: W,
    reached: Sender<()>,
    open: Receiver<()>,
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.reached.send(());
        // An error once the test lets go of the other end: open for good.
        let _ = self.open.recv();
        self.page.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_line_is_written_once_and_in_order() {
    let page = Page::default();
    let (queue, scribe) = Queue::before(page.clone());
    let lines: Vec<String> = (0..10_000).map(|number| format!("{number}\n")).collect();
    for line in &lines {
        queue.add_line(line.as_bytes());
    }
    drop(scribe);
    assert_eq!(page.text(), lines.concat());
    assert_eq!(queue.dropped(), 0);
}

#[test]
fn a_place_that_takes_nothing_keeps_nobody_waiting() {
    let page = Page::default();
    let (reached, is_reached) = channel();
    let (open, opened) = channel();
    let (queue, scribe) = Queue::before(Gate {
        page: page.clone(),
        reached,
        open: opened,
    });
    queue.add_line(b"first\n");
    is_reached.recv().expect("the first line arrives");
    let line = [b'x'; 1024];
    let added = 8 * 1024;
    for _ in 0..added {
        queue.add_line(&line);
    }
    let dropped = queue.dropped();
    assert!(dropped > 0 && dropped < added, "{dropped} of {added}");
    drop(open);
    drop(scribe);
    assert_eq!(page.text().len(), 6 + (added - dropped) * line.len());
}

#[test]
fn lines_that_a_full_disk_refuses_are_counted() {
    let (queue, scribe) = Queue::before(Full);
    for _ in 0..3 {
        queue.add_line(b"line\n");
    }
    drop(scribe);
    assert_eq!(queue.dropped(), 3);
}

/// A disk that is full when a line has been written in part, and has room again afterwards.
struct FullOnce {
    page: Page,
    room: Option<usize>,
}

impl Write for FullOnce {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.room {
            None => self.page.write(bytes),
            Some(0) => {
                self.room = None;
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(room) => {
                let here = bytes.get(..*room).unwrap_or(bytes);
                *room -= here.len();
                self.page.write(here)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nothing_is_joined_to_what_is_left_of_a_line_that_found_no_room() {
    let page = Page::default();
    let (queue, scribe) = Queue::before(FullOnce {
        page: page.clone(),
        room: Some(2),
    });
    queue.add_line(b"lost\n");
    let deadline = Instant::now() + Duration::from_secs(60);
    while queue.dropped() == 0 {
        assert!(Instant::now() < deadline, "it was written");
        std::thread::yield_now();
    }
    queue.add_line(b"kept\n");
    drop(scribe);
    assert_eq!(page.text(), "lo\nkept\n");
    assert_eq!(queue.dropped(), 1);
}

#[test]
fn a_line_that_comes_after_the_end_is_counted() {
    let (queue, scribe) = Queue::before(io::sink());
    drop(scribe);
    queue.add_line(b"late\n");
    assert_eq!(queue.dropped(), 1);
}

/// A place that tells what it is given.
struct Told(Sender<String>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_is_written_whether_the_thread_looks_by_itself_or_has_to_be_woken() {
    let (tell, told) = channel();
    let (queue, _scribe) = Queue::before(Told(tell));
    let deadline = Instant::now() + Duration::from_secs(60);
    for sleeps in [false, true, false, true] {
        while sleeps && !queue.is_asleep() {
            assert!(Instant::now() < deadline, "it never sleeps");
            std::thread::yield_now();
        }
        queue.add_line(b"line\n");
        let written = told.recv_timeout(Duration::from_secs(60));
        assert_eq!(written.as_deref(), Ok("line\n"), "asleep: {sleeps}");
    }
}

#[test]
fn what_is_larger_than_a_page_is_written_whole_and_in_order() {
    let long = vec![b'x'; 100_000];
    let text = written(|queue| {
        for end in [&b"1\n"[..], b"2\n", b"3\n"] {
            queue.add_line(&[&long, end].concat());
            queue.add_line(end);
        }
    });
    let expected = ["1", "2", "3"].map(|end| format!("{}{end}\n{end}\n", "x".repeat(100_000)));
    assert!(text == expected.concat());
}

#[test]
fn what_is_written_in_pieces_is_parted_where_a_multiple_of_their_size_ends_and_nowhere_else() {
    let (reached, is_reached) = channel();
    let (open, opened) = channel();
    let (tell, told) = channel();
    let place = Gate {
        page: Told(tell),
        reached,
        open: opened,
    };
    let (queue, scribe) = Queue::before(place);
    queue.add_line(b"first\n");
    // All that follows waits for it, and is taken at once.
    is_reached.recv().expect("the first line arrives");
    let line = format!("{}\n", "x".repeat(999));
    for _ in 0..200 {
        queue.add_line(line.as_bytes());
    }
    drop(open);
    drop(scribe);
    let pieces: Vec<String> = told.iter().collect();
    let ends = pieces.iter().scan(0, |end, piece| {
        *end += piece.len();
        Some(*end)
    });
    assert_eq!(ends.collect::<Vec<_>>(), [6, 65_536, 131_072, 196_608, 200_006]);
    assert_eq!(pieces.concat(), format!("first\n{}", line.repeat(200)));
}

#[test]
fn a_line_of_which_only_the_beginning_was_written_is_counted() {
    let page = Page::default();
    let (reached, is_reached) = channel();
    let (open, opened) = channel();
    let place = Gate {
        page: FullOnce {
            page: page.clone(),
            room: Some(65_536),
        },
        reached,
        open: opened,
    };
    let (queue, scribe) = Queue::before(place);
    queue.add_line(b"first\n");
    is_reached.recv().expect("the first line arrives");
    let line = "x".repeat(999);
    for _ in 0..200 {
        queue.add_line(format!("{line}\n").as_bytes());
    }
    drop(open);
    drop(scribe);
    let whole = page.text().lines().filter(|written| **written == line).count();
    assert_eq!(whole + queue.dropped(), 200);
    assert!(page.text().starts_with("first\n") && queue.dropped() > 0);
}
