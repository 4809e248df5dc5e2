use std::cell::Cell;

/// Memory to write a request's head into: the same for one request after the other of a worker, so that it is still in the processor's
/// caches from the one before. What an allocator gives has not been touched for long, as it takes its free blocks in turns.
///
/// What lies in it is overwritten by the next one, as it would be in memory that was freed.
pub(super) fn take() -> Vec<u8> {
    let mut text = SPARE.take();
    text.reserve(USUAL);
    text
}

/// A head has gone out.
pub(super) fn give_back(mut text: Vec<u8>) {
    if text.capacity() <= MOST {
        text.clear();
        SPARE.set(text);
    }
}

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// With a Databricks token in it.
const USUAL: usize = 2 * 1024;

/// More is not kept.
const MOST: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_head_is_written_where_the_last_one_was_and_nothing_is_left_of_that() {
        let mut text = take();
        text.extend_from_slice(b"authorization: Bearer secret");
        let place = text.as_ptr();
        give_back(text);
        let text = take();
        assert_eq!((text.as_ptr(), text.len()), (place, 0));
        assert!(take().is_empty(), "two at a time have memory of their own");
    }

    #[test]
    fn what_an_unusual_head_needed_is_not_kept() {
        give_back(Vec::with_capacity(MOST + 1));
        assert!(take().capacity() <= MOST);
    }
}
