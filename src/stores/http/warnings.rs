//! What servers say besides their answers: `Warning` headers, shown once and never acted on.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{HeaderMap, WARNING};

use super::hidden::Hidden;
use crate::model::printable::printable;

/// The longest text of a warning, in characters; the OCI distribution spec says 1,024 bytes.
const MAX_TEXT: usize = 1024;
/// So many different texts are shown.
const MAX_TEXTS: usize = 100;
/// So many warnings of one answer are read.
const MAX_HEADERS: usize = 16;

/// The texts that were shown.
#[derive(Debug, Default)]
pub(super) struct Warnings(Mutex<BTreeSet<String>>);

impl Warnings {
    /// Returns the texts of an answer that were not shown before, safe for a terminal and without what is secret.
    pub(super) fn fresh(&self, headers: &HeaderMap, hidden: &Hidden) -> Vec<String> {
        if !headers.contains_key(WARNING) {
            return Vec::new();
        }
        let values = headers.get_all(WARNING).iter().take(MAX_HEADERS);
        let texts = values.filter_map(|value| text(&String::from_utf8_lossy(value.as_bytes()), hidden));
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.filter(|text| shown.len() < MAX_TEXTS && shown.insert(text.clone())).collect()
    }
}

/// Reads `299 - "TEXT"` (OCI distribution spec, "Warnings"; RFC 7234, section 5.5). Other codes say something about
/// caches.
fn text(value: &str, hidden: &Hidden) -> Option<String> {
    let (agent, rest) = value.trim().strip_prefix("299 ")?.trim_start().split_once(' ')?;
    let quoted = rest.trim_start().strip_prefix('"').filter(|_| !agent.is_empty())?;
    let mut text = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
    // Before it is cut off: half a secret is one, too.
    let line = hidden.cover(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    let line = printable(&line.chars().take(MAX_TEXT).collect::<String>());
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::http::Request;

    #[test]
    fn only_what_the_registry_spec_allows_is_read() {
        for (value, expected) in [
            (r#"299 - "this is going away""#, Some("this is going away")),
            (r#" 299 - "a \"b\" c\\d" "Sat, 21 Nov 2026 10:00:00 GMT""#, Some(r#"a "b" c\d"#)),
            ("299 - \"a\u{1b}[2J\tb\"", Some("a\\u{1b}[2J b")),
            (r#"199 - "caches""#, None),
            (r#"299 - "open"#, None),
            (r#"299 - """#, None),
            ("299", None),
            ("", None),
        ] {
            assert_eq!(text(value, &Hidden::default()).as_deref(), expected, "{value}");
        }
        let long = format!("299 - \"{}\"", "x".repeat(5000));
        assert_eq!(text(&long, &Hidden::default()).map(|text| text.len()), Some(MAX_TEXT));
    }

    #[test]
    fn what_is_cut_off_is_covered_before() {
        let secret = "s".repeat(2 * MAX_TEXT);
        let mut request = Request::get("https://h/".parse().unwrap());
        request.authorization = Some(format!("Bearer {secret}").parse().unwrap());
        let said = HeaderMap::from_iter([(WARNING, format!("299 - \"not {secret}\"").parse().unwrap())]);
        assert_eq!(Warnings::default().fresh(&said, &Hidden::of(&request, None)), ["not …"]);
        // Nor does an escape hide it.
        let said = HeaderMap::from_iter([(WARNING, format!("299 - \"not \\{secret}\"").parse().unwrap())]);
        assert_eq!(Warnings::default().fresh(&said, &Hidden::of(&request, None)), ["not …"]);
    }

    #[test]
    fn each_text_comes_once_and_not_too_many() {
        let warnings = Warnings::default();
        let said = |text: &str| {
            let value = format!("299 - \"{text}\"");
            warnings
                .fresh(&HeaderMap::from_iter([(WARNING, value.parse().unwrap())]), &Hidden::default())
                .len()
        };
        assert_eq!((said("a"), said("a"), said("b")), (1, 0, 1));
        assert_eq!((0..200).map(|number| said(&number.to_string())).sum::<usize>(), MAX_TEXTS - 2);
    }
}
