//! Proves what stands before and after the blobs: the head, the end of the archive, and the reserved tail.

use super::problem::{Place, Problem};
use super::sequential::{Ended, Sequential};
use crate::model::error::FormatState;
use crate::stores::bundle::header::{
    BLOCK, END, describe, entry_header, explain, is_intact, padding, stated,
};
use crate::stores::bundle::reader::Bundle;
use crate::stores::bundle::slots::OCI_LAYOUT;

/// The first parts of the names of reserved entries (`bundle-format.md`, "Reserved names").
pub const RESERVED: [&str; 3] = ["parity", "signatures", "trees"];
/// The longest name of a reserved entry, in bytes.
const MAX_NAME: usize = 255;

/// An entry of the reserved tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Its name.
    pub name: String,
    /// Length of its content in bytes.
    pub size: u64,
}

/// Makes the head anew and compares.
pub(super) fn prove_head(
    bundle: &Bundle,
    reader: &mut Sequential<'_>,
    problems: &mut Vec<Problem>,
) -> Result<(), Ended> {
    for (name, content) in [
        ("oci-layout", OCI_LAYOUT),
        ("index.json", bundle.index().as_ref()),
        ("bundle.json", bundle.raw().as_ref()),
    ] {
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let found = [
            (reader.expect(&entry_header(name, size))?, format!("the header of `{name}` has wrong bytes")),
            (reader.expect(content)?, format!("`{name}` has wrong bytes")),
            (reader.expect_zeros(padding(size))?, format!("the padding after `{name}` is not zero")),
        ];
        for (differs, message) in found {
            problems.extend(differs.map(|at| damaged(at, message)));
        }
    }
    Ok(())
}

/// Walks the reserved tail, if there is one, and proves that nothing follows the end of the archive. `reader` stands
/// after the last blob and goes to the end of the file.
pub(super) fn prove_end(
    bundle: &Bundle,
    reader: &mut Sequential<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Reserved>, Ended> {
    let mut tail: Vec<Reserved> = Vec::new();
    loop {
        let at = reader.position();
        let mut block = reader.take(BLOCK)?;
        if block.iter().all(|byte| *byte == 0) || tail.is_empty() && bundle.length() == at.saturating_add(END)
        {
            prove_zeros(bundle, reader, at, &block, problems)?;
            return Ok(tail);
        }
        // A PAX record says a name that is too long for its field, and stands in two blocks more.
        if block.get(156) == Some(&b'x') && is_intact(&block) {
            block.extend(reader.take(BLOCK.saturating_mul(2))?);
        }
        let entry = match parse(&block) {
            Ok(entry) if tail.last().is_none_or(|last| last.name < entry.name) => entry,
            Ok(entry) => {
                let message = format!("entry `{}` is out of order, or there twice", entry.name);
                problems.push(damaged(at, message));
                return Ok(tail);
            }
            Err(message) => {
                problems.push(damaged(at, message));
                return Ok(tail);
            }
        };
        let end = reader.position().checked_add(entry.size).filter(|end| *end <= bundle.length());
        let Some(end) = end else {
            let message = format!("the file ends in entry `{}`", entry.name);
            problems.push(Problem::new(bundle.length(), FormatState::Incomplete, message, Place::Frame));
            return Ok(tail);
        };
        reader.skip_to(end);
        if let Some(offset) = reader.expect_zeros(padding(entry.size))? {
            problems.push(damaged(offset, format!("the padding after `{}` is not zero", entry.name)));
        }
        tail.push(entry);
    }
}

/// Proves the end of the archive, of which the first block has been read.
fn prove_zeros(
    bundle: &Bundle,
    reader: &mut Sequential<'_>,
    at: u64,
    block: &[u8],
    problems: &mut Vec<Problem>,
) -> Result<(), Ended> {
    let same = block.iter().take_while(|byte| **byte == 0).count();
    if u64::try_from(same) != Ok(BLOCK) {
        let offset = at.saturating_add(u64::try_from(same).unwrap_or_default());
        problems.push(damaged(offset, wrong_end(block)));
    }
    if bundle.length() < at.saturating_add(END) {
        let message = "the file ends within the end of the archive".to_owned();
        problems.push(Problem::new(bundle.length(), FormatState::Incomplete, message, Place::Frame));
        return Ok(());
    }
    if let Some(offset) = reader.expect_zeros(BLOCK)? {
        problems.push(damaged(offset, "the end of the archive is not zero".to_owned()));
    }
    let trailing = bundle.length().saturating_sub(reader.position());
    if trailing > 0 {
        let message = format!("{trailing} bytes follow the end of the archive");
        problems.push(damaged(reader.position(), message));
    }
    Ok(())
}

fn wrong_end(block: &[u8]) -> String {
    let found = if is_intact(block) { describe(block) } else { "other bytes".to_owned() };
    format!("expected the end of the archive, got {found}")
}

/// Reads the name and the size of a reserved entry, whose header must be the one that follows from them.
fn parse(header: &[u8]) -> Result<Reserved, String> {
    let (name, size) = stated(header);
    let entry = Reserved { name: name.to_owned(), size };
    if entry_header(name, entry.size) == header && is_reserved(name) {
        return Ok(entry);
    }
    match name {
        name if is_reserved(name) => Err(explain(name, Some(entry.size), header).1),
        _ => Err(wrong_end(header.get(..512).unwrap_or(header))),
    }
}

/// Returns whether `name` is that of a reserved entry: parts of `[A-Za-z0-9._-]` that do not begin with a dot.
pub fn is_reserved(name: &str) -> bool {
    let good = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    name.len() <= MAX_NAME
        && name
            .split_once('/')
            .is_some_and(|(first, rest)| RESERVED.contains(&first) && rest.split('/').all(good))
}

fn damaged(offset: u64, message: String) -> Problem {
    Problem::new(offset, FormatState::Damaged, message, Place::Frame)
}
