//! `export --dry-run`: what would be in the bundle, and what it would weigh.

use std::sync::Arc;

use bytesize::ByteSize;

use super::{Found, Options, Report, bundle_row, counted, output, reused, room, rows, totals, weights};
use crate::commands::referrer_row::with_referrers;
use crate::commands::table;
use crate::content::plan::Plan;
use crate::kinds::Origin;
use crate::stores::bundle::previous::Previous;
use crate::stores::bundle::slots::Slots;

/// Says what would be done.
pub(super) fn report(
    options: &Options,
    found: Found,
    plan: &Plan<Origin>,
    reuse: &[Arc<Previous>],
) -> Report {
    let size = Slots::new(&plan.contents).map_or(0, |slots| slots.length());
    let rows = rows(&found.items, None);
    let each: u64 = rows.iter().filter_map(|row| row.size).fold(0, u64::saturating_add);
    let totals = totals(plan, 0);
    let shared = each.saturating_sub(totals.bytes);
    let mut summary = vec![format!(
        "{}, {}, {} to carry ({} more if nothing were shared)",
        with_referrers(totals.artifacts, totals.referrers),
        counted(totals.blobs, "blob"),
        ByteSize(size),
        ByteSize(shared),
    )];
    summary.extend(reused::line(plan, reuse.iter().map(AsRef::as_ref)));
    summary.extend(weights::lines(&found.items));
    summary.extend(found.signed_line());
    summary.extend(found.kept_whole_line());
    summary.extend(found.incomplete_line());
    summary.push("nothing was written".to_owned());
    let mut warnings = found.warnings;
    warnings.extend(output::refusal(options, plan));
    warnings.extend(room::check(&options.output, size, 0).err().map(|error| error.to_string()));
    let incomplete = !found.failures.is_empty();
    let (failed, failures): (Vec<_>, Vec<_>) = found.failures.into_iter().unzip();
    let mut artifacts = rows;
    artifacts.extend(failed);
    let output = table::of(&artifacts).into_bytes();
    Report {
        command: "export",
        bundle: Some(bundle_row(options, plan, size)),
        artifacts,
        warnings,
        incomplete,
        totals,
        failures,
        went_without: true,
        output,
        summary,
        ..Report::default()
    }
}
