//! The memory of header fields, which goes from a message that is over to one that begins.

use std::cell::Cell;
use std::sync::Arc;

use http::{HeaderMap, request};

/// An empty map with room for so many fields. Its memory is that of the last one that this worker has let go of: what an allocator
/// gives has not been touched for long, as it takes its free blocks in turns.
pub(crate) fn with_room_for(count: usize) -> HeaderMap {
    let mut fields = SPARE.take();
    fields.reserve(count);
    fields
}

/// This head is done with, unless somebody else holds it as well.
pub(crate) fn let_go_of(head: Arc<request::Parts>) {
    if let Some(head) = Arc::into_inner(head) {
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
mod tests {
    use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
    use http::{Request, header};

    use super::*;

    fn head(count: usize) -> Arc<request::Parts> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.headers
            .insert(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
        for number in 0..count {
            let name = HeaderName::try_from(format!("x-{number}")).expect("a name");
            head.headers.append(&name, HeaderValue::from_static("one"));
            head.headers.append(&name, HeaderValue::from_static("two"));
        }
        Arc::new(head)
    }

    #[test]
    fn the_next_has_the_memory_of_the_last_and_nothing_that_was_in_it() {
        for count in [0, 1, 12, 40] {
            let head = head(count);
            let capacity = head.headers.capacity();
            let_go_of(head);
            let mut fields = with_room_for(1);
            assert!(fields.capacity() >= capacity, "{count}");
            assert!(fields.is_empty() && !fields.contains_key(AUTHORIZATION));
            assert_eq!(fields.iter().next(), None);
            fields.append(header::VARY, HeaderValue::from_static("Origin"));
            fields.append(header::VARY, HeaderValue::from_static("Accept"));
            let values: Vec<_> = fields.get_all(header::VARY).iter().collect();
            assert_eq!(values, ["Origin", "Accept"]);
            assert_eq!(fields.len(), 2);
            assert_eq!(
                with_room_for(0).capacity(),
                0,
                "two at a time have memory of their own"
            );
        }
    }

    #[test]
    fn what_somebody_else_holds_stays_as_it_is() {
        let head = head(3);
        let_go_of(Arc::clone(&head));
        assert_eq!(head.headers.len(), 7);
        assert_eq!(with_room_for(0).capacity(), 0);
    }

    #[test]
    fn what_an_unusual_head_needed_is_not_kept() {
        let_go_of(head(MOST));
        assert_eq!(with_room_for(0).capacity(), 0);
    }
}
