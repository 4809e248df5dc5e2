//! The memory of header fields, which goes from a message that is over to one that begins.

use std::cell::Cell;
use std::rc::Rc;

use http::{HeaderMap, request};

/// An empty map with room for so many fields. Its memory is that of the last one that this worker has let go of: what an allocator
/// gives has not been touched for long, as it takes its free blocks in turns.
pub(crate) fn take(count: usize) -> HeaderMap {
    let mut fields = SPARE.take();
    fields.reserve(count);
    fields
}

/// This head is done with, unless somebody else holds it as well.
pub(crate) fn give_back(head: Rc<request::Parts>) {
    if let Some(head) = Rc::into_inner(head) {
        keep(head.headers);
    }
}

/// Nothing that was in it: every name and value is let go of here.
fn keep(mut fields: HeaderMap) {
    fields.clear();
    if fields.capacity() <= MOST {
        SPARE.set(fields);
    }
}

thread_local! {
    static SPARE: Cell<HeaderMap> = Cell::default();
}

/// Fields, for which memory is kept: nearly every head has fewer.
const MOST: usize = 48;

#[cfg(test)]
mod tests;
