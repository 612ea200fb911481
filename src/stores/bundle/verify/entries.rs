//! Proves entries of a bundle: header, content and padding of each, in the order of the tar.

use std::ops::Range;

use super::problem::{Place, Problem};
use super::sequential::{Ended, Sequential};
use crate::content::jobs::Stop;
use crate::content::progress::Progress;
use crate::model::digest::Hasher;
use crate::model::error::{FormatState, Result};
use crate::stores::bundle::header::{BLOCK, blob_name, entry_header, explain, padding};
use crate::stores::bundle::reader::Bundle;
use crate::stores::bundle::slots::{Slot, Slots};

/// Neighbours are proven together up to this many bytes: 16 MiB.
const BATCH: u64 = 16 << 20;
/// Each thread gets at least so many batches, so that all end at about the same time.
const SHARE: u64 = 8;

/// Splits the first `count` entries into runs of neighbours, the largest first.
pub(super) fn batches(slots: &Slots, count: usize, jobs: usize) -> Vec<Range<usize>> {
    let jobs = u64::try_from(jobs.max(1)).unwrap_or(1);
    let target = slots.length().checked_div(jobs.saturating_mul(SHARE)).unwrap_or(BATCH).min(BATCH);
    let mut batches: Vec<(u64, Range<usize>)> = Vec::new();
    for (index, slot) in slots.iter().take(count).enumerate() {
        let length = slot.end().saturating_sub(slot.header);
        match batches.last_mut() {
            Some((sum, batch)) if sum.saturating_add(length) <= target => {
                *sum = sum.saturating_add(length);
                batch.end = index.saturating_add(1);
            }
            _ => batches.push((length, index..index.saturating_add(1))),
        }
    }
    batches.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// Proves the entries of a batch, all of which are within the file, and returns everything that is wrong.
pub(super) fn prove(
    bundle: &Bundle,
    batch: Range<usize>,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<Vec<Problem>> {
    let slots = bundle.slots();
    let mut problems = Vec::new();
    let stretch = slots.at(batch.start).zip(slots.at(batch.end.saturating_sub(1)));
    let Some((first, last)) = stretch else { return Ok(problems) };
    let end = last.end().saturating_add(padding(last.size)).min(bundle.length());
    let mut reader = Sequential::new(bundle.file().as_ref(), first.header, end, stop, progress);
    for index in batch {
        let Some(slot) = slots.at(index) else { break };
        match prove_entry(&mut reader, slot, index, &mut problems) {
            Ok(()) => {}
            Err(Ended::Stopped(error)) => return Err(error),
            Err(Ended::Unreadable(offset, error)) => {
                let message = format!("entry `{}` cannot be read: {error}", blob_name(&slot.digest));
                problems.push(Problem::new(offset, FormatState::Damaged, message, Place::Blob(index)));
                reader.skip_to(slot.end().saturating_add(padding(slot.size)));
            }
        }
    }
    Ok(problems)
}

fn prove_entry(
    reader: &mut Sequential<'_>,
    slot: &Slot,
    index: usize,
    problems: &mut Vec<Problem>,
) -> Result<(), Ended> {
    let name = blob_name(&slot.digest);
    let mut wrong = |offset: u64, message: String| {
        problems.push(Problem::new(offset, FormatState::Damaged, message, Place::Blob(index)));
    };
    reader.skip_to(slot.header);
    let header = entry_header(&name, slot.size);
    let found = reader.take(slot.offset.saturating_sub(slot.header))?;
    if found != header {
        let same = header.iter().zip(&found).take_while(|(a, b)| a == b).count();
        let same = u64::try_from(same).unwrap_or_default();
        let message = match found.get(..usize::try_from(BLOCK).unwrap_or_default()) {
            Some(block) if same < BLOCK => explain(&name, Some(slot.size), block).1,
            _ => format!("the header of `{name}` has wrong bytes"),
        };
        wrong(slot.header.saturating_add(same), message);
    }
    let mut hasher = Hasher::new(slot.digest.algorithm());
    reader.hash(slot.size, &mut hasher)?;
    let got = hasher.finish();
    if got != slot.digest {
        // The name is the digest that is expected.
        let message = format!("entry `{name}` has other bytes: got {got}");
        wrong(slot.offset, message);
    }
    if reader.end() < slot.end().saturating_add(padding(slot.size)) {
        // The file ends within the padding, which is told once for the file.
        return Ok(());
    }
    if let Some(offset) = reader.expect_zeros(padding(slot.size))? {
        wrong(offset, format!("the padding after `{name}` is not zero"));
    }
    Ok(())
}
