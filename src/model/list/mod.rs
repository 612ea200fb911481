//! The list: what a person asks for, one artifact a line (README, "The list").
//!
//! ```text
//! [KIND] REFERENCE [key=value …]
//! ```
//!
//! - UTF-8, LF or CRLF, with or without a byte order mark. White space separates words; `#` at the start of a word
//!   begins a comment. Double quotes hold white space, anywhere in a word; inside them `""` is one quote.
//! - Nothing is expanded: `~` and drive letters of Windows are mistakes that say what to write, and so is an address
//!   of another scheme than `https`, `http`, `oci` and `docker`.
//! - `chart oci://… version=V` is helm's way to say the tag `V`, with `+` as `_`.
//! - Every mistake is told, each with its line and column.
//!
//! Bounds: 64 MiB, 1,000,000 lines, 64 KiB a line.
//!
//! The way of a list is [`parse`] (each list) and [`parse_argument`] (each argument), then [`not_yet`], [`require()`] and
//! [`merge()`]; [`collect()`] goes it whole. Nothing here touches a disk: paths stay as written and know the folder that they start from.

mod collect;
mod entry;
mod form;
mod key;
mod later;
mod location;
mod merge;
mod parser;
mod position;
mod print;
mod require;
mod token;

pub use collect::{Collected, collect, registries};
pub use entry::{DiskFormat, Entry, ListPath, Location, Platforms, Rename, Rendering, Subject};
pub use later::not_yet;
pub use location::last_part;
pub use merge::merge;
use position::MAX_MISTAKES;
pub use position::{Mistake, Position, Source};
pub use require::{Require, require};
pub use token::quote;

use parser::Line;

use super::artifact::Kind;

/// The longest list, in bytes: 64 MiB. Whoever reads one stops a byte later.
pub const MAX_SIZE: usize = 64 << 20;
/// The longest line, in bytes: 64 KiB.
pub const MAX_LINE: usize = 64 << 10;
/// How many lines a list may have.
pub const MAX_LINES: usize = 1_000_000;

/// Parses a list. Returns its entries in order, or every mistake in it.
pub fn parse(source: &Source, text: &[u8]) -> Result<Vec<Entry>, Vec<Mistake>> {
    let (entries, mistakes) = parse_lines(source, text);
    if mistakes.is_empty() { Ok(entries) } else { Err(mistakes) }
}

/// As [`parse`], with the good lines beside the mistakes.
fn parse_lines(source: &Source, text: &[u8]) -> (Vec<Entry>, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let mut entries = Vec::new();
    if let Some(message) = not_a_list(text) {
        Line { source, number: 1, mistakes: &mut mistakes }.wrong(1, message);
        return (entries, mistakes);
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for (bytes, number) in text.split(|byte| *byte == b'\n').zip(1..) {
        if mistakes.len() > MAX_MISTAKES {
            break;
        }
        let mut line = Line { source, number, mistakes: &mut mistakes };
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if number > MAX_LINES && !bytes.is_empty() {
            line.wrong(1, format!("more than {MAX_LINES} lines"));
            break;
        }
        if bytes.len() > MAX_LINE {
            line.wrong(1, format!("the line has {} bytes: expected at most {MAX_LINE}", bytes.len()));
            continue;
        }
        match str::from_utf8(bytes) {
            Ok(text) => entries.extend(line.parse(text)),
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).map(String::from_utf8_lossy);
                let column = good.map_or(0, |good| good.chars().count()).saturating_add(1);
                line.wrong(column, "the text is not UTF-8");
            }
        }
    }
    (entries, mistakes)
}

/// Parses the `number`th reference of a command line (from 1). It reads as a line of a list, such as
/// `'file ./setup.sh name=bin/setup.sh'`; but what begins as a path or an image on disk and has no key behind it is taken
/// whole, since the shell has read quotes and white space already.
pub fn parse_argument(number: usize, text: &str) -> Result<Entry, Vec<Mistake>> {
    let source = Source::Argument(number);
    let mut mistakes = Vec::new();
    let mut line = Line { source: &source, number: 1, mistakes: &mut mistakes };
    let is_disk = |format: DiskFormat| text.starts_with(format.prefix()) && !text.starts_with("oci://");
    let on_disk = location::is_path(text) || DiskFormat::ALL.into_iter().any(is_disk);
    let whole = on_disk && !token::split(text).is_ok_and(|words| parser::has_keys(&words));
    let entry = if text.len() > MAX_LINE {
        line.wrong(1, format!("{} bytes: expected at most {MAX_LINE}", text.len()));
        None
    } else if text.contains(['\n', '\0']) {
        line.wrong(1, "expected one reference, got several lines");
        None
    } else if whole {
        line.parse(&token::quote(text))
    } else {
        line.parse(text)
    };
    if entry.is_none() && mistakes.is_empty() {
        let position = Position { source: source.clone(), line: 1, column: 1 };
        mistakes.push(Mistake { position, message: format!("expected a reference, got `{text}`") });
    }
    if let Ok(kind) = text.parse::<Kind>() {
        for mistake in &mut mistakes {
            mistake.message = format!("`{kind}` stands alone: quote the whole line, such as `'{kind} …'`");
        }
    }
    entry.ok_or(mistakes)
}

/// Returns what the bytes are instead of a list, where that is plain to see.
fn not_a_list(text: &[u8]) -> Option<String> {
    if text.len() > MAX_SIZE {
        return Some(format!("the list is larger than {MAX_SIZE} bytes"));
    }
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Some("the list is UTF-16: save it as UTF-8".to_owned());
    }
    text.contains(&0).then(|| "this is not a text: expected a list, one artifact a line".to_owned())
}

#[cfg(test)]
mod tests;
