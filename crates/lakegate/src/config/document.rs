//! A TOML document, read table by table, so that every fault of form is found in one run:
//! serde would stop at the first.

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::fault::{Fault, Faults, Place};
use super::given::{Given, Setting};

/// One table of the document while it is being read: each key is taken out once, and what is
/// left at the end is unknown.
pub(crate) struct Section<'a> {
    name: String,
    place: Place,
    table: DeTable<'a>,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

// === impl Section ===

impl<'a> Section<'a> {
    /// The document's root. What is not TOML is recorded, and then nothing else is worth saying.
    pub(super) fn root(text: &'a str, faults: &mut Faults) -> Option<Self> {
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let place = error.span().map_or(Place::Whole, Place::File);
            faults.record(Fault::new(&place, error.message()));
        }
        errors
            .is_empty()
            .then(|| Self::new("the file".to_owned(), Place::Whole, document.into_inner()))
    }

    fn new(name: String, place: Place, table: DeTable<'a>) -> Self {
        Self {
            name,
            place,
            table,
            known: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Where the table stands.
    pub(crate) fn place(&self) -> Place {
        self.place.clone()
    }

    /// A string.
    pub(crate) fn string(&mut self, key: &'static str) -> Setting<String> {
        self.scalar(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Setting<bool> {
        self.scalar(key, "true or false", DeValue::as_bool)
    }

    /// A whole number; none of ours is negative.
    pub(crate) fn number(&mut self, key: &'static str) -> Setting<u64> {
        self.scalar(key, "a whole number that is not negative", |value| {
            value.as_integer().and_then(whole)
        })
    }

    /// A list of strings; where `one_will_do`, a string stands for a list of one.
    pub(crate) fn strings(&mut self, key: &'static str, one_will_do: bool) -> Setting<Vec<Given<String>>> {
        let Some(value) = self.take(key) else {
            return Setting::Absent;
        };
        let place = Place::File(value.span());
        match value.into_inner() {
            DeValue::Array(items) => {
                let written = items.len();
                let value: Vec<_> = items
                    .into_iter()
                    .filter_map(|item| self.item(key, item))
                    .collect();
                // Only a list that was written empty is empty: one of wrong items was complained about.
                let spoilt = value.is_empty() && written > 0;
                if spoilt {
                    Setting::Faulty
                } else {
                    Setting::Given(Given { value, place })
                }
            }
            DeValue::String(one) if one_will_do => {
                let one = Given {
                    value: one.into_owned(),
                    place: place.clone(),
                };
                Setting::Given(Given {
                    value: vec![one],
                    place,
                })
            }
            other if one_will_do => self.mistyped(key, "a string or a list of strings", &place, &other),
            other => self.mistyped(key, "a list of strings", &place, &other),
        }
    }

    /// A table.
    pub(crate) fn section(&mut self, key: &'static str) -> Setting<Section<'a>> {
        let Some((place, value)) = self.take_entry(key) else {
            return Setting::Absent;
        };
        match value.into_inner() {
            DeValue::Table(table) => {
                let name = if self.place == Place::Whole {
                    format!("[{key}]")
                } else {
                    format!("`{key}`")
                };
                let value = Section::new(name, place.clone(), table);
                Setting::Given(Given { value, place })
            }
            other => self.mistyped(key, "a table", &place, &other),
        }
    }

    /// An array of tables, `[[key]]`.
    pub(crate) fn sections(&mut self, key: &'static str) -> Setting<Vec<Section<'a>>> {
        let Some((place, value)) = self.take_entry(key) else {
            return Setting::Absent;
        };
        let items = match value.into_inner() {
            DeValue::Array(items) => items,
            other => return self.not_tables(key, &place, &other),
        };
        let mut sections = Vec::new();
        for item in items {
            let place = Place::File(item.span());
            match item.into_inner() {
                DeValue::Table(table) => sections.push(Section::new(format!("[[{key}]]"), place, table)),
                other => return self.not_tables(key, &place, &other),
            }
        }
        Setting::Given(Given {
            value: sections,
            place,
        })
    }

    /// A key that other versions know: never silently ignored, never recommended.
    pub(crate) fn refuse(&mut self, key: &'static str, message: &str, help: &str) {
        if let Some((stored, _)) = self.table.remove_entry(key) {
            self.faults
                .push(Fault::new(&Place::File(stored.span()), message).help(help));
        }
    }

    /// Ends the reading: what was not asked for is unknown.
    pub(crate) fn finish(self, faults: &mut Faults) {
        for fault in self.faults {
            faults.record(fault);
        }
        for (key, _) in &self.table {
            let fault = Fault::new(
                &Place::File(key.span()),
                format!("unknown key `{}` in {}", key.get_ref(), self.name),
            );
            faults.record(fault.help(suggestion(key.get_ref(), &self.known)));
        }
    }

    fn scalar<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        convert: impl Fn(&DeValue<'a>) -> Option<T>,
    ) -> Setting<T> {
        let Some(value) = self.take(key) else {
            return Setting::Absent;
        };
        let place = Place::File(value.span());
        match convert(value.get_ref()) {
            Some(value) => Setting::Given(Given { value, place }),
            None => self.mistyped(key, expected, &place, value.get_ref()),
        }
    }

    fn item(&mut self, key: &str, item: Spanned<DeValue<'a>>) -> Option<Given<String>> {
        let place = Place::File(item.span());
        match item.into_inner() {
            DeValue::String(text) => Some(Given {
                value: text.into_owned(),
                place,
            }),
            other => {
                let message = format!("every item of `{key}` must be a string, not {}", named(&other));
                self.faults.push(Fault::new(&place, message));
                None
            }
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.table.remove(key)
    }

    /// The value, and the place of its key: a table's own span covers all that it holds.
    fn take_entry(&mut self, key: &'static str) -> Option<(Place, Spanned<DeValue<'a>>)> {
        self.known.push(key);
        let (stored, value) = self.table.remove_entry(key)?;
        Some((Place::File(stored.span()), value))
    }

    fn mistyped<T>(&mut self, key: &str, expected: &str, place: &Place, found: &DeValue<'_>) -> Setting<T> {
        let message = format!("`{key}` must be {expected}, not {}", named(found));
        self.faults.push(Fault::new(place, message));
        Setting::Faulty
    }

    fn not_tables<T>(&mut self, key: &str, place: &Place, found: &DeValue<'_>) -> Setting<T> {
        let message = format!("`{key}` must be a list of tables, not {}", named(found));
        self.faults
            .push(Fault::new(place, message).help(format!("write [[{key}]], with two pairs of brackets")));
        Setting::Faulty
    }
}

fn whole(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A number by itself, anything else by its kind.
fn named(found: &DeValue<'_>) -> String {
    match found {
        DeValue::Integer(number) => number.to_string(),
        DeValue::Array(_) => "an array".to_owned(),
        other => format!("a {}", other.type_str()),
    }
}

/// The known key that was probably meant, or all of them.
fn suggestion(unknown: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|key| (strsim::damerau_levenshtein(unknown, key), key))
        .min()
        .filter(|(distance, key)| *distance <= 1 + key.len() / 4)
        .map_or_else(
            || format!("known here: {}", known.join(", ")),
            |(_, key)| format!("did you mean `{key}`?"),
        )
}
