use std::ops::Range;

/// What a statement yields: one column, which is all that is needed to tell whether the right rows reached the right caller.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) column: String,
    values: Values,
}

/// The column's type, and what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Int,
    BigInt,
    String,
}

#[derive(Clone, Debug)]
enum Values {
    Int(i32),
    /// From 0, up to but without it.
    Range(u64),
    Text(String),
}

/// The fake's SQL, in any case, behind comments: `SELECT current_user()`, `SELECT <number> [AS <name>]`, and
/// `SELECT id FROM range(<n>)` for as many rows as wanted.
///
/// # Errors
/// What Databricks would say of anything else.
pub(super) fn execute(statement: &str, identity: &str) -> Result<Table, String> {
    let words = words(statement);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let table = match words[..] {
        ["select", "current_user()"] => Some(Table::new("current_user()", Values::Text(identity.to_owned()))),
        ["select", "id" | "*", "from", range] => {
            rows(range).map(|rows| Table::new("id", Values::Range(rows)))
        }
        ["select", number, "as", name] => number
            .parse()
            .ok()
            .map(|number| Table::new(name, Values::Int(number))),
        ["select", number] => number
            .parse()
            .ok()
            .map(|value| Table::new(number, Values::Int(value))),
        _ => None,
    };
    table.ok_or_else(|| {
        format!(
            "[PARSE_SYNTAX_ERROR] Syntax error at or near '{}'.",
            words.join(" ")
        )
    })
}

fn words(statement: &str) -> Vec<String> {
    let mut rest = statement.trim();
    while let Some((_, behind)) = rest
        .strip_prefix("/*")
        .and_then(|comment| comment.split_once("*/"))
    {
        rest = behind.trim();
    }
    let rest = rest.trim_end_matches(';').to_ascii_lowercase();
    rest.split_whitespace().map(str::to_owned).collect()
}

fn rows(range: &str) -> Option<u64> {
    range.strip_prefix("range(")?.strip_suffix(')')?.parse().ok()
}

// === impl Table ===

impl Table {
    fn new(column: &str, values: Values) -> Self {
        Self {
            column: column.to_owned(),
            values,
        }
    }

    pub(super) fn kind(&self) -> Type {
        match self.values {
            Values::Int(_) => Type::Int,
            Values::Range(_) => Type::BigInt,
            Values::Text(_) => Type::String,
        }
    }

    /// How many rows it has.
    pub(super) fn len(&self) -> u64 {
        match self.values {
            Values::Int(_) | Values::Text(_) => 1,
            Values::Range(rows) => rows,
        }
    }

    /// The next `most` rows from this one on.
    pub(super) fn piece(&self, from: u64, most: u64) -> Range<u64> {
        from..self.len().min(from.saturating_add(most))
    }

    /// One row's value, as text.
    pub(super) fn value(&self, row: u64) -> String {
        match &self.values {
            Values::Int(number) => number.to_string(),
            Values::Range(_) => row.to_string(),
            Values::Text(text) => text.clone(),
        }
    }
}

// === impl Type ===

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::String => "STRING",
        }
    }
}
