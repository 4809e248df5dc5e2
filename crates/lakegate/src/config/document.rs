//! A TOML document, read table by table, so that every fault of form is found in one run:
//! serde would stop at the first.

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::fault::{Fault, Faults, Place};
use super::given::{Given, Setting};

/// One table of the document while it is being read: each key is taken out once, and what is
/// left at the end is unknown.
pub(crate) struct Section<'a> {
    name: &'static str,
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
            .then(|| Self::new("the file", Place::Whole, document.into_inner()))
    }

    fn new(name: &'static str, place: Place, table: DeTable<'a>) -> Self {
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
                let found: Vec<_> = items.into_iter().map(|item| self.item(key, item)).collect();
                let all: Option<Vec<_>> = found.into_iter().collect();
                all.map_or(Setting::Faulty, |value| Setting::Given(Given { value, place }))
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
            other if one_will_do => self.mistyped(key, "a string or a list of strings", place, &other),
            other => self.mistyped(key, "a list of strings", place, &other),
        }
    }

    /// A table; `name` is how faults call it.
    pub(crate) fn section(&mut self, key: &'static str, name: &'static str) -> Setting<Section<'a>> {
        let Some((place, value)) = self.take_entry(key) else {
            return Setting::Absent;
        };
        match value.into_inner() {
            DeValue::Table(table) => {
                let value = Section::new(name, place.clone(), table);
                Setting::Given(Given { value, place })
            }
            other => self.mistyped(key, "a table", place, &other),
        }
    }

    /// An array of tables, `[[key]]`.
    pub(crate) fn sections(&mut self, key: &'static str, name: &'static str) -> Setting<Vec<Section<'a>>> {
        let Some((place, value)) = self.take_entry(key) else {
            return Setting::Absent;
        };
        let expected = "a list of tables, each with two pairs of brackets around its name";
        let items = match value.into_inner() {
            DeValue::Array(items) => items,
            other => return self.mistyped(key, expected, place, &other),
        };
        let mut sections = Vec::new();
        for item in items {
            let place = Place::File(item.span());
            match item.into_inner() {
                DeValue::Table(table) => sections.push(Section::new(name, place, table)),
                other => return self.mistyped(key, expected, place, &other),
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

    /// The keys that were asked for.
    #[cfg(test)]
    pub(super) fn known(&self) -> &[&'static str] {
        &self.known
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
            None => self.mistyped(key, expected, place, value.get_ref()),
        }
    }

    fn item(&mut self, key: &'static str, item: Spanned<DeValue<'a>>) -> Option<Given<String>> {
        let place = Place::File(item.span());
        match item.into_inner() {
            DeValue::String(text) => Some(Given {
                value: text.into_owned(),
                place,
            }),
            other => self.mistyped(key, "a list of strings", place, &other).given(),
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

    fn mistyped<T>(&mut self, key: &str, expected: &str, place: Place, found: &DeValue<'_>) -> Setting<T> {
        let found = match found {
            DeValue::Integer(number) => number.to_string(),
            other => with_article(other.type_str()),
        };
        self.faults.push(Fault::new(
            &place,
            format!("`{key}` must be {expected}, not {found}"),
        ));
        Setting::Faulty
    }
}

fn whole(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
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
