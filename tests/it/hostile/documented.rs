use std::fs;
use std::path::{Path, PathBuf};

/// Every test that a row of the tables names, as `module::name`.
fn named() -> Vec<String> {
    let document = fs::read_to_string(root().join("../docs/security.md")).unwrap();
    let rows = document.lines().filter(|line| line.starts_with("| "));
    let rows = rows.filter(|row| !row.starts_with("| attack") && !row.starts_with("| ---"));
    rows.map(|row| {
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        let test = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        test.unwrap_or_else(|| panic!("a row without a test: {row}"))
            .to_owned()
    })
    .collect()
}

/// The source of a module of this binary, or of the one that runs the built program; its submodules included.
fn sources(module: &[&str]) -> String {
    let tests = match module {
        ["process", ..] => root().join("../crates/lakegate/tests"),
        _ => root().join("it"),
    };
    let path = module.iter().fold(tests, |path, part| path.join(part));
    let mut text = fs::read_to_string(path.with_extension("rs")).unwrap_or_default();
    if let Ok(files) = fs::read_dir(path) {
        for file in files {
            text += &fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        }
    }
    text
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn every_test_that_the_document_names_exists() {
    let named = named();
    assert!(named.len() > 50, "the tables were not found: {named:?}");
    for test in named {
        let path: Vec<_> = test.split("::").collect();
        let (name, module) = path.split_last().unwrap();
        let source = sources(module);
        let test_of_this_name = ["async fn", "fn"].map(|kind| format!("]\n{kind} {name}() {{"));
        assert!(
            test_of_this_name.iter().any(|head| source.contains(head)),
            "docs/security.md names {test}, which is no test"
        );
    }
}
