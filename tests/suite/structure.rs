//! The rules of the source that no compiler knows: floors, who prints, who spawns, who reads the environment, sizes, names.

use std::fmt::Write as _;
use std::path::Path;

use self::source::Source;

mod hints;
mod registries;
mod source;

/// The floors, and the modules at the root of the crate that stand on each.
const FLOORS: [&[&str]; 6] =
    [&["model"], &["content"], &["stores"], &["kinds"], &["commands"], &["cli", "ui"]];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// Fails with all cases at once.
fn none(what: &str, cases: &[String]) {
    assert!(cases.is_empty(), "{what}:\n  {}", cases.join("\n  "));
}

/// Returns the places of a word, as `path:line: the line`.
fn places(source: &Source, pattern: &str) -> Vec<String> {
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let ends_in_word = in_word(pattern.chars().last());
    source
        .code
        .match_indices(pattern)
        .filter(|(at, _)| !in_word(source.code[..*at].chars().last()))
        .filter(|(at, _)| !ends_in_word || !in_word(source.code[at + pattern.len()..].chars().next()))
        .map(|(at, _)| place(source, at))
        .collect()
}

fn place(source: &Source, at: usize) -> String {
    let line = source.code[..at].matches('\n').count();
    format!("{}:{}: {}", source.path, line + 1, source.text.lines().nth(line).unwrap_or_default().trim())
}

/// Returns the places of all these words in the files that are not allowed to have them.
fn outside(patterns: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let sources = source::all();
    let not_allowed = sources.iter().filter(|source| !allowed(&source.path));
    not_allowed.flat_map(|source| patterns.iter().flat_map(|pattern| places(source, pattern))).collect()
}

/// Returns the modules at the root that a file names, each with its offset: `crate::model::…`, `crate::{a, b}`, and
/// chains of `super::` that reach the root.
fn imports(source: &Source) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let depth = source.module().len();
    let root = "super::".repeat(depth);
    let mut starts: Vec<usize> =
        source.code.match_indices("crate::").map(|(at, word)| at + word.len()).collect();
    if depth > 0 {
        let in_chain = |at: &usize| !source.code[..*at].ends_with("super::");
        starts.extend(
            source.code.match_indices(&root).map(|(at, _)| at).filter(in_chain).map(|at| at + root.len()),
        );
    }
    for start in starts {
        let rest = &source.code[start..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push((word(rest), start));
            continue;
        };
        let mut nested = 0_usize;
        let mut begins = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => nested += 1,
                '}' if nested == 0 => break,
                '}' => nested -= 1,
                ',' if nested == 0 => begins = true,
                c if begins && nested == 0 && !c.is_whitespace() => {
                    found.push((word(&group[at..]), start + 1 + at));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn a_floor_imports_only_from_lower_floors() {
    let mut wrong = Vec::new();
    for source in source::all() {
        let module = source.module();
        let Some(first) = module.first() else { continue };
        let Some(own) = floor(first) else {
            wrong.push(format!("{}: `{first}` stands on no floor", source.path));
            continue;
        };
        for (module, at) in imports(&source) {
            match floor(&module) {
                Some(other) if other <= own => {}
                Some(other) => wrong.push(format!("floor {own} from floor {other}: {}", place(&source, at))),
                None => wrong.push(format!("`{module}` stands on no floor: {}", place(&source, at))),
            }
        }
    }
    none("imports from a higher floor", &wrong);
}

#[test]
fn only_the_printer_prints() {
    let words = ["print!", "println!", "eprint!", "eprintln!", "stdout", "stderr", "Stdout", "Stderr"];
    // What the job runner names are the pipes of another program.
    let found = outside(&words, |path| {
        path == "main.rs" || path == "ui.rs" || path.starts_with("ui/") || path == "content/jobs/program.rs"
    });
    none("only ui and main print", &found);
}

#[test]
fn only_the_job_runner_and_the_server_spawn() {
    let words = [
        "spawn",
        "spawn_blocking",
        "spawn_local",
        "JoinSet",
        "thread::scope",
        "thread::Builder",
        "rayon",
        // A bar that ticks by itself does so on a thread.
        "enable_steady_tick",
    ];
    let found = outside(&words, |path| {
        path == "content/jobs.rs"
            || path.starts_with("content/jobs/")
            || path.starts_with("stores/registry/server/")
    });
    none("only content/jobs.rs and stores/registry/server/ spawn tasks or threads", &found);
}

#[test]
fn only_the_arguments_read_the_environment() {
    // The last of these ask for the folder of temporary files, which is the environment's, too.
    let words = [
        "env::",
        "home_dir",
        "current_dir",
        "temp_dir",
        "tempdir()",
        "tempfile()",
        "NamedTempFile::new()",
        "TempDir::new()",
    ];
    let found = outside(&words, |path| path == "main.rs" || path == "cli.rs" || path.starts_with("cli/"));
    none("only cli reads the environment", &found);
}

#[test]
fn files_are_short() {
    let sources = source::all();
    let mut lines: Vec<usize> = sources.iter().map(|source| source.lines).collect();
    lines.sort_unstable();
    let median = lines[lines.len() / 2];
    println!("{} files, the median has {median} lines, the longest {}", lines.len(), lines[lines.len() - 1]);
    let long: Vec<String> = sources
        .iter()
        .filter(|source| source.lines > 400)
        .map(|source| format!("{}: {} lines", source.path, source.lines))
        .collect();
    none("files with more than 400 lines without their tests", &long);
    assert!(median <= 130, "the median file has {median} lines; it should be about 100");
}

#[test]
fn files_are_named_after_what_they_hold() {
    const VAGUE: [&str; 13] = [
        "util", "utils", "common", "helper", "helpers", "manager", "handler", "handlers", "base", "info",
        "data", "misc", "shared",
    ];
    let vague = |source: &Source| {
        source.module().iter().any(|part| part.split('_').any(|word| VAGUE.contains(&word)))
    };
    let found: Vec<String> =
        source::all().iter().filter(|source| vague(source)).map(|source| source.path.clone()).collect();
    none("names that say nothing", &found);
}

#[test]
fn nothing_is_left_for_later() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Written so that this file does not hold them.
    let words =
        [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["todo", "!("], ["unimplemented", "!("], ["dbg", "!("]]
            .map(|parts| parts.concat());
    let mut found = Vec::new();
    for folder in ["src", "tests", "examples", "fuzz/fuzz_targets"].map(|folder| here.join(folder)) {
        if !folder.is_dir() {
            continue;
        }
        for (path, text) in source::rust_files(&folder) {
            for (number, line) in text.lines().enumerate() {
                if words.iter().any(|word| line.contains(word)) {
                    found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
                }
            }
        }
    }
    none("left for later", &found);
}

#[test]
fn the_map_in_the_crate_names_every_module() {
    let sources = source::all();
    let root = sources.iter().find(|source| source.path == "lib.rs").expect("src/lib.rs");
    let mut missing = String::new();
    for module in sources.iter().filter_map(|source| source.module().first().map(|first| (*first).to_owned()))
    {
        if !root.text.contains(&format!("`{module}`")) {
            writeln!(missing, "{module}").expect("a string");
        }
    }
    assert!(missing.is_empty(), "the table in src/lib.rs lacks:\n{missing}");
}

#[test]
fn imports_are_found_in_every_form() {
    let code =
        "use crate::model::digest; use crate::{content::{a, b}, stores}; super::super::ui::x(); super::key()";
    let source = Source {
        path: "model/list/key.rs".replace("list/", ""),
        code: code.to_owned(),
        strings: Vec::new(),
        text: code.to_owned(),
        lines: 1,
    };
    let names: Vec<String> = imports(&source).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["model", "content", "stores", "ui"]);
    assert_eq!(source.stem(), "key");
}

#[test]
fn no_test_file_is_left_out() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut left_out = Vec::new();
    for binary in ["suite", "long"].map(|name| tests.join(name)) {
        let main = std::fs::read_to_string(binary.join("main.rs")).unwrap();
        for entry in std::fs::read_dir(&binary).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let module =
                path.extension().is_some_and(|ending| ending == "rs") || path.join("mod.rs").is_file();
            if module && name != "main" && !main.contains(&format!("mod {name};")) {
                left_out.push(path.display().to_string());
            }
        }
    }
    none("files that main.rs does not name, so that their tests never run", &left_out);
}
