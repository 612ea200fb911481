//! Splits a line into words: white space separates, `#` begins a comment, double quotes hold white space.

/// A word of a line, its quotes taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The text.
    pub(super) text: String,
    /// The column of its first character, counted from 1 in characters.
    pub(super) column: usize,
}

/// What is wrong with a line as such: column and message.
pub(super) type Fault = (usize, String);

/// Splits `line`, which holds no line end. A `#` begins a comment at the start of a word only, so that `a#b` is one
/// word. Quotes may stand anywhere in a word; inside them `""` is one quote. Control characters other than white space
/// are refused, since messages print what was typed.
pub(super) fn split(line: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut characters = line.chars().zip(1_usize..).peekable();
    while let Some(&(first, column)) = characters.peek() {
        if first.is_whitespace() {
            characters.next();
            continue;
        }
        if first == '#' {
            break;
        }
        let mut text = String::new();
        let mut quote = None;
        while let Some(&(character, at)) = characters.peek() {
            if quote.is_none() && character.is_whitespace() {
                break;
            }
            characters.next();
            match (character, quote) {
                ('"', None) => quote = Some(at),
                ('"', Some(_)) => {
                    if characters.next_if(|(next, _)| *next == '"').is_some() {
                        text.push('"');
                    } else {
                        quote = None;
                    }
                }
                (control, _) if control.is_control() && control != '\t' => {
                    return Err((at, format!("control character U+{:04X}", u32::from(control))));
                }
                (other, _) => text.push(other),
            }
        }
        if let Some(at) = quote {
            return Err((at, "this quote is never closed; inside quotes, `\"\"` is one quote".to_owned()));
        }
        tokens.push(Token { text, column });
    }
    Ok(tokens)
}

/// Writes `text` so that a list reads it back as one word.
pub fn quote(text: &str) -> String {
    let plain = !text.is_empty()
        && !text.starts_with('#')
        && !text.contains(|character: char| character == '"' || character.is_whitespace());
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<(String, usize)> {
        split(line).unwrap().into_iter().map(|token| (token.text, token.column)).collect()
    }

    #[test]
    fn white_space_comments_and_quotes() {
        for (line, expected) in [
            ("", vec![]),
            (" \t ", vec![]),
            ("# all comment", vec![]),
            ("nginx # comment", vec![("nginx", 1)]),
            ("nginx#1 #", vec![("nginx#1", 1)]),
            ("\tfile \"./my file\" name=\"a b\"", vec![("file", 2), ("./my file", 7), ("name=a b", 19)]),
            ("name=\"say \"\"hi\"\" #1\"", vec![("name=say \"hi\" #1", 1)]),
            ("a \"\" b", vec![("a", 1), ("", 3), ("b", 6)]),
            ("ä ö", vec![("ä", 1), ("ö", 3)]),
            ("a\u{a0}b", vec![("a", 1), ("b", 3)]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(text, at)| (text.to_owned(), at)).collect();
            assert_eq!(words(line), expected, "{line}");
        }
    }

    #[test]
    fn faults_say_where() {
        assert_eq!(split("file \"./a b").map_err(|(column, _)| column), Err(6));
        assert_eq!(split("nginx\u{1b}[2J").map_err(|(column, _)| column), Err(6));
    }

    #[test]
    fn quoting_is_undone_by_splitting() {
        for text in ["", "a", "#a", "a b", "a\"b", "\"", "\"\"", "a=\t#\"b\""] {
            assert_eq!(words(&quote(text)), [(text.to_owned(), 1)], "{text}");
        }
    }
}
