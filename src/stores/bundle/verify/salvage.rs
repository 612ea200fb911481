//! Reads what can still be believed of a damaged head, so that everything else can be proven all the same.

use std::sync::Arc;

use super::problem::{Place, Problem};
use super::remains::Remains;
use crate::content::read_at::ReadAt;
use crate::model::contents::{Contents, IndexAnnotations, IndexHead};
use crate::model::digest::Digest;
use crate::model::error::{Error, FormatState, Result};
use crate::model::object::Object;
use crate::stores::bundle::head::{self, Head};
use crate::stores::bundle::header::{BLOCK, blob_name, entry_header, is_intact};
use crate::stores::bundle::reader::Bundle;
use crate::stores::bundle::rules;

/// What follows the hexadecimal digits of the bundle id in `index.json`: `"}}` and a line feed.
const AFTER_ID: usize = 4;
/// A sha256 has 64 digits. So many of them are equal by chance in one of 10^20 cases: the others are damaged.
const ENOUGH: usize = 32;

/// What is left of a bundle whose head is damaged.
#[derive(Debug)]
pub enum Salvaged {
    /// It is known what belongs where. [`verify`](super::verify) finds what is wrong, but for `problem`.
    Listed {
        /// The bundle, as if its head were whole.
        bundle: Box<Bundle>,
        /// What is wrong with `bundle.json` itself.
        problem: Option<Problem>,
    },
    /// Nothing says what belongs where, but for the headers of the entries.
    Strewn {
        /// What is wrong with the head, by offset.
        problems: Vec<Problem>,
        /// The bundle id, where `index.json` says one.
        id: Option<Digest>,
    },
}

/// Why `bundle.json` cannot be used.
enum Doubt {
    /// It was made so: the file is refused for what it is.
    Rules,
    /// It is damaged; says how that shows.
    Damage(String),
}

/// Looks for what is left of the head of a file that [`Bundle::read_head`] has `refused`.
///
/// Errors: `refused` itself, where it is about more than some wrong bytes of the head.
pub fn salvage(file: &Arc<dyn ReadAt>, path: &str, refused: Error) -> Result<Salvaged> {
    let remains = Remains::new(file.as_ref());
    // The file of an export that has not ended is read as the bundle that it was going to be.
    let (state, unfinished) = match refused.root() {
        Error::Format { state: FormatState::Incomplete, offset: 0, message, .. }
            if remains.begins_empty() =>
        {
            let problem = Problem::new(0, FormatState::Incomplete, message.clone(), Place::Frame);
            (FormatState::Incomplete, Some(problem))
        }
        // A file that ends in its head has nothing behind it.
        Error::Format { state: FormatState::Incomplete, .. } => return Err(refused),
        Error::Format { state, .. } => (*state, None),
        // The medium does not give some of it.
        Error::Io { .. } => (FormatState::Damaged, None),
        _ => return Err(refused),
    };
    let Some((at, raw)) = remains.bundle_json() else {
        return match damage(&refused) {
            Some(problem) => Ok(Salvaged::Strewn { problems: vec![problem], id: None }),
            None => Err(refused),
        };
    };
    let index = remains.index_json(at);
    let said = serde_json::from_slice::<Object<IndexHead>>(&index).map(|Object(head)| head.annotations).ok();
    match believe(file, path, &remains, (at, &raw), (&index, said.as_ref())) {
        Ok((bundle, problem)) => {
            match unfinished.as_ref().map(|_| remains.unwritten(&bundle)).filter(|count| *count > 0) {
                Some(count) => Err(without(refused, count, bundle.slots().count())),
                None => Ok(Salvaged::Listed { bundle: Box::new(bundle), problem: problem.or(unfinished) }),
            }
        }
        Err(Doubt::Rules) => Err(refused),
        Err(Doubt::Damage(_)) if state == FormatState::Foreign && said.is_some() => Err(refused),
        Err(Doubt::Damage(why)) => {
            let before = damage(&refused);
            let lead = match &before {
                Some(before) if before.offset == at => format!("{}, and it", before.message),
                _ => "`bundle.json`".to_owned(),
            };
            let message = format!(
                "{lead} cannot be believed: {why}; what the bundle carries is unknown, so the blobs that are there are \
                 proven by the names of their entries"
            );
            let problem = Problem::new(broken_at(at, &raw), FormatState::Damaged, message, Place::Frame);
            let problems = before.filter(|before| before.offset < at).into_iter().chain([problem]).collect();
            Ok(Salvaged::Strewn { problems, id: said.and_then(|said| said.id.parse().ok()) })
        }
    }
}

/// Returns what an error says of damaged bytes.
fn damage(error: &Error) -> Option<Problem> {
    match error.root() {
        Error::Format { state: FormatState::Damaged, offset, message, .. } => {
            Some(Problem::new(*offset, FormatState::Damaged, message.clone(), Place::Frame))
        }
        _ => None,
    }
}

/// Opens the bundle by what is left of its head, and says what is wrong with `bundle.json`, which begins at `at`.
fn believe(
    file: &Arc<dyn ReadAt>,
    path: &str,
    remains: &Remains<'_>,
    (at, raw): (u64, &[u8]),
    (index, said): (&[u8], Option<&IndexAnnotations>),
) -> Result<(Bundle, Option<Problem>), Doubt> {
    let got = Digest::sha256(raw);
    let parsed = head::parse(raw).and_then(|contents| rules::check(&contents).map(|()| contents));
    let was_made_so = said.is_some_and(|said| !said.requires.is_empty() || said.id == got.to_string());
    let contents = match parsed {
        Ok(contents) if said.is_none_or(|said| said.requires.is_empty()) => contents,
        Err(why) if !was_made_so => return Err(Doubt::Damage(why)),
        _ => return Err(Doubt::Rules),
    };
    let (head, problem) = trusted(contents, raw, index, at, said.is_some());
    let certain = problem.is_none() && is_confirmed(&head.index, index);
    let bundle = Bundle::with_head(Arc::clone(file), path, head).map_err(|_| Doubt::Rules)?;
    if !fits(&bundle, at) || !certain && !no_header_differs(remains, &bundle) {
        let why = "the entries are others than it says".to_owned();
        return Err(Doubt::Damage(why));
    }
    Ok((bundle, problem))
}

/// Adds how much an export that has not ended has not begun to write.
fn without(refused: Error, unwritten: usize, all: usize) -> Error {
    let hint = refused.hint().unwrap_or_default().to_owned();
    match refused.into_root() {
        Error::Format { path, state, offset, message } => {
            let message = format!("{message}, and so are {unwritten} of its {all} blobs");
            Error::Format { path, state, offset, message }.with_hint(hint)
        }
        other => other,
    }
}

/// Decides which of the two is right where `index.json` and `bundle.json` contradict each other.
fn trusted(
    contents: Contents,
    raw: &[u8],
    index: &[u8],
    at: u64,
    index_is_readable: bool,
) -> (Head, Option<Problem>) {
    let (raw, got) = (raw.to_vec(), Digest::sha256(raw));
    let expected = contents.index(&got);
    let stated = id_place(&expected, index).and_then(|digits| format!("sha256:{digits}").parse().ok());
    match stated {
        Some(stated) if !is_confirmed(&expected, index) => {
            let message = format!("`bundle.json`: expected {stated}, as `index.json` says, got {got}");
            let problem = Problem::new(at, FormatState::Damaged, message, Place::Frame);
            let index = if index_is_readable { index.to_vec() } else { contents.index(&stated) };
            (Head { raw, id: stated, contents, index }, Some(problem))
        }
        _ => (Head { raw, id: got, contents, index: expected }, None),
    }
}

/// Returns the digits that stand in `index` where `expected` has those of the id.
fn id_place<'a>(expected: &[u8], index: &'a [u8]) -> Option<&'a str> {
    let end = expected.len().checked_sub(AFTER_ID)?;
    std::str::from_utf8(index.get(end.checked_sub(64)?..end)?).ok()
}

/// Returns whether the id in `index` is that in `expected`, but for some wrong digits.
fn is_confirmed(expected: &[u8], index: &[u8]) -> bool {
    let end = expected.len().saturating_sub(AFTER_ID);
    let digits = |bytes: &[u8]| bytes.get(end.saturating_sub(64)..end).map(<[u8]>::to_vec);
    let Some((wanted, found)) = digits(expected).zip(digits(index)) else { return false };
    wanted.iter().zip(&found).filter(|(a, b)| a == b).count() >= ENOUGH
}

/// Returns whether the head ends where it must by `bundle.json`, the content of which begins at `at`.
fn fits(bundle: &Bundle, at: u64) -> bool {
    let length = u64::try_from(bundle.raw().len()).unwrap_or(u64::MAX);
    at.saturating_add(length).checked_next_multiple_of(BLOCK) == Some(bundle.slots().head())
}

/// Returns whether no header that is whole in itself is another one than `bundle.json` says.
fn no_header_differs(remains: &Remains<'_>, bundle: &Bundle) -> bool {
    bundle.slots().iter().take_while(|slot| slot.offset <= bundle.length()).all(|slot| {
        let found = remains.read(slot.header, slot.offset.saturating_sub(slot.header));
        let last = found.len().saturating_sub(usize::try_from(BLOCK).unwrap_or_default());
        let whole = is_intact(&found) && is_intact(found.get(last..).unwrap_or_default());
        !whole || found == entry_header(&blob_name(&slot.digest), slot.size)
    })
}

/// Returns where the first byte stands that cannot be JSON, as far as a parser can say.
fn broken_at(at: u64, raw: &[u8]) -> u64 {
    match serde_json::from_slice::<serde::de::IgnoredAny>(raw) {
        Err(error) if error.line() == 1 => {
            at.saturating_add(u64::try_from(error.column()).unwrap_or_default().saturating_sub(1))
        }
        _ => at,
    }
}
