use std::fs;
use std::path::{Path, PathBuf};

/// Every test that a row of this document's tables names in its last cell, as `module::name`, or as `path/of/a/module::name`
/// for a unit test.
fn named(document: &str) -> Vec<String> {
    let tables = fs::read_to_string(root().join("docs").join(document)).unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| "));
    let rows = rows.filter(|row| !HEADS.iter().any(|head| row.starts_with(head)));
    rows.map(|row| {
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        let test = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        test.unwrap_or_else(|| panic!("a row without a test: {row}"))
            .to_owned()
    })
    .collect()
}

/// How the lines of a table begin that are no rows.
const HEADS: [&str; 3] = ["| ---", "| attack", "| behaviour"];

/// The source of a module of this binary, of the one that runs the built program, or of the unit tests below a path; its
/// submodules included.
fn sources(module: &[&str]) -> String {
    let start = match module {
        ["process", ..] => root().join("crates/lakegate/tests"),
        [path, ..] if path.contains('/') => root(),
        _ => root().join("tests/it"),
    };
    let path = module.iter().fold(start, |path, part| path.join(part));
    let mut text = fs::read_to_string(path.with_extension("rs")).unwrap_or_default();
    if let Ok(files) = fs::read_dir(path) {
        for file in files {
            text += &fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        }
    }
    text
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn every_test_that_it_names_exists(document: &str, at_least: usize) {
    let named = named(document);
    assert!(named.len() >= at_least, "the tables were not found: {named:?}");
    for test in named {
        let path: Vec<_> = test.split("::").collect();
        let (name, module) = path.split_last().unwrap();
        let source = sources(module);
        let test_of_this_name = ["async fn", "fn"].map(|kind| format!("]\n{kind} {name}() {{"));
        assert!(
            test_of_this_name.iter().any(|head| source.contains(head)),
            "docs/{document} names {test}, which is no test"
        );
    }
}

#[test]
fn every_test_that_the_security_document_names_exists() {
    every_test_that_it_names_exists("security.md", 50);
}

#[test]
fn every_test_that_the_reliability_document_names_exists() {
    every_test_that_it_names_exists("reliability.md", 20);
}
