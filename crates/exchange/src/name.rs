/// A service principal's application id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

/// A Databricks account id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(String);

/// RFC 6749 section 3.3 scopes, separated by spaces. Default: `all-apis`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

/// A name that is empty or holds a character it must not.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct InvalidName {
    what: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($type:ident, $what:literal, $rule:literal, $legal:path) => {
        impl $type {
            /// Checks that the name can stand in a form field.
            ///
            /// # Errors
            /// When it is empty or holds a character it must not.
            pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
                let name = name.into();
                if $legal(&name) {
                    Ok(Self(name))
                } else {
                    Err(InvalidName {
                        what: $what,
                        rule: $rule,
                    })
                }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(ClientId, "client_id", "letters, digits and dashes", is_id);
name!(AccountId, "account_id", "letters, digits and dashes", is_id);
name!(
    Scope,
    "scope",
    "words of visible ASCII, without quotes or backslashes, separated by single spaces",
    is_scope
);

// === impl Scope ===

impl Default for Scope {
    /// `all-apis`: what every Databricks SDK asks for.
    fn default() -> Self {
        Self("all-apis".to_owned())
    }
}

fn is_id(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// RFC 6749 section 3.3: `scope-token *( SP scope-token )`. A stray space would be an empty word.
fn is_scope(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    name.split(' ')
        .all(|word| !word.is_empty() && word.bytes().all(legal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_words_with_single_spaces_between() {
        for good in [
            "all-apis",
            "sql offline_access",
            "a b c",
            "iam.access-control:read",
        ] {
            assert_eq!(Scope::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "", " ", " sql", "sql ", "sql  x", "sql\tx", "sql\n", "s\u{e9}", "a\"b", "a\\b", "a\0",
        ] {
            assert!(Scope::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ids_are_letters_digits_and_dashes() {
        assert!(ClientId::new("7cb2f8a4-49a7-4147-83db-35cb69e5cede").is_ok());
        for bad in ["", "a b", "a/b", "../x", "a&client_id=b", "é"] {
            assert!(ClientId::new(bad).is_err(), "{bad:?}");
            assert!(AccountId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_bad_name_says_what_it_must_be() {
        let error = ClientId::new("a b").unwrap_err();
        assert_eq!(error.to_string(), "client_id must be letters, digits and dashes");
    }

    #[test]
    fn the_default_scope_is_what_the_sdks_ask_for() {
        assert_eq!(Scope::default(), Scope::new("all-apis").unwrap());
    }
}
