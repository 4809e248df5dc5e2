//! Lines between those who write them and a place that may be slow, broken or gone.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::{Page, Queue};

/// A place that takes nothing until it is told to.
struct Gate {
    page: Page,
    reached: Sender<()>,
    open: Receiver<()>,
}

impl Write for Gate {
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
        queue.add(line.as_bytes());
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
    queue.add(b"first\n");
    is_reached.recv().expect("the first line arrives");
    let line = [b'x'; 1024];
    let added = 8 * 1024;
    for _ in 0..added {
        queue.add(&line);
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
        queue.add(b"line\n");
    }
    drop(scribe);
    assert_eq!(queue.dropped(), 3);
}

#[test]
fn a_line_that_comes_after_the_end_is_counted() {
    let (queue, scribe) = Queue::before(io::sink());
    drop(scribe);
    queue.add(b"late\n");
    assert_eq!(queue.dropped(), 1);
}
