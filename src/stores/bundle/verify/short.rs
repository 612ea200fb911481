//! Says what is lost where the file ends too early.

use std::collections::BTreeSet;

use super::problem::{Place, Problem};
use crate::model::error::FormatState;
use crate::stores::bundle::header::blob_name;
use crate::stores::bundle::reader::Bundle;

/// So many blobs, and so many artifacts, are named.
const NAMED: usize = 20;

/// Returns the problem, unless the file is long enough. The first `held` blobs are whole; `cut` are the artifacts, by
/// number, that need one of the others.
pub(super) fn problem(bundle: &Bundle, held: usize, cut: &BTreeSet<usize>) -> Option<Problem> {
    let slots = bundle.slots();
    let (expected, length) = (slots.length(), bundle.length());
    if length >= expected {
        return None;
    }
    let artifacts = &bundle.contents().artifacts;
    let count = slots.count();
    let lost = count.saturating_sub(held);
    let mut message = format!("the file ends: expected {expected} bytes, got {length} bytes");
    if lost == 0 {
        message.push_str(": only the end of the archive is missing, every blob is there");
        return Some(Problem::new(length, FormatState::Incomplete, message, Place::From(held)));
    }
    let (needing, all) = (cut.len(), artifacts.len());
    let mut lines =
        vec![format!("{message}; not whole: {lost} of {count} blobs, {needing} of {all} artifacts")];
    for slot in slots.iter().skip(held).take(NAMED) {
        let how = match length.saturating_sub(slot.offset) {
            0 => format!("all {} bytes are missing", slot.size),
            here => format!("it ends after {here} of {} bytes", slot.size),
        };
        lines.push(format!("entry `{}` at byte {}: {how}", blob_name(&slot.digest), slot.header));
    }
    lines.extend(more(lost, "blobs"));
    let named = cut.iter().take(NAMED).filter_map(|number| artifacts.get(*number));
    lines.extend(named.map(|artifact| format!("{} `{}` is not whole", artifact.kind, artifact.reference)));
    lines.extend(more(needing, "artifacts"));
    Some(Problem::new(length, FormatState::Incomplete, lines.join("\n"), Place::From(held)))
}

fn more(count: usize, what: &str) -> Option<String> {
    let more = count.saturating_sub(NAMED);
    (more > 0).then(|| format!("and {more} more {what}"))
}
