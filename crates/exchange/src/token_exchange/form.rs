use form_urlencoded::{Serializer, byte_serialize};

use super::ExchangeRequest;

/// RFC 8693 section 2.1, in the order of the example in section 2.3. There is no client authentication: the JWT alone is the proof.
pub(super) fn of(request: &ExchangeRequest) -> String {
    let ExchangeRequest { identity, grant, .. } = request;
    let token = identity.token().expose();
    let mut form = String::with_capacity(BEFORE.len() + token.len() + BEHIND.len() + ROOM);
    form.push_str(BEFORE);
    push(&mut form, token);
    form.push_str(BEHIND);
    let mut form = Serializer::new(form);
    form.append_pair("scope", grant.scope().as_str());
    if let Some(client_id) = grant.policy().client_id() {
        form.append_pair("client_id", client_id.as_str());
    }
    form.finish()
}

/// A JWT is base64url and dots, none of which is ever encoded; and to encode a thousand bytes one by one takes a twentieth of
/// what an exchange costs.
fn push(form: &mut String, token: &[u8]) {
    match std::str::from_utf8(token) {
        Ok(text) if is_of_a_jwt(token) => form.push_str(text),
        _ => form.extend(byte_serialize(token)),
    }
}

/// Without a branch for each byte, so that the compiler takes many at once.
fn is_of_a_jwt(token: &[u8]) -> bool {
    token.iter().fold(true, |all, &byte| {
        all & (byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_'))
    })
}

const BEFORE: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=";
const BEHIND: &str = "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";

/// For a scope, and the id of a service principal.
const ROOM: usize = 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_token_is_made_of_the_endpoint_reads_it_and_nothing_else(
            token in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "[A-Za-z0-9_-]{0,99}\\.[A-Za-z0-9_-]{0,99}\\.[&=+%#]{0,3}".prop_map(String::into_bytes),
            ],
        ) {
            let mut form = BEFORE.to_owned();
            push(&mut form, &token);
            form.push_str(BEHIND);
            let read: Vec<_> = form_urlencoded::parse(form.as_bytes()).collect();
            let token = String::from_utf8_lossy(&token);
            prop_assert_eq!(read, vec![
                ("grant_type".into(), "urn:ietf:params:oauth:grant-type:token-exchange".into()),
                ("subject_token".into(), token),
                ("subject_token_type".into(), "urn:ietf:params:oauth:token-type:jwt".into()),
            ]);
        }
    }
}
