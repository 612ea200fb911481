//! Text from outside, made safe for a terminal.

use std::borrow::Cow;

/// Replaces what a terminal would act on or not show.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => safe.push(character),
            other => safe.extend(other.escape_debug()),
        }
    }
    safe
}

/// Replaces control characters but line feeds: the last guard of what is printed, wherever its parts came from.
pub fn without_control(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| c.is_control() && c != '\n';
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_bad(character) {
            safe.extend(character.escape_debug());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        assert_eq!(printable("it's \u{1b}[2J\u{202e}ä"), "it's \\u{1b}[2J\\u{202e}ä");
        assert_eq!(without_control("a\nb \u{1b}[2J\r"), "a\nb \\u{1b}[2J\\r");
        assert!(matches!(without_control("it's\nä"), Cow::Borrowed(_)));
    }
}
