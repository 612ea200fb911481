//! Reads one line: kind word, subject, keys. Every mistake of the line is told, each at its own word.

use super::entry::{Entry, Platforms, Rendering};
use super::form::Form;
use super::key::{Key, Settings};
use super::later::is_to_come;
use super::location::redact;
use super::position::{Mistake, Position, Source};
use super::token::{Token, split};
use crate::model::artifact::Kind;

/// A line while it is read.
pub(super) struct Line<'a> {
    pub(super) source: &'a Source,
    pub(super) number: usize,
    pub(super) mistakes: &'a mut Vec<Mistake>,
}

/// A key of the line, as it is written.
struct Given<'a> {
    key: Key,
    column: usize,
    value: &'a str,
}

impl Line<'_> {
    /// Reads `text`. Returns nothing for an empty line, and for one with mistakes.
    pub(super) fn parse(&mut self, text: &str) -> Option<Entry> {
        match split(text) {
            Ok(tokens) => self.entry(&tokens),
            Err((column, message)) => {
                self.wrong(column, message);
                None
            }
        }
    }

    pub(super) fn wrong(&mut self, column: usize, message: impl Into<String>) {
        let position = self.position(column);
        self.mistakes.push(Mistake { position, message: message.into() });
    }

    fn position(&self, column: usize) -> Position {
        Position { source: self.source.clone(), line: self.number, column }
    }

    fn entry(&mut self, tokens: &[Token]) -> Option<Entry> {
        let (first, rest) = tokens.split_first()?;
        let kind = first.text.parse::<Kind>().ok();
        let is_word = |token: &Token| !token.text.contains('=');
        if kind.is_none() && rest.first().is_some_and(is_word) {
            let word = &first.text;
            if let Some(kind) = near(word, Kind::ALL.map(Kind::word).into_iter()) {
                self.wrong(first.column, format!("`{word}` is no kind of artifact: did you mean `{kind}`?"));
                return None;
            }
        }
        let (subject, keys) = match kind {
            Some(kind) => self.after_kind(kind, first.column, rest)?,
            None => (first, rest),
        };
        self.whole(kind, subject, keys)
    }

    /// Takes the word after a kind word.
    fn after_kind<'t>(
        &mut self,
        kind: Kind,
        column: usize,
        rest: &'t [Token],
    ) -> Option<(&'t Token, &'t [Token])> {
        let Some((subject, keys)) = rest.split_first() else {
            self.wrong(column, format!("`{kind}` stands alone: expected what to get after it"));
            return None;
        };
        if let Some(key) = subject.text.split_once('=').and_then(|(word, _)| Key::of(word)) {
            let message = format!("expected what to get after `{kind}`, got the key `{}=`", key.word());
            self.wrong(subject.column, message);
            return None;
        }
        Some((subject, keys))
    }

    fn whole(&mut self, kind: Option<Kind>, subject: &Token, keys: &[Token]) -> Option<Entry> {
        let before = self.mistakes.len();
        let has_repository = keys.iter().any(|token| token.text.starts_with("repo="));
        let form = Form::of(kind, &subject.text, has_repository);
        let given = self.given(form, keys);
        let mut values = Settings::default();
        for Given { key, column, value } in &given {
            if let Err(message) = values.take(*key, value, self.source) {
                self.wrong(*column, message);
            }
        }
        if !values.images {
            for Given { key, column, .. } in given.iter().filter(|given| form.needs_images(given.key)) {
                let word = key.word();
                self.wrong(
                    *column,
                    format!("`{word}=` says how to render a chart for its images, which comes with a later version"),
                );
            }
        }
        let made = form.subject(&subject.text, &mut values, self.source);
        let subject = made.map_err(|message| {
            if !message.is_empty() {
                self.wrong(subject.column, message);
            }
        });
        if let Some(of_this_line) = self.mistakes.get_mut(before..) {
            of_this_line.sort();
        }
        let (Ok(subject), true) = (subject, self.mistakes.len() == before) else { return None };
        let renderings = values.images.then_some(Rendering {
            values: values.values,
            set: values.set,
            namespace: values.namespace,
            kube_version: values.kube_version,
            api_versions: values.api_versions,
        });
        Some(Entry {
            subject,
            kind: match form {
                Form::Registry(kind) | Form::Disk(_, kind) => kind,
                _ => None,
            },
            platforms: Platforms { default: values.platforms.is_empty(), named: values.platforms },
            rename: values.rename,
            renderings: renderings.into_iter().collect(),
            sha256: values.sha256,
            verify_keys: values.verify_key.into_iter().collect(),
            position: self.position(1),
        })
    }

    /// Reads the keys, and tells those that are unknown, repeated, or do not go with the line.
    fn given<'t>(&mut self, form: Form, tokens: &'t [Token]) -> Vec<Given<'t>> {
        let mut given: Vec<Given<'t>> = Vec::new();
        for token in tokens {
            let Some((word, value)) = token.text.split_once('=') else {
                self.wrong(token.column, stray(&token.text));
                continue;
            };
            let Some(key) = Key::of(word) else {
                self.wrong(token.column, unknown(form, word));
                continue;
            };
            if !form.takes(key) {
                self.wrong(token.column, misplaced(form, key));
                continue;
            }
            match given.iter().find(|other| other.key == key && !key.repeats()) {
                Some(Given { column, .. }) => {
                    let message = format!("`{word}=` is there twice, first at column {column}");
                    self.wrong(token.column, message);
                }
                None => given.push(Given { key, column: token.column, value }),
            }
        }
        given
    }
}

/// Returns whether any word but the first is a key with its value.
pub(super) fn has_keys(words: &[Token]) -> bool {
    let key = |word: &Token| word.text.split_once('=').and_then(|(key, _)| Key::of(key));
    words.iter().skip(1).any(|word| key(word).is_some())
}

fn keys_of(form: Form) -> String {
    let fitting = Key::ALL.into_iter().filter(|key| form.takes(*key) && !is_to_come(*key));
    fitting.map(|key| format!("`{}=`", key.word())).collect::<Vec<_>>().join(", ")
}

fn stray(word: &str) -> String {
    let got = redact(word);
    match near(word, Key::ALL.map(Key::word).into_iter()) {
        Some(key) => format!("expected `{key}=` and a value, got `{got}`"),
        None => format!("expected `key=value`, got `{got}`: one artifact a line, quotes around white space"),
    }
}

fn unknown(form: Form, word: &str) -> String {
    let of = |fits: fn(Form, Key) -> bool| {
        near(word, Key::ALL.into_iter().filter(|key| fits(form, *key)).map(Key::word)).and_then(Key::of)
    };
    match of(|form, key| form.takes(key) && !is_to_come(key)).or_else(|| of(|_, _| true)) {
        Some(key) if is_to_come(key) => {
            format!("unknown key `{word}=`: `{}=` comes with a later version", key.word())
        }
        Some(key) => format!("unknown key `{word}=`: did you mean `{}=`?", key.word()),
        None => format!("unknown key `{word}=`: {} takes {}", form.noun(), keys_of(form)),
    }
}

fn misplaced(form: Form, key: Key) -> String {
    let word = key.word();
    if is_to_come(key) {
        return format!("`{word}=` does not go with {}, and comes with a later version", form.noun());
    }
    if form == Form::Registry(None) && Form::Registry(Some(Kind::Chart)).takes(key) {
        return format!("`{word}=` goes with a chart: write `chart` in front");
    }
    if form == Form::ChartOrFile && Form::File.takes(key) {
        return format!("`{word}=` needs a kind word: write `file` in front");
    }
    format!("`{word}=` does not go with {}, which takes {}", form.noun(), keys_of(form))
}

/// Returns the candidate that `word` was probably meant to be: at most two slips away, or one a beginning of the
/// other.
fn near<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const SLIPS: usize = 2;
    const LONGEST: usize = 32;
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    candidates
        .map(|candidate| {
            let start = word.len() >= 3 && (candidate.starts_with(&word) || word.starts_with(candidate));
            let slips = strsim::damerau_levenshtein(&word, candidate);
            (if start { slips.min(SLIPS) } else { slips }, candidate)
        })
        .filter(|(slips, candidate)| *slips <= SLIPS && *slips < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}
