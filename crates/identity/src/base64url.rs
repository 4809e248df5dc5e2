use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Strict base64url (RFC 7515 section 2): no padding, no other alphabet, no bits left over.
///
/// Strict because two spellings of one signature would be two different tokens with one meaning.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
