//! Whether the bundle fits where it is to be written.

use camino::Utf8Path;

use crate::content::plan::Plan;
use crate::kinds::Origin;
use crate::model::error::Result;
use crate::stores::bundle::slots::Slots;
use crate::stores::bundle::workshop::Workshop;
use crate::stores::room::Room;

/// Checks that the bundle fits into what is free and what the unfinished one takes already.
pub(super) fn check_rest(workshop: &Workshop, plan: &Plan<Origin>) -> Result<()> {
    let length = Slots::new(&plan.contents)?.length();
    check(workshop.output(), length, workshop.occupied(&plan.contents)?)
}

/// Checks that a file of `length` bytes fits where `occupied` bytes of it are already.
pub(super) fn check(output: &Utf8Path, length: u64, occupied: u64) -> Result<()> {
    let folder = output.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(".".into());
    let hint =
        "name a file on another file system with `--output`, or carry less with `--platform` or `--only`";
    let room = Room::of(folder)?;
    Room { free: room.free.saturating_add(occupied), ..room }.fits(folder, &[length], hint)
}
