//! What the list came to: every entry resolved, and of that what is selected.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytesize::ByteSize;

use super::bases;
use super::{ArtifactRow, Item, Progress, Seen, Status, counted, whole};
use crate::commands::together;
use crate::content::agreement::contradicting;
use crate::content::jobs::{self, OnFailure};
use crate::kinds::{self, Expected, Origin, Places, Resolved, Wanted};
use crate::model::artifact::Kind;
use crate::model::contents::{Artifact, Missing};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::list::{Entry, Position, Subject};
use crate::model::referrer::Referrers;
use crate::model::selector::{Selection, Selector};
use crate::model::snap::SnapFacts;
use crate::stores::bundle::rules;
use crate::stores::registry::client::Repository;

/// What resolving needs of a command.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Asking<'a> {
    /// The command.
    pub(in crate::commands) verb: &'static str,
    /// `--only` and `--except`.
    pub(in crate::commands) selection: &'a Selection,
    /// What is wanted of every artifact.
    pub(in crate::commands) wanted: &'a Wanted,
    /// Where artifacts are resolved.
    pub(in crate::commands) places: &'a Places,
    /// Whether the first failure ends the command.
    pub(in crate::commands) on_failure: OnFailure,
    /// How many things are done at once.
    pub(in crate::commands) jobs: usize,
    /// Who remembers what is to be done.
    pub(in crate::commands) seen: &'a Seen,
    /// Who watches.
    pub(in crate::commands) progress: &'a Arc<dyn Progress>,
}

/// What the list came to.
#[derive(Debug, Default)]
pub(in crate::commands) struct Found {
    pub(in crate::commands) items: Vec<Item<Origin>>,
    pub(in crate::commands) warnings: Vec<String>,
    pub(in crate::commands) failures: Vec<(ArtifactRow, Error)>,
    pub(in crate::commands) missing: Vec<Missing>,
    /// What the snaps among them have to be.
    pub(in crate::commands) expected: Vec<Expected>,
    kept_whole: (usize, u64),
    /// Everything that selectors were asked about.
    seen: Vec<(Kind, String)>,
    /// Where each artifact is asked for first.
    lines: BTreeMap<(Kind, String, Digest), Position>,
}

/// An artifact that is needed, with the entry that needs it.
type Implied = (Arc<Entry>, Item<Origin>);

/// Resolves every entry, and what follows from it, and keeps what is selected.
pub(in crate::commands) async fn resolve(asking: &Asking<'_>, entries: Vec<Entry>) -> Found {
    let mut found = Found::default();
    let (entries, others): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| may_be_selected(asking.selection, entry));
    found.seen.extend(others.iter().map(seen));
    asking.seen.plan(entries.iter().map(|entry| unresolved(entry.kind, &kinds::shown(entry))));
    let mut asked: HashSet<Subject> = entries.iter().map(|entry| entry.subject.clone()).collect();
    let (mut entries, mut implied) = (entries, Vec::new());
    while !entries.is_empty() {
        let (needed, further) = found.resolve(asking, entries).await;
        implied.extend(needed);
        entries = further.into_iter().filter(|entry| asked.insert(entry.subject.clone())).collect();
    }
    found.imply(implied, asking.selection);
    found.warnings.extend(bases::absent(&found.items));
    found.agree(asking);
    found.unite_sources();
    let seen: Vec<(Kind, &str)> = found.seen.iter().map(|(kind, name)| (*kind, name.as_str())).collect();
    let idle = together::idle(asking.selection, &seen, "takes nothing in the list");
    found.warnings.extend(idle);
    // Several lines may need the same.
    let mut told = HashSet::new();
    found.warnings.retain(|warning| told.insert(warning.clone()));
    found
}

/// Asks for every entry, and returns what became of each.
async fn ask(asking: &Asking<'_>, entries: &[Arc<Entry>]) -> Vec<Option<Result<Resolved>>> {
    asking.progress.phase("resolving", None, u64::try_from(entries.len()).ok());
    let mut pulls: BTreeMap<Repository, u64> = BTreeMap::new();
    for entry in entries {
        if let Subject::Registry(reference) = &entry.subject {
            let count = pulls.entry(Repository::of(reference)).or_default();
            *count = count.saturating_add(1);
        }
    }
    for (repository, count) in pulls {
        asking.places.registry.expect_pulls(&repository, count);
    }
    let host = |entry: &&Arc<Entry>| kinds::host(entry);
    jobs::run_fair(asking.jobs, OnFailure::GoOn, entries, host, |entry| {
        let (entry, places, wanted) = (Arc::clone(entry), asking.places.clone(), asking.wanted.clone());
        let progress = Arc::clone(asking.progress);
        async move {
            let name = kinds::shown(&entry);
            progress.begun(&name);
            let resolved = kinds::resolve(&entry, &places, &wanted).await;
            progress.ended(&name);
            resolved
        }
    })
    .await
}

/// Returns the kinds that an entry can turn out to be.
fn kinds_of(entry: &Entry) -> Vec<Kind> {
    match (&entry.subject, entry.kind) {
        (Subject::File { .. }, None) => vec![Kind::File],
        (Subject::AssertFile(_), None) => vec![Kind::Assert],
        (Subject::Snap { .. } | Subject::SnapFile(_), _) if !entry.renderings.is_empty() => {
            vec![Kind::Snap, Kind::Image]
        }
        (Subject::Snap { .. } | Subject::SnapFile(_), None) => vec![Kind::Snap],
        (_, Some(kind)) => vec![kind],
        _ => Kind::ALL.to_vec(),
    }
}

/// Returns whether an entry can be selected at all, before its kind and the names in a folder are known.
pub(in crate::commands) fn may_be_selected(selection: &Selection, entry: &Entry) -> bool {
    let kinds = kinds_of(entry);
    if let Subject::Registry(reference) = &entry.subject {
        let reference = reference.to_string();
        return kinds.iter().any(|kind| selection.takes(*kind, &reference));
    }
    kinds.iter().any(|kind| {
        let by_kind = |selector: &Selector| *selector == Selector::Kind(*kind);
        let by_name = |selector: &Selector| matches!(selector, Selector::Pattern(_));
        let wanted = selection.only.is_empty() || selection.only.iter().any(|s| by_kind(s) || by_name(s));
        wanted && !selection.except.iter().any(by_kind)
    })
}

/// Returns an entry as selectors see it where it was not resolved.
fn seen(entry: &Entry) -> (Kind, String) {
    (kinds_of(entry).first().copied().unwrap_or(Kind::Image), kinds::shown(entry))
}

/// Returns why no reader would take a bundle with what an entry came to. Readers refuse the whole bundle for a single
/// text that breaks their rules, so that here it may cost no more than its artifact.
fn unfit(resolved: &Resolved, selection: &Selection) -> Option<Error> {
    let mut artifacts = resolved.items.iter().map(|item| &item.artifact);
    let why = artifacts.find_map(|artifact| {
        let takes = selection.takes(artifact.kind, &artifact.reference);
        takes.then(|| rules::check_one(artifact).err()).flatten()
    })?;
    Some(Error::Unsupported { message: format!("no reader would take it: {why}"), hint: None })
}

/// Returns whether the images of a snap are wanted and the snap itself is not, which would prove their list.
fn carries_images_alone(resolved: &Resolved, selection: &Selection) -> bool {
    let is_left_out = |item: &Item<Origin>| !selection.takes(item.artifact.kind, &item.artifact.reference);
    resolved.expected.iter().any(Expected::carries_images) && resolved.items.iter().any(is_left_out)
}

impl Found {
    /// Resolves these entries, and returns what they imply: artifacts, each with the entry that needs it, and further
    /// entries.
    async fn resolve(&mut self, asking: &Asking<'_>, entries: Vec<Entry>) -> (Vec<Implied>, Vec<Entry>) {
        let entries: Vec<Arc<Entry>> = entries.into_iter().map(Arc::new).collect();
        let results = ask(asking, &entries).await;
        let (mut implied, mut further) = (Vec::new(), Vec::new());
        for (entry, result) in entries.iter().zip(results) {
            let result = match result {
                Some(Ok(resolved)) if carries_images_alone(&resolved, asking.selection) => {
                    let snaps = asking.places.snaps.staged();
                    let places = Places { snaps, ..asking.places.clone() };
                    Some(Box::pin(kinds::resolve(entry, &places, asking.wanted)).await)
                }
                result => result,
            };
            match result {
                Some(Ok(mut resolved)) => match unfit(&resolved, asking.selection) {
                    None => {
                        let needed = std::mem::take(&mut resolved.implied).into_iter();
                        implied.extend(needed.map(|item| (Arc::clone(entry), item)));
                        further.append(&mut resolved.further);
                        self.take(entry, resolved, asking.selection);
                    }
                    Some(error) => self.fail(asking.verb, entry, error),
                },
                Some(Err(error)) => self.fail(asking.verb, entry, error),
                None => {}
            }
        }
        (implied, further)
    }

    /// Takes what is needed and no entry asks for, each once: whichever revision of a snap is asked for serves.
    fn imply(&mut self, implied: Vec<Implied>, selection: &Selection) {
        let facts = |item: &Item<Origin>| SnapFacts::of(&item.graph.root()?.manifest);
        let key = |item: &Item<Origin>| facts(item).map(|snap| (snap.name, snap.architectures));
        let mut there: HashSet<(String, Vec<String>)> = self.items.iter().filter_map(key).collect();
        // Whose line says how it is to be called comes first.
        let is_unnamed =
            |(entry, _): &Implied| !matches!(&entry.subject, Subject::Snap { basename: Some(_), .. });
        let mut implied = implied;
        implied.sort_by_key(is_unnamed);
        for (entry, item) in implied {
            if key(&item).is_none_or(|key| there.insert(key)) {
                self.take(&entry, Resolved { items: vec![item], ..Resolved::default() }, selection);
            }
        }
    }

    fn take(&mut self, entry: &Entry, resolved: Resolved, selection: &Selection) {
        let name = |item: &Item<Origin>| (item.artifact.kind, item.artifact.reference.clone());
        self.seen.extend(resolved.items.iter().map(name));
        let takes = |item: &Item<Origin>| selection.takes(item.artifact.kind, &item.artifact.reference);
        let before = self.items.len();
        for item in resolved.items.into_iter().filter(takes) {
            let Artifact { kind, reference, digest, .. } = &item.artifact;
            let key = (*kind, reference.clone(), *digest);
            self.lines.entry(key).or_insert_with(|| entry.position.clone());
            self.items.push(item);
        }
        if self.items.len() == before && !selection.only.is_empty() {
            return;
        }
        self.warnings.extend(resolved.warnings);
        self.expected.extend(resolved.expected);
        if let Some(bytes) = resolved.kept_whole {
            self.kept_whole = (self.kept_whole.0.saturating_add(1), self.kept_whole.1.saturating_add(bytes));
        }
    }

    /// Makes one artifact of those that differ in their source alone: the bundle names the first address.
    fn unite_sources(&mut self) {
        let key = |artifact: &Artifact| {
            let Artifact { kind, reference, wanted, digest, .. } = artifact;
            (*kind, reference.clone(), wanted.clone(), *digest)
        };
        let mut sources: BTreeMap<_, String> = BTreeMap::new();
        for artifact in self.items.iter().map(|item| &item.artifact) {
            if let Some(source) = &artifact.source {
                let first = sources.entry(key(artifact)).or_insert_with(|| source.clone());
                if *source < *first {
                    first.clone_from(source);
                }
            }
        }
        for item in &mut self.items {
            item.artifact.source = sources.get(&key(&item.artifact)).cloned();
        }
    }

    fn fail(&mut self, verb: &str, entry: &Entry, error: Error) {
        self.seen.push(seen(entry));
        self.lacks(verb, entry.kind, &kinds::shown(entry), &entry.position, error);
    }

    fn lacks(&mut self, verb: &str, kind: Option<Kind>, reference: &str, line: &Position, error: Error) {
        self.missing.push(Missing { kind, reference: rules::fitting(reference) });
        let error = error.during(format!("could not {verb} `{reference}` ({line})"));
        self.failures.push((failed_row(kind, reference, &error), error));
    }

    /// Leaves out what refers to artifacts and contradicts them. Where that may not lack, because referrers are required
    /// or a signature is, its artifact fails.
    fn agree(&mut self, asking: &Asking<'_>) {
        let all_required = asking.wanted.referrers == Referrers::Require;
        let wrong = contradicting(&self.items);
        'items: for (mut item, wrong) in std::mem::take(&mut self.items).into_iter().zip(wrong) {
            let Artifact { kind, reference, .. } = &item.artifact;
            let (kind, reference) = (*kind, reference.clone());
            let is_required = all_required || item.needed.iter().any(|needed| wrong.contains_key(needed));
            let line = self.line(&item.artifact).cloned().filter(|_| is_required);
            item.keep_referrers(|referrer, _| !wrong.contains_key(&referrer.digest));
            for (referrer, error) in wrong {
                let Some(line) = &line else {
                    let why = whole(&error);
                    let warning = format!("`{reference}` goes without its referrer {referrer}: {why}");
                    self.warnings.push(warning);
                    continue;
                };
                let error = error.during(format!("its referrer {referrer} contradicts what goes with it"));
                self.lacks(asking.verb, Some(kind), &reference, line, error);
                continue 'items;
            }
            self.items.push(item);
        }
    }

    /// Says how many artifacts of registries were shown to be signed, where that was asked of any.
    pub(in crate::commands) fn signed_line(&self) -> Option<String> {
        let of_registries =
            self.items.iter().filter(|item| !matches!(item.artifact.kind, Kind::File | Kind::Assert));
        let (signed, others): (Vec<_>, Vec<_>) = of_registries.partition(|item| !item.needed.is_empty());
        let count =
            |items: &[&Item<Origin>]| counted(u64::try_from(items.len()).unwrap_or(u64::MAX), "artifact");
        let more = if others.is_empty() {
            String::new()
        } else {
            format!("; of {} no signature was asked", count(&others))
        };
        (!signed.is_empty()).then(|| format!("{} signed as asked for{more}", count(&signed)))
    }

    /// Leaves out of an artifact what refers to it and could not be fetched, with a warning for each.
    pub(super) fn leave_out(
        &mut self,
        item: &mut Item<Origin>,
        failed: &HashSet<Digest>,
        why: &BTreeMap<Digest, Error>,
    ) {
        let warnings = item.referrers().filter_map(|(referrer, part)| {
            let digest = part.sizes().into_keys().find(|digest| failed.contains(digest))?;
            let why = why.get(&digest).map(|error| format!(": {}", whole(error).replace("\ncause: ", ": ")));
            let (reference, referrer) = (&item.artifact.reference, referrer.digest);
            Some(format!("`{reference}` goes without its referrer {referrer}{}", why.unwrap_or_default()))
        });
        self.warnings.extend(warnings);
        item.keep_referrers(|_, part| !part.sizes().keys().any(|digest| failed.contains(digest)));
    }

    /// Returns where an artifact is asked for first.
    pub(super) fn line(&self, artifact: &Artifact) -> Option<&Position> {
        self.lines.get(&(artifact.kind, artifact.reference.clone(), artifact.digest))
    }

    /// Says how many images an index digest kept whole, and what that costs.
    pub(in crate::commands) fn kept_whole_line(&self) -> Option<String> {
        let (count, bytes) = self.kept_whole;
        (count > 0).then(|| format!("{count} kept whole, pinned by index digest, +{}", ByteSize(bytes)))
    }

    /// Returns the line that announces a bundle which lacks something.
    pub(super) fn incomplete_line(&self) -> Option<String> {
        let missing = self.failures.len();
        let all = missing.saturating_add(self.items.len());
        (missing > 0).then(|| format!("INCOMPLETE: {missing} of {all} artifacts were not exported"))
    }
}

/// Whose a blob is that could not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// An artifact's, at least one.
    Artifact,
    /// Only of what refers to artifacts.
    Referrer,
}

/// Returns the row of an artifact that is not resolved yet.
fn unresolved(kind: Option<Kind>, reference: &str) -> ArtifactRow {
    ArtifactRow {
        kind,
        name: reference.to_owned(),
        reference: reference.to_owned(),
        ..ArtifactRow::default()
    }
}

/// Returns the row of an artifact that failed.
pub(super) fn failed_row(kind: Option<Kind>, reference: &str, error: &Error) -> ArtifactRow {
    let error = Some(whole(error));
    ArtifactRow { status: Some(Status::Failed), error, ..unresolved(kind, reference) }
}
