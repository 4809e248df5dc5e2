use super::*;

const fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

#[test]
fn a_token_is_good_from_its_start_until_five_seconds_before_its_end() {
    let validity = Validity {
        from: at(100),
        until: Expiry(at(200)),
    };
    for (now, good) in [
        (99, false),
        (100, true),
        (194, true),
        (195, false),
        (200, false),
        (u64::MAX, false),
    ] {
        assert_eq!(validity.includes(at(now)), good, "{now}");
    }
}

/// One for every token that is remembered: two words beside its digest, and eight and the subject in one block, with its count.
#[test]
fn what_is_remembered_of_a_token_is_ten_words_and_its_subject() {
    let word = size_of::<u64>();
    assert_eq!((size_of::<Verified>(), size_of::<Facts>()), (2 * word, 7 * word));
}
