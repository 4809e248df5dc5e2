//! Whatever the file holds, there is an answer: a configuration, or faults that can be shown.

use std::fs;
use std::path::Path;

use super::read;

fn example() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/example.toml");
    fs::read_to_string(path).expect("the example")
}

/// Either way is fine, as long as faults can be shown in both ways.
fn answer(text: &str) {
    if let Err(faults) = read(text) {
        assert!(!faults.list().is_empty(), "refused without a fault:\n{text}");
        assert!(!faults.render(true).is_empty() && !faults.render(false).is_empty());
    }
}

#[test]
fn a_file_cut_off_anywhere_is_answered() {
    let example = example();
    for end in (0..example.len())
        .step_by(13)
        .filter(|&end| example.is_char_boundary(end))
    {
        answer(&example[..end]);
    }
}

#[test]
fn a_file_without_any_one_line_is_answered() {
    let example = example();
    let lines: Vec<_> = example.lines().collect();
    for missing in 0..lines.len() {
        answer(&[&lines[..missing], &lines[missing + 1..]].concat().join("\n"));
    }
}

#[test]
fn text_that_no_one_expects_is_answered() {
    for odd in [
        "é",
        "\u{1f980}",
        "\u{feff}",
        "\u{202e}",
        "\0",
        "\t",
        "\"",
        "\r\n",
        "[",
        "]]",
        "=",
        "\u{7f}",
        "'''\né\n",
    ] {
        answer(odd);
        for place in [
            "listen",
            "\"all-apis\"",
            "https",
            "databricks-gateway",
            "[[workspace]]",
            "name",
        ] {
            answer(&example().replacen(place, odd, 1));
            answer(&example().replacen(place, &format!("{place}{odd}"), 3));
        }
    }
}

#[test]
fn lines_may_end_as_they_do_elsewhere() {
    read(&example().replace('\n', "\r\n")).expect("accepted");
}
