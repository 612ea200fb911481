//! Headers: names, and values that are text, lists or maps, nested by their indent.

use std::collections::BTreeMap;

use super::mistake::{Mistake, shown};

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, of one line or of several.
    Text(String),
    /// A list, which is never empty.
    List(Vec<Value>),
    /// A map, which is never empty.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// Returns text; nothing for a list or a map.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Returns the elements of a list.
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            Self::Text(_) | Self::Map(_) => None,
        }
    }

    /// Returns the entries of a map.
    pub fn map(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Map(map) => Some(map),
            Self::Text(_) | Self::List(_) => None,
        }
    }
}

/// The headers of an assertion, and the lines that they stand on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Headers {
    values: BTreeMap<String, Value>,
    lines: BTreeMap<String, usize>,
    first: usize,
}

impl Headers {
    /// Reads headers without the empty line after them; `first` is the line that they begin on.
    pub(super) fn parse(text: &str, first: usize) -> Result<Self, Mistake> {
        let mut reader = Reader { lines: text.split('\n').collect(), at: 0, first };
        let mut lines = BTreeMap::new();
        let values = reader.entries(0, "header", |name, line| {
            lines.insert(name.to_owned(), line);
        })?;
        Ok(Self { values, lines, first })
    }

    pub(super) fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    /// Returns a mistake on the line of a header, or on the first one where it is missing.
    pub(super) fn mistake(&self, name: &str, message: impl Into<String>) -> Mistake {
        Mistake::new(self.lines.get(name).copied().unwrap_or(self.first), message)
    }

    /// Returns text that has to be there; it may be empty.
    pub(super) fn text(&self, name: &str) -> Result<&str, Mistake> {
        let value =
            self.values.get(name).ok_or_else(|| self.mistake(name, format!("header `{name}` is missing")))?;
        value
            .text()
            .ok_or_else(|| self.mistake(name, format!("header `{name}` holds a list or a map, not text")))
    }

    /// As [`Headers::text`], but not empty.
    pub(super) fn filled(&self, name: &str) -> Result<&str, Mistake> {
        match self.text(name)? {
            "" => Err(self.mistake(name, format!("header `{name}` is empty"))),
            text => Ok(text),
        }
    }

    /// Returns a number that is 0 where its header is missing.
    pub(super) fn number(&self, name: &str) -> Result<u64, Mistake> {
        if !self.values.contains_key(name) {
            return Ok(0);
        }
        let text = self.text(name)?;
        number(text)
            .ok_or_else(|| self.mistake(name, format!("header `{name}`: {} is no number", shown(text))))
    }
}

/// Reads decimal digits without zeros in front.
pub(super) fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
    first: usize,
}

impl<'a> Reader<'a> {
    /// Returns the next line without `indent` blanks, where it begins with them.
    fn peek(&self, indent: usize) -> Option<&'a str> {
        let (blanks, rest) = self.lines.get(self.at)?.split_at_checked(indent)?;
        blanks.bytes().all(|byte| byte == b' ').then_some(rest)
    }

    /// Makes a mistake of the line `back` lines before the next one.
    fn mistake(&self, back: usize, message: String) -> Mistake {
        Mistake::new((self.first + self.at).saturating_sub(back), message)
    }

    /// Reads `NAME: VALUE` as far as lines begin with `indent` blanks. Every name is told to `seen`, with its line.
    fn entries(
        &mut self,
        indent: usize,
        what: &str,
        mut seen: impl FnMut(&str, usize),
    ) -> Result<BTreeMap<String, Value>, Mistake> {
        let mut entries = BTreeMap::new();
        while let Some(line) = self.peek(indent) {
            let Some((name, rest)) = line.split_once(':') else {
                return Err(self.mistake(0, format!("expected `name: value`, got {}", shown(line))));
            };
            if !is_name(name) {
                return Err(self.mistake(0, format!("{} is no name of a {what}", shown(name))));
            }
            if entries.contains_key(name) {
                return Err(self.mistake(0, format!("{what} `{name}` is there twice")));
            }
            seen(name, self.first + self.at);
            self.at += 1;
            let value = self.value(rest, indent)?;
            entries.insert(name.to_owned(), value);
        }
        Ok(entries)
    }

    /// Reads a value, of which `rest` stands on the line before this one, behind its name or its hyphen.
    fn value(&mut self, rest: &str, indent: usize) -> Result<Value, Mistake> {
        if let Some(text) = rest.strip_prefix(' ') {
            // What has passed through an editor or a mail of another system is no longer what was signed.
            if text.ends_with('\r') {
                return Err(self.mistake(1, "the line ends with a carriage return".to_owned()));
            }
            return Ok(Value::Text(text.to_owned()));
        }
        if !rest.is_empty() {
            return Err(self.mistake(1, format!("expected a blank before the value {}", shown(rest))));
        }
        match self.peek(indent + 2) {
            Some(inner) if inner.starts_with('-') => self.list(indent + 2),
            Some(inner) if !inner.is_empty() && !inner.starts_with(' ') => {
                Ok(Value::Map(self.entries(indent + 2, "map entry", |_, _| ())?))
            }
            _ => self.multiline(indent + 4),
        }
    }

    fn list(&mut self, indent: usize) -> Result<Value, Mistake> {
        let mut list = Vec::new();
        while let Some(rest) = self.peek(indent).and_then(|line| line.strip_prefix('-')) {
            self.at += 1;
            list.push(self.value(rest, indent)?);
        }
        Ok(Value::List(list))
    }

    fn multiline(&mut self, indent: usize) -> Result<Value, Mistake> {
        let mut lines = Vec::new();
        while let Some(line) = self.peek(indent) {
            lines.push(line);
            self.at += 1;
        }
        if lines.is_empty() {
            let got = self.lines.get(self.at).map_or("the end of the headers".to_owned(), |line| shown(line));
            return Err(self.mistake(0, format!("expected {indent} blanks and a value, got {got}")));
        }
        Ok(Value::Text(lines.join("\n")))
    }
}

/// Returns whether this is lower-case words of letters and digits, joined by single hyphens, with a letter in front.
fn is_name(name: &str) -> bool {
    let of_words = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(of_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn list<const N: usize>(values: [Value; N]) -> Value {
        Value::List(values.into())
    }

    fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::Map(entries.map(|(name, value)| (name.to_owned(), value)).into())
    }

    #[test]
    fn every_form_of_a_value_is_read() {
        let two = || map([("u", list([text("u1"), text("u2")])), ("yy", text("Y1\nY2"))]);
        for (written, read) in [
            ("a: 1", map([("a", text("1"))])),
            ("a: ", map([("a", text(""))])),
            ("a: b: c", map([("a", text("b: c"))])),
            ("a:  b\tc ", map([("a", text(" b\tc "))])),
            ("a-1:\n    b\n    \n     c\nd: e", map([("a-1", text("b\n\n c")), ("d", text("e"))])),
            (
                "a:\n  - x\n  - \n  -\n      y\n      \n",
                map([("a", list([text("x"), text(""), text("y\n")]))]),
            ),
            (
                "a:\n  -\n    - u\n    -\n      - v",
                map([("a", list([list([text("u"), list([text("v")])])]))]),
            ),
            (
                "a:\n  u:\n    - u1\n    - u2\n  yy:\n      Y1\n      Y2\nb: c",
                map([("a", two()), ("b", text("c"))]),
            ),
            (
                "a:\n  -\n    u:\n      - u1\n      - u2\n    yy:\n        Y1\n        Y2",
                map([("a", list([two()]))]),
            ),
            ("a:\n  b:\n    c: d", map([("a", map([("b", map([("c", text("d"))]))]))])),
            ("a:\n  b:\n      c", map([("a", map([("b", text("c"))]))])),
        ] {
            // A trailing line feed in the table stands for nothing but the readability of the row.
            let headers = Headers::parse(written.strip_suffix('\n').unwrap_or(written), 1);
            assert_eq!(headers.map(|headers| Value::Map(headers.values)), Ok(read), "{written:?}");
        }
    }

    #[test]
    fn every_break_is_told_with_its_line() {
        for (written, line, message) in [
            ("", 1, "expected `name: value`, got ``"),
            ("a: 1\nb", 2, "expected `name: value`, got `b`"),
            ("a: 1\nb:c", 2, "expected a blank before the value `c`"),
            ("a: 1\n\u{1b}: 2", 2, "`\\u{1b}` is no name of a header"),
            ("A: 1", 1, "`A` is no name of a header"),
            ("a--b: 1", 1, "`a--b` is no name of a header"),
            ("a-: 1", 1, "`a-` is no name of a header"),
            ("1a: 1", 1, "`1a` is no name of a header"),
            ("a: 1\r\nb: 2\r", 1, "the line ends with a carriage return"),
            ("a: 1\nb: 2\na: 3", 3, "header `a` is there twice"),
            ("a: 1\nb:", 3, "expected 4 blanks and a value, got the end of the headers"),
            ("b:\n - x\nc: d", 2, "expected 4 blanks and a value, got ` - x`"),
            ("b:\n\tx", 2, "expected 4 blanks and a value, got `\\tx`"),
            ("b:\n   x", 2, "expected 4 blanks and a value, got `   x`"),
            ("b:\n  x X", 2, "expected `name: value`, got `x X`"),
            ("b:\n  0x: X", 2, "`0x` is no name of a map entry"),
            ("b:\n  x: X\n  y: Y\n  x: Z", 4, "map entry `x` is there twice"),
            ("b:\n  - x\n  -y", 3, "expected a blank before the value `y`"),
            ("b:\n  - x\n    y", 3, "expected `name: value`, got `    y`"),
            ("b:\n  -\n    - x\n   - y", 4, "expected `name: value`, got `   - y`"),
        ] {
            assert_eq!(Headers::parse(written, 1), Err(Mistake::new(line, message)), "{written:?}");
        }
    }

    #[test]
    fn numbers_have_one_spelling() {
        for (text, expected) in [("0", Some(0)), ("717", Some(717)), ("18446744073709551615", Some(u64::MAX))]
        {
            assert_eq!(number(text), expected, "{text}");
        }
        for text in ["", "00", "07", "+7", "-7", "7 ", "0x7", "18446744073709551616"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
