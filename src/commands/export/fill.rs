//! Fills the slots: from what is there already, then from where the blobs come from.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytesize::ByteSize;

use super::failures;
use super::found::{Whose, failed_row};
use super::reused::Reused;
use super::{
    Found, Options, Report, Status, bundle_row, counted, kept_line, not_made, owners, room, rows, totals,
};
use crate::commands::referrer_row::with_referrers;
use crate::content::copy::{Copied, Source, copy};
use crate::content::jobs::{self, OnFailure};
use crate::content::plan::Plan;
use crate::kinds::Origin;
use crate::model::contents::Missing;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::referrer::Referrers;
use crate::stores::bundle::partial::Partial;
use crate::stores::bundle::previous::Previous;
use crate::stores::bundle::settle::Settled;
use crate::stores::bundle::workshop::Workshop;

/// Blobs above this size begin first, the largest at the front, so that none is left alone at the end: 16 MiB.
const LARGE: u64 = 16 << 20;

/// Fills the bundle and finishes it. Where artifacts fail and the rest is wanted, it plans again without them.
pub(super) async fn run(
    options: &Options,
    workshop: Workshop,
    mut found: Found,
    mut plan: Plan<Origin>,
    reuse: Vec<Arc<Previous>>,
) -> Result<Report> {
    let mut workshop = workshop;
    let kept = workshop.kept();
    let mut learned = HashMap::new();
    loop {
        room::check_rest(&workshop, &plan)?;
        let (contents, progress) = (plan.contents.clone(), Arc::clone(&options.progress));
        let (partial, mut previous) =
            Partial::open(workshop, contents, plan.late(), options.jobs, progress).await?;
        for previous in &mut previous {
            previous.learn(&learned);
        }
        kept.want(true);
        let partial = Arc::new(partial);
        let (moved, failures) = fetch(options, &found, &plan, &partial, previous, &reuse).await?;
        let mut partial = Arc::try_unwrap(partial).map_err(|_| Error::Interrupted(15))?;
        if failures.is_empty() {
            check_snaps(&found, &partial).await?;
            learned.extend(partial.learned());
            if !plan.late().is_empty() {
                plan = settled(&mut found, &learned)?;
                if partial.settle(&plan.contents, &plan.manifests)? == Settled::Elsewhere {
                    workshop = partial.into_workshop();
                    continue;
                }
            }
            partial.forget_previous()?;
            let length = partial.slots().length();
            options.progress.phase("writing to the disk", None, None);
            let id = jobs::offload(move || partial.finish()).await??;
            return Ok(done(options, found, &plan, &id, length, &moved));
        }
        let fell = drop_failed(&mut found, failures, options.wanted.referrers);
        if (fell == Whose::Artifact && options.on_failure == OnFailure::Stop) || found.items.is_empty() {
            let mut report = not_made(options, found);
            report.summary.push(kept_line(options));
            return Ok(report);
        }
        workshop = partial.into_workshop();
        plan = Plan::new(&found.items, found.missing.clone(), BTreeMap::new())?;
    }
}

/// Looks into the snaps that came: each has to be the one that the plan was made with.
async fn check_snaps(found: &Found, partial: &Partial) -> Result<()> {
    for expected in &found.expected {
        match partial.window(&expected.blob) {
            Some(window) => {
                let expected = expected.clone();
                jobs::offload(move || expected.check(Arc::new(window))).await??;
            }
            None if expected.carries_images() => return Err(expected.absent()),
            None => {}
        }
    }
    Ok(())
}

/// Plans again, with what was learned of blobs whose sha256 nobody knew.
fn settled(found: &mut Found, learned: &HashMap<Digest, Digest>) -> Result<Plan<Origin>> {
    for item in &mut found.items {
        item.settle(learned)?;
    }
    Plan::new(&found.items, found.missing.clone(), BTreeMap::new())
}

/// What came from where, in bytes.
struct Moved {
    fetched: u64,
    /// For each bundle of `--reuse`.
    reused: Vec<Reused>,
}

/// Fills every slot and returns how many bytes came from where, and which blobs failed.
async fn fetch(
    options: &Options,
    found: &Found,
    plan: &Plan<Origin>,
    partial: &Arc<Partial>,
    previous: Vec<Previous>,
    reuse: &[Arc<Previous>],
) -> Result<(Moved, Vec<(Digest, Error)>)> {
    let manifests = plan.contents.manifests.iter().filter_map(|blob| {
        let bytes = plan.manifests.get(&blob.digest)?.clone();
        Some((Descriptor::new("", blob.digest, blob.size), vec![Origin::Memory(bytes)]))
    });
    let mut blobs: Vec<(Descriptor, Vec<Origin>)> = manifests.chain(plan.blobs.iter().cloned()).collect();
    blobs.retain(|(blob, _)| !partial.is_filled(&blob.digest));
    blobs.sort_by_key(|(blob, _)| Reverse(blob.size).max(Reverse(LARGE)));
    let bytes = blobs.iter().map(|(blob, _)| blob.size).sum();
    options.progress.phase("fetching", Some(bytes), u64::try_from(blobs.len()).ok());
    let own = previous.len();
    let earlier: Arc<[(Arc<Previous>, AtomicU64)]> = previous
        .into_iter()
        .map(Arc::new)
        .chain(reuse.iter().cloned())
        .map(|one| (one, AtomicU64::new(0)))
        .collect();
    let counted = Arc::clone(&earlier);
    let owners = owners(&found.items);
    let fetched = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let digests: Vec<Digest> = blobs.iter().map(|(blob, _)| blob.digest.stand_in()).collect();
    let host =
        |(_, origins): &(Descriptor, Vec<Origin>)| origins.first().map(Origin::host).unwrap_or_default();
    let results = jobs::run_fair(options.jobs, OnFailure::GoOn, blobs, host, |(blob, origins)| {
        let (partial, earlier) = (Arc::clone(partial), Arc::clone(&earlier));
        let (progress, fetched) = (Arc::clone(&options.progress), Arc::clone(&fetched));
        let over = Arc::clone(&over);
        let owner: Arc<str> = owners.get(&blob.digest.stand_in()).cloned().unwrap_or_else(|| "".into());
        async move {
            if over.load(Ordering::Relaxed) {
                return Ok(());
            }
            progress.begun(&owner);
            for (source, taken) in earlier.iter().filter(|(previous, _)| previous.claims(&blob)) {
                if copy(&blob, &[source.as_ref()], partial.as_ref()).await.is_ok() {
                    taken.fetch_add(blob.size, Ordering::Relaxed);
                    progress.ended(&owner);
                    return Ok(());
                }
            }
            let sources: Vec<&dyn Source> = origins
                .iter()
                .map(|origin| {
                    let source: &dyn Source = origin;
                    source
                })
                .collect();
            let copied = copy(&blob, &sources, partial.as_ref()).await;
            progress.ended(&owner);
            if copied.as_ref().is_err_and(is_fatal) {
                over.store(true, Ordering::Relaxed);
            }
            if copied? == Copied::Moved {
                fetched.fetch_add(blob.size, Ordering::Relaxed);
            }
            Ok(())
        }
    })
    .await;
    let mut failures = Vec::new();
    for (digest, result) in digests.into_iter().zip(results) {
        match result {
            Some(Err(error)) if is_fatal(&error) => return Err(error),
            Some(Err(error)) => failures.push((digest, error)),
            _ => {}
        }
    }
    let reused = counted.iter().skip(own).map(|(bundle, taken)| Reused {
        path: bundle.path().to_owned(),
        bytes: taken.load(Ordering::Relaxed),
    });
    Ok((Moved { fetched: fetched.load(Ordering::Relaxed), reused: reused.collect() }, failures))
}

/// Returns whether going on is pointless: the disk is full, or the person said stop.
fn is_fatal(error: &Error) -> bool {
    match error.root() {
        Error::Interrupted(_) | Error::NoSpace { .. } => true,
        Error::Io { source, .. } => {
            matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        }
        _ => false,
    }
}

/// Moves the artifacts that need a failed blob from the found to the failed. What only refers to them is left out of them
/// instead, with a warning, unless it is required.
fn drop_failed(found: &mut Found, failures: Vec<(Digest, Error)>, referrers: Referrers) -> Whose {
    let mut failures: BTreeMap<Digest, Error> = failures.into_iter().collect();
    let failed: HashSet<Digest> = failures.keys().copied().collect();
    let items = std::mem::take(&mut found.items);
    let mut whose = Whose::Referrer;
    for mut item in items {
        let mut needed = item.part().sizes().into_keys().collect::<BTreeSet<Digest>>();
        if referrers == Referrers::Require {
            needed = item.digests();
        } else {
            let signatures = item.referrers().filter(|(referrer, _)| item.needed.contains(&referrer.digest));
            needed.extend(signatures.flat_map(|(_, part)| part.sizes().into_keys()));
        }
        let Some(digest) = needed.iter().find(|digest| failed.contains(*digest)) else {
            found.leave_out(&mut item, &failed, &failures);
            found.items.push(item);
            continue;
        };
        whose = Whose::Artifact;
        let reference = &item.artifact.reference;
        let error = failures.remove(digest).unwrap_or_else(|| Error::NotFound {
            what: format!("blob {digest}, which failed for another artifact,"),
            hint: None,
        });
        let error = error.during(format!("could not export `{reference}`"));
        found.missing.push(Missing { kind: Some(item.artifact.kind), reference: reference.clone() });
        found.failures.push((failed_row(Some(item.artifact.kind), reference, &error), error));
    }
    whose
}

fn done(
    options: &Options,
    found: Found,
    plan: &Plan<Origin>,
    id: &Digest,
    length: u64,
    moved: &Moved,
) -> Report {
    let totals = totals(plan, moved.fetched);
    let taken = moved.reused.iter().fold(0_u64, |sum, one| sum.saturating_add(one.bytes));
    let reused: String = moved.reused.iter().flat_map(|one| [one.to_string(), ", ".to_owned()]).collect();
    let output = &options.output;
    let mut summary = vec![format!(
        "{}, {}, {} in `{output}` ({} fetched, {reused}{} there already)",
        with_referrers(totals.artifacts, totals.referrers),
        counted(totals.blobs, "blob"),
        ByteSize(length),
        ByteSize(totals.transferred),
        ByteSize(totals.present.saturating_sub(taken)),
    )];
    summary.extend(found.signed_line());
    summary.extend(found.kept_whole_line());
    summary.extend(found.incomplete_line());
    // The folder is another one on the far side, and the default name need not be typed.
    let named = output.file_name().filter(|name| *name != "airgap-bundle.tar");
    let named = named.map_or_else(String::new, |name| format!(" {name}"));
    summary.push(format!(
        "next: carry `{output}` over, prove it with `airgap-bundle verify --expect {id}{named}`, then import, sideload or extract it"
    ));
    let mut artifacts = rows(&found.items, Some(Status::Done));
    let (failed, failures) = failures::tell("export", found.failures);
    artifacts.extend(failed);
    Report {
        command: "export",
        bundle: Some(bundle_row(options, plan, length)),
        artifacts,
        warnings: found.warnings,
        totals,
        incomplete: !plan.contents.missing.is_empty(),
        failures,
        went_without: true,
        summary,
        closing: format!("bundle id {id}\n").into_bytes(),
        ..Report::default()
    }
}
