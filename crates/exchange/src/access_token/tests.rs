use identity::UnixTime;
use proptest::prelude::*;

use super::*;

const END: Expiry = Expiry(UnixTime::from_seconds(1_000));

fn token(text: &str) -> AccessToken {
    AccessToken::new(text, END).unwrap()
}

proptest! {
    #[test]
    fn a_tokens_header_is_the_token_behind_bearer_however_long_it_is(text in "[!-~]{1,2100}") {
        let header = token(&text).header();
        prop_assert_eq!(header.to_str().unwrap(), format!("Bearer {text}"));
        prop_assert!(header.is_sensitive());
    }
}

#[test]
fn a_block_holds_its_text_and_no_byte_more_at_every_length() {
    for length in 0..2_100 {
        let text = vec![b't'; length];
        assert_eq!(in_one_block(&text), text, "{length}");
    }
}

#[test]
fn a_token_that_cannot_stand_in_a_header_is_none() {
    for text in ["", "a b", "a\r\nb", "a\0b", "t\u{f6}ken"] {
        assert!(AccessToken::new(text, END).is_none(), "{text:?}");
    }
}

#[test]
fn debug_of_a_token_shows_no_part_of_it() {
    assert!(!format!("{:?}", token("s3cret")).contains("s3cret"));
}

#[test]
fn tokens_are_the_same_by_their_text_alone() {
    let later = AccessToken::new("one", Expiry(UnixTime::from_seconds(2_000))).unwrap();
    assert!(token("one").is_same(&later) && !token("one").is_same(&token("other")));
}
