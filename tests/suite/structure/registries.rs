//! `registries.md` names tests that exist.

use std::path::Path;

use super::none;

/// Returns the file and the function of each test that a text names: `` `client/faults::patience_ends` ``.
fn named(text: &str) -> Vec<(String, String)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let pairs = quoted.filter_map(|text| text.split_once("::"));
    pairs.map(|(file, name)| (file.to_owned(), name.to_owned())).collect()
}

#[test]
fn every_rule_has_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("registries.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.ends_with("|---|"));
    let unproven = rows
        .filter(|row| named(row).is_empty() && !row.contains("| tests |") && !row.starts_with("| fault |"));
    none("rules without a test", &unproven.map(str::to_owned).collect::<Vec<_>>());
    let tests = named(&page);
    assert!(tests.len() > 100, "{}", tests.len());
    let gone = tests.iter().filter(|(file, name)| {
        let folder = if file.starts_with("src/") {
            ""
        } else if file.starts_with("long/") {
            "tests"
        } else {
            "tests/suite"
        };
        let text = std::fs::read_to_string(root.join(folder).join(format!("{file}.rs"))).unwrap_or_default();
        !text.contains(&format!("fn {name}("))
    });
    none("tests that are gone", &gone.map(|(file, name)| format!("{file}::{name}")).collect::<Vec<_>>());
}
