//! A hint names a command or a flag that exists, and so does everything else that the program says.

use super::{none, source};

/// Where a verb or a flag is named, and what the names stand for.
fn mentions(text: &str) -> Vec<(Option<String>, String)> {
    let mut found = Vec::new();
    // What stands in one pair of backticks is one command line.
    for part in text.split('`') {
        let mut verb = None;
        let mut words = part.split_whitespace().peekable();
        while let Some(word) = words.next() {
            if word == "airgap-bundle" {
                verb = words.peek().map(|next| trimmed(next).to_owned()).filter(|next| is_word(next));
                if let Some(verb) = &verb {
                    found.push((Some(verb.clone()), String::new()));
                }
            }
            let flag = trimmed(word).split('=').next().unwrap_or_default().to_owned();
            if flag.strip_prefix("--").is_some_and(is_word) {
                found.push((verb.clone(), flag));
            }
        }
    }
    found
}

fn trimmed(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-')
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Returns whether a verb has this flag, or, where none is given, whether any has it.
fn exists(main: &clap::Command, verb: Option<&str>, flag: &str) -> bool {
    let has = |command: &clap::Command| {
        flag.is_empty()
            || matches!(flag, "--help" | "--version")
            || command.get_arguments().any(|argument| argument.get_long() == flag.strip_prefix("--"))
    };
    match verb {
        Some(verb) => main.find_subcommand(verb).is_some_and(has),
        None => main.get_subcommands().any(has),
    }
}

#[test]
fn what_the_program_says_names_commands_and_flags_that_exist() {
    let mut main = airgap_bundle::cli::command();
    main.build();
    let mut said: Vec<(String, String)> = Vec::new();
    for source in source::all() {
        said.extend(source.strings.iter().map(|text| (source.path.clone(), text.clone())));
    }
    for verb in main.clone().get_subcommands_mut() {
        said.push((format!("help of {}", verb.get_name()), verb.render_long_help().to_string()));
    }
    let mut wrong = Vec::new();
    for (place, text) in &said {
        for (verb, flag) in mentions(text) {
            if !exists(&main, verb.as_deref(), &flag) {
                wrong.push(format!("{place}: `{} {flag}` in {text:?}", verb.unwrap_or_default()));
            }
        }
    }
    none("commands and flags that do not exist", &wrong);
}

#[test]
fn mentions_are_found() {
    let text = "run `airgap-bundle verify site.tar --cached`, or use `--force`; x--y is none, `airgap-bundle.tar` neither";
    let verify = || Some("verify".to_owned());
    assert_eq!(
        mentions(text),
        [(verify(), String::new()), (verify(), "--cached".to_owned()), (None, "--force".to_owned())]
    );
    let main = airgap_bundle::cli::command();
    assert!(exists(&main, Some("version"), ""));
    assert!(!exists(&main, Some("version"), "--force"));
    assert!(!exists(&main, Some("unheard-of"), ""));
}
