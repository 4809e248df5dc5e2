use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{Request, header};

use super::*;

fn head(count: usize) -> Rc<request::Parts> {
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers
        .insert(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
    for number in 0..count {
        let name = HeaderName::try_from(format!("x-{number}")).expect("a name");
        head.headers.append(&name, HeaderValue::from_static("one"));
        head.headers.append(&name, HeaderValue::from_static("two"));
    }
    Rc::new(head)
}

#[test]
fn the_next_has_the_memory_of_the_last_and_nothing_that_was_in_it() {
    for count in [0, 1, 12, 40] {
        let head = head(count);
        let capacity = head.headers.capacity();
        give_back(head);
        let mut fields = take(1);
        assert!(fields.capacity() >= capacity, "{count}");
        assert!(fields.is_empty() && !fields.contains_key(AUTHORIZATION));
        assert_eq!(fields.iter().next(), None);
        fields.append(header::VARY, HeaderValue::from_static("Origin"));
        fields.append(header::VARY, HeaderValue::from_static("Accept"));
        let values: Vec<_> = fields.get_all(header::VARY).iter().collect();
        assert_eq!(values, ["Origin", "Accept"]);
        assert_eq!(fields.len(), 2);
        assert_eq!(take(0).capacity(), 0, "two at a time have memory of their own");
    }
}

#[test]
fn what_somebody_else_holds_stays_as_it_is() {
    let head = head(3);
    give_back(Rc::clone(&head));
    assert_eq!(head.headers.len(), 7);
    assert_eq!(take(0).capacity(), 0);
}

#[test]
fn what_an_unusual_head_needed_is_not_kept() {
    give_back(head(MOST));
    assert_eq!(take(0).capacity(), 0);
}
