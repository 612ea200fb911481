//! Source text as these tests read it: code apart from comments, strings and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of `src/`.
pub(super) struct Source {
    /// Path below `src/`, such as `model/digest.rs`.
    pub(super) path: String,
    /// The code without its tests; comments and the content of strings are blanks, line feeds stay.
    pub(super) code: String,
    /// The strings of the code without its tests.
    pub(super) strings: Vec<String>,
    /// The whole file.
    pub(super) text: String,
    /// How many lines it has without its tests.
    pub(super) lines: usize,
}

impl Source {
    /// Returns the folders and the name of its module: `["model", "list", "key"]`; empty for the root.
    pub(super) fn module(&self) -> Vec<&str> {
        let mut parts: Vec<&str> = self.path.trim_end_matches(".rs").split('/').collect();
        if matches!(parts.last(), Some(&("mod" | "lib" | "main"))) {
            parts.pop();
        }
        parts
    }

    /// Returns the file name without its ending.
    pub(super) fn stem(&self) -> &str {
        self.path.trim_end_matches(".rs").rsplit('/').next().unwrap_or_default()
    }
}

/// Reads all of `src/`, without modules that are only compiled for tests.
pub(super) fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: Vec<(PathBuf, String)> = rust_files(&root);
    files.sort();
    let mut test_modules = Vec::new();
    let mut sources = Vec::new();
    for (path, text) in files {
        let (code, strings) = without_comments(&text);
        let tests = test_spans(&code);
        for span in &tests {
            if let Some(name) =
                code[span.clone()].trim_end().strip_suffix(';').and_then(|item| item.rsplit_once("mod "))
            {
                let folder = match path.file_stem().and_then(|stem| stem.to_str()) {
                    Some("mod" | "lib" | "main") => path.parent().expect("a folder").to_owned(),
                    _ => path.with_extension(""),
                };
                test_modules.push(folder.join(name.1.trim()));
            }
        }
        let in_tests = |at: usize| tests.iter().any(|span| span.contains(&at));
        let kept: String =
            code.char_indices().map(|(at, c)| if in_tests(at) && c != '\n' { ' ' } else { c }).collect();
        let test_lines: usize = tests.iter().map(|span| text[span.clone()].matches('\n').count() + 1).sum();
        let path = path.strip_prefix(&root).expect("a file in src").to_str().expect("UTF-8").to_owned();
        sources.push(Source {
            path,
            code: kept,
            strings: strings.into_iter().filter(|(at, _)| !in_tests(*at)).map(|(_, text)| text).collect(),
            lines: text.lines().count().saturating_sub(test_lines),
            text,
        });
    }
    sources.retain(|source| {
        let module = root.join(source.path.trim_end_matches(".rs").trim_end_matches("/mod"));
        !test_modules.iter().any(|test| module.starts_with(test))
    });
    sources
}

/// Reads all Rust files below a folder.
pub(super) fn rust_files(root: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).expect("listing the source") {
            let path = entry.expect("listing the source").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("reading the source");
                found.push((path, text));
            }
        }
    }
    found
}

/// Returns the code with blanks for comments and for what strings hold, and the strings with their offsets. Offsets and
/// lines stay as they were.
fn without_comments(text: &str) -> (String, Vec<(usize, String)>) {
    let mut code = String::with_capacity(text.len());
    let mut strings = Vec::new();
    let mut rest = text;
    let blank = |code: &mut String, part: &str| {
        code.extend(part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
    };
    while !rest.is_empty() {
        let length = if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            blank(&mut code, &rest[..length]);
            length
        } else if rest.starts_with("/*") {
            let length = rest.find("*/").map_or(rest.len(), |at| at + 2);
            blank(&mut code, &rest[..length]);
            length
        } else if let Some((length, content)) = string(rest, code.chars().last()) {
            strings.push((code.len(), content));
            code.push('"');
            blank(&mut code, &rest[1..length - 1]);
            code.push('"');
            length
        } else if let Some(length) = character(rest) {
            blank(&mut code, &rest[..length]);
            length
        } else {
            let first = rest.chars().next().expect("not empty");
            // A character of several bytes outside strings would move the offsets; an identifier never needs one.
            blank(&mut code, &rest[..first.len_utf8() - 1]);
            code.push(if first.is_ascii() { first } else { ' ' });
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    (code, strings)
}

/// Returns length and content of the string literal that begins here.
fn string(rest: &str, before: Option<char>) -> Option<(usize, String)> {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let prefix = ["br", "r", "b", "c", ""].into_iter().find(|prefix| {
        let after = rest.strip_prefix(*prefix).unwrap_or("x");
        (prefix.is_empty() || !in_word)
            && (after.starts_with('"') || (prefix.ends_with('r') && raw(after).is_some()))
    })?;
    let after = &rest[prefix.len()..];
    if let (true, Some(hashes)) = (prefix.ends_with('r'), raw(after)) {
        let end = format!("\"{}", "#".repeat(hashes));
        let content = &after[hashes + 1..];
        let length = content.find(&end).unwrap_or(content.len());
        return Some((prefix.len() + hashes + 1 + length + end.len(), content[..length].to_owned()));
    }
    let mut escaped = false;
    let length = after[1..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    // A backslash at the end of a line joins it with the next.
    let mut content = String::new();
    for (number, line) in after[1..=length].split("\\\n").enumerate() {
        content.push_str(if number == 0 { line } else { line.trim_start() });
    }
    Some((prefix.len() + length + 2, content.replace("\\n", "\n").replace("\\\"", "\"")))
}

/// Returns how many `#` stand before the quote of a raw string.
fn raw(after: &str) -> Option<usize> {
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// Returns the length of the character literal that begins here; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        return inner[2..].find('\'').map(|at| at + 4);
    }
    let first = inner.chars().next()?;
    inner[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}

/// Returns where items stand that are compiled for tests alone, attribute and all.
fn test_spans(code: &str) -> Vec<std::ops::Range<usize>> {
    const ATTRIBUTE: &str = "#[cfg(test)]";
    let mut spans: Vec<std::ops::Range<usize>> = Vec::new();
    for (start, _) in code.match_indices(ATTRIBUTE) {
        if spans.last().is_some_and(|span| span.contains(&start)) {
            continue;
        }
        let mut depth = 0_usize;
        let end = code[start + ATTRIBUTE.len()..]
            .find(|c| {
                match c {
                    '{' | '(' | '[' => depth += 1,
                    '}' | ')' | ']' => depth -= 1,
                    _ => {}
                }
                depth == 0 && matches!(c, '}' | ';')
            })
            .map_or(code.len(), |at| start + ATTRIBUTE.len() + at + 1);
        spans.push(start..end);
    }
    spans
}

#[test]
fn code_is_told_from_comments_strings_and_tests() {
    let text = "use a; // print!\nfn f<'a>() { let x = 'b'; g(\"{ \\\" é\\\n   two\", r#\"a\"b\"#); }\n\
                #[cfg(test)]\nmod tests {\n  fn g() {}\n}\nfn h() {}\n";
    let (code, strings) = without_comments(text);
    assert_eq!(code.len(), text.len());
    assert!(!code.contains("print!"));
    let strings: Vec<&str> = strings.iter().map(|(_, string)| string.as_str()).collect();
    assert_eq!(strings, ["{ \" étwo", "a\"b"]);
    let spans = test_spans(&code);
    assert_eq!(spans.len(), 1);
    assert_eq!(&text[spans[0].clone()], "#[cfg(test)]\nmod tests {\n  fn g() {}\n}");
    assert!(code.ends_with("fn h() {}\n"));
}
