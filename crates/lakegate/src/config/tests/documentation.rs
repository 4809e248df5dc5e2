//! docs/configuration.md tells every key, and the truth about its default.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::{MINIMAL, accepted, read};

/// One row of a table: `section.key`, and its default if that is a value.
struct Row {
    key: String,
    default: Option<String>,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = fs::read_to_string(path).expect("docs/configuration.md");
    page.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<_> = line.strip_prefix("| `")?.split(" | ").collect();
    let key = cells[0].strip_suffix('`').filter(|key| !key.starts_with('-'))?;
    let default = cells[2].strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
    // Of two defaults by circumstance, neither is *the* default.
    let default = default.filter(|value| !value.contains('`'));
    Some(Row {
        key: key.to_owned(),
        default: default.map(str::to_owned),
    })
}

/// What the fault about an unknown key says is known beside it.
fn known_beside(text: &str) -> Vec<String> {
    let faults = read(text).expect_err("an unknown key");
    let mut helps = faults.list().iter().filter_map(|fault| fault.help.as_deref());
    let known = helps
        .find_map(|help| help.strip_prefix("known here: "))
        .expect("all known keys");
    known.split(", ").map(str::to_owned).collect()
}

fn known_keys() -> BTreeSet<String> {
    let unknown = "something_else_entirely = 1";
    let mut keys = BTreeSet::new();
    for section in known_beside(unknown) {
        let header = match section.as_str() {
            "issuer" | "workspace" => format!("[[{section}]]"),
            _ => format!("[{section}]"),
        };
        for key in known_beside(&format!("{header}\n{unknown}")) {
            if matches!(key.as_str(), "tls" | "jwks") {
                let inner = known_beside(&format!("{header}\n{key} = {{ {unknown} }}"));
                keys.extend(inner.iter().map(|inner| format!("{section}.{key}.{inner}")));
            }
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

/// The minimal configuration with one more key.
fn with(key: &str, value: &str) -> String {
    let mut document: Table = MINIMAL.parse().expect("TOML");
    let value = format!("value = {value}")
        .parse::<Table>()
        .expect("TOML")
        .remove("value")
        .expect("a value");
    let (section, key) = key.split_once('.').expect("section.key");
    let section = document
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()));
    let table = match section {
        Value::Array(tables) => tables[0].as_table_mut(),
        table => table.as_table_mut(),
    };
    table.expect("a table").insert(key.to_owned(), value);
    document.to_string()
}

#[test]
fn every_key_is_documented_and_no_other() {
    let documented: BTreeSet<_> = rows().into_iter().map(|row| row.key).collect();
    assert_eq!(documented, known_keys());
}

#[test]
fn documented_defaults_are_the_defaults() {
    let without = format!("{:?}", accepted(MINIMAL));
    let with_admin = format!("{:?}", accepted(&format!("{MINIMAL}\n[admin]")));
    let mut compared = 0;
    for Row { key, default } in rows() {
        let Some(default) = default else { continue };
        let expected = if key.starts_with("admin.") {
            &with_admin
        } else {
            &without
        };
        assert_eq!(
            &format!("{:?}", accepted(&with(&key, &default))),
            expected,
            "the default of {key}"
        );
        compared += 1;
    }
    assert!(compared >= 18, "rows whose default is a value: {compared}");
}

/// The README shows the keys that most people need; what it says of them is what the whole page says.
#[test]
fn the_readme_tells_the_same_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(path).expect("README.md");
    let documented = rows();
    let mut compared = 0;
    for line in readme.lines() {
        let cells: Vec<_> = line.split(" | ").collect();
        let key = cells[0]
            .strip_prefix("| `")
            .and_then(|cell| cell.strip_suffix('`'));
        let Some(row) = documented.iter().find(|row| Some(row.key.as_str()) == key) else {
            continue;
        };
        let told = cells[1].strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        assert_eq!(
            told.map(str::to_owned),
            row.default,
            "the README's default of {}",
            row.key
        );
        compared += 1;
    }
    assert_eq!(compared, 36, "rows of the README's tables");
}
