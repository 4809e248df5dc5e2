use super::fault::{Fault, Faults, Place};

/// A value as the user gave it, and where.
#[derive(Clone, Debug)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// A setting that may have been left out.
#[derive(Clone, Debug, Default)]
pub(crate) enum Setting<T> {
    /// The default holds.
    #[default]
    Absent,
    /// It was given, but in a form that was complained about already: no second complaint that it is missing.
    Faulty,
    /// It was given.
    Given(Given<T>),
}

// === impl Given ===

impl<T> Given<T> {
    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(&self.place, message)
    }
}

// === impl Setting ===

impl<T> Setting<T> {
    /// What a flag says, if it was given.
    pub(crate) fn flag(name: &'static str, value: Option<T>) -> Self {
        value.map_or(Self::Absent, |value| {
            Self::Given(Given {
                value,
                place: Place::Flag(name),
            })
        })
    }

    /// The finished value; `None` when it was left out or is at fault.
    pub(crate) fn parse<U>(
        self,
        faults: &mut Faults,
        parse: impl FnOnce(&Given<T>) -> Result<U, Fault>,
    ) -> Option<U> {
        match self {
            Self::Given(given) => faults.keep(parse(&given)),
            Self::Absent | Self::Faulty => None,
        }
    }

    /// Replaces a default by what was given.
    pub(crate) fn set<U>(
        self,
        field: &mut U,
        faults: &mut Faults,
        parse: impl FnOnce(&Given<T>) -> Result<U, Fault>,
    ) {
        if let Some(value) = self.parse(faults, parse) {
            *field = value;
        }
    }

    /// This setting, which must not be left out.
    pub(crate) fn required(self, faults: &mut Faults, missing: impl FnOnce() -> Fault) -> Self {
        if let Self::Absent = self {
            faults.record(missing());
            return Self::Faulty;
        }
        self
    }

    /// The value itself, where it needs no parsing.
    pub(crate) fn given(self) -> Option<Given<T>> {
        match self {
            Self::Given(given) => Some(given),
            Self::Absent | Self::Faulty => None,
        }
    }

    /// Where it was given.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::Given(given) => Some(&given.place),
            Self::Absent | Self::Faulty => None,
        }
    }
}

impl Setting<bool> {
    /// Whether the switch was given and is on.
    pub(crate) fn is_on(&self) -> bool {
        matches!(self, Self::Given(Given { value: true, .. }))
    }
}
