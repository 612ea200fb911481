//! `import`: everything in a bundle goes into a registry, blobs first, names last. `mirror` pushes what a list came to
//! in the same way.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::export::Action;
use super::open::{self, Choice, Extent, Opened};
use super::report::Report;
use super::seen::Seen;
use super::together;
use crate::content::jobs::OnFailure;
use crate::content::progress::Progress;
use crate::model::contents::Artifact;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::selector::Selection;
use crate::model::target::{Destination, Layout, Target};
use crate::stores::registry::client::RegistryClient;

mod blobs;
mod failures;
mod index_text;
mod manifests;
mod names;
mod naming;
mod nodes;
mod outcome;
mod plan;
pub(super) mod receipt;
mod referrers;
mod referring;
mod sparse;
mod stock;
mod summary;
mod survey;
mod trial;
mod verb;
mod work;

pub use self::names::DigestTags;
pub(super) use self::names::without_names;
use self::names::{Chosen, choose, refuse_collisions};
use self::nodes::Nodes;
use self::outcome::Outcome;
use self::plan::Plan;
use self::receipt::Known;
use self::referring::Referring;
pub(super) use self::stock::{Gathered, Stock};
use self::survey::{Found, Survey};
use self::trial::Kept;
use self::verb::Verb;
use self::work::{Failure, Ledger, Work};

/// What to push of what there is, and where to.
#[derive(Debug)]
pub struct Options {
    /// The registry and the prefix in it.
    pub to: Destination,
    /// How names are made.
    pub layout: Layout,
    /// The most parts of a repository's path.
    pub max_components: Option<NonZeroUsize>,
    /// Which artifacts.
    pub selection: Selection,
    /// Whether to only say what would be done.
    pub action: Action,
    /// What is done with tags that name something else.
    pub moved: MovedTags,
    /// Whether digest-only artifacts get a tag.
    pub digest_tags: DigestTags,
    /// Whether a receipt is left.
    pub receipt: Receipt,
    /// Whether the first failure ends it.
    pub on_failure: OnFailure,
    /// Speaks to the registry.
    pub client: RegistryClient,
    /// How many things are done at once.
    pub jobs: usize,
    /// Who remembers what became of each artifact.
    pub seen: Seen,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
}

/// What is done with tags that name something else at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovedTags {
    /// Nothing is pushed.
    Refuse,
    /// They are moved, and what they named gets a tag of its own: `--move-tags`.
    Move,
}

/// Whether a receipt is left at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is.
    Leave,
    /// It is not: `--no-receipt`.
    Omit,
}

/// Pushes the chosen artifacts of a bundle. What fails is in the report, and the others go on.
///
/// Errors: where nothing could begin: the bundle is not good, names are wrong or collide, the registry does not answer.
pub async fn run(choice: Choice, options: Options) -> Result<Report> {
    let opened = open::open(&choice, Extent::Whole, options.progress.as_ref())?;
    push(Stock::Bundle(opened), &options).await
}

/// Returns the repositories that an import would write to, one a line; asks nobody.
pub fn repositories(choice: &Choice, options: &Options) -> Result<Report> {
    let opened = open::open(choice, Extent::Head, options.progress.as_ref())?;
    let stock = Stock::Bundle(opened);
    let chosen = choose(select(&stock, &options.selection)?, options)?;
    let paths = chosen.iter().map(|chosen| chosen.target.repository().to_owned());
    Ok(Report { output: options.listed(paths.collect())?, ..stock.report() })
}

impl Options {
    /// Returns repositories and that of the receipt, one a line, each once, sorted.
    pub(super) fn listed(&self, mut paths: BTreeSet<String>) -> Result<Vec<u8>> {
        if self.receipt == Receipt::Leave && !paths.is_empty() {
            // The repository is the same for every bundle.
            paths.insert(self.receipt_at(&Digest::sha256(b""))?.repository().to_owned());
        }
        Ok(paths.into_iter().flat_map(|path| [path, "\n".to_owned()]).collect::<String>().into_bytes())
    }

    /// Returns where the receipt of a bundle lands.
    fn receipt_at(&self, id: &Digest) -> Result<Target> {
        let target = Target::receipt(self.to.prefix(), id);
        let target = target.map_err(|error| Error::usage(error.to_string(), None))?;
        Ok(target.within(self.max_components))
    }
}

/// As [`run`], for what is pushed wherever it is.
pub(super) async fn push(stock: Stock, options: &Options) -> Result<Report> {
    let stock = Arc::new(stock);
    let chosen = choose(select(&stock, &options.selection)?, options)?;
    let collision = refuse_collisions(&chosen, options).err();
    if options.action == Action::Say {
        return Ok(summary::dry_run(&stock, options, &chosen, collision));
    }
    if let Some(error) = collision {
        return Ok(summary::not_begun(&stock, options, &chosen, error));
    }
    let seen = options.seen.clone();
    let rows = chosen.iter().map(|chosen| summary::row(options, chosen));
    seen.plan(rows.chain(stock.failed().iter().cloned()));
    let referring = Referring::to(&chosen);
    let artifacts = chosen.iter().map(|chosen| chosen.artifact.clone());
    let artifacts: Vec<Artifact> = artifacts.chain(referring.iter().map(Referring::artifact)).collect();
    options.progress.phase("planning", None, None);
    let mut nodes = Nodes::read(&stock, &artifacts, options.jobs).await;
    let mut outcomes: Vec<Outcome> =
        artifacts.iter().map(|artifact| Outcome::from(nodes.defect(&stock, artifact))).collect();
    for (place, outcome) in outcomes.iter().enumerate().take(chosen.len()) {
        if let Outcome::Failed(Failure::Own(error)) = outcome {
            seen.fail(place, error);
        }
    }
    let is_open = |place: usize| outcomes.get(place).is_some_and(Outcome::is_open);
    let mut claims = referring::claims(&chosen, &referring, options.digest_tags, is_open);
    for (place, error) in referring::apart(&mut claims) {
        if let Some(outcome) = outcomes.get_mut(place) {
            *outcome = Outcome::Failed(error.into());
        }
    }
    let plan = Plan::new(&options.to, &claims, &nodes)?;
    let work = Arc::new(Work {
        stock: Arc::clone(&stock),
        client: options.client.for_push(),
        plan,
        nodes,
        artifacts: chosen.len(),
        jobs: options.jobs,
        on_failure: options.on_failure,
        moved: options.moved,
        progress: Arc::clone(&options.progress),
        seen,
        kept: Kept::default(),
        silence: AtomicU32::new(0),
    });
    let mut ledger = Ledger::default();
    let mut known = receipt::known(&work, options).await?;
    let mut survey = survey::survey(&work, known.expected()).await?;
    if let Some(error) = survey.failure() {
        let error = error.during(format!("`{}` cannot be asked what it has", options.to));
        return Ok(summary::not_begun(&stock, options, &chosen, error));
    }
    if let Some(error) = refuse_moved(options, &work, &survey, &chosen) {
        return Ok(summary::not_begun(&stock, options, &chosen, error));
    }
    survey.trust(&known, &work);
    survey.spare(&work);
    let stops = options.on_failure == OnFailure::Stop;
    ledger.stopped = stops && outcomes.iter().any(Outcome::is_failed);
    if !ledger.stopped {
        trial::run(&work, &mut survey).await;
        ledger.stopped = stops && !survey.refused.is_empty();
    }
    if !ledger.stopped && survey.is_open(&work.plan.names) {
        let refused = survey.names_refused(&work.plan.names);
        let refused =
            refused.filter_map(|(refusal, place)| Some((refusal, artifacts.get(place)?.reference.clone())));
        if let Some(error) = trial::error(&refused.collect::<Vec<_>>()) {
            options.progress.note(&format!("{error}\nthe others go on"));
        }
        known = receipt::begin(&work, options, known).await;
        if matches!(known, Known::Unknown(_)) {
            // Nothing tells what an earlier import may have left.
            survey.exists.fill(true);
        }
        let names: Vec<Arc<str>> =
            artifacts.iter().map(|artifact| artifact.reference.as_str().into()).collect();
        blobs::push(&work, &survey, &names, &mut ledger).await;
        manifests::push(&work, &survey, &mut ledger).await;
    }
    trial::end(&work).await;
    let mut named = naming::set(&work, survey, &mut ledger).await;
    referrers::list(&work, &mut named, &ledger).await;
    outcome::settle(&work, named, &ledger, &mut outcomes);
    let mut report = summary::report(&stock, options, &work, (&chosen, &referring), outcomes, &ledger);
    if let Err(error) = receipt::leave(&work, options, known, &report).await {
        report.warnings.push(error);
    }
    stock.conclude(&mut report);
    Ok(report)
}

/// Returns the artifacts that are selected.
fn select(stock: &Stock, selection: &Selection) -> Result<Vec<Artifact>> {
    let all = &stock.contents().artifacts;
    let takes = |artifact: &&Artifact| selection.takes(artifact.kind, &artifact.reference);
    let selected: Vec<Artifact> = all.iter().filter(takes).cloned().collect();
    together::refuse_nothing(selection, selected.len(), "artifacts")?;
    Ok(selected)
}

/// Refuses to move tags that name something else, unless that is wanted.
fn refuse_moved(options: &Options, work: &Work, survey: &Survey, chosen: &[Chosen]) -> Option<Error> {
    if options.moved == MovedTags::Move {
        return None;
    }
    let mut items = Vec::new();
    for (name, found) in work.plan.names.iter().zip(&survey.names) {
        // What refers to an artifact is a matter of its own.
        if let Found::Other(there) = found
            && name.subjects.is_empty()
            && let Some(chosen) = name.artifacts.first().and_then(|place| chosen.get(*place))
        {
            let target = chosen.shown(&options.to, options.digest_tags);
            let reference = &chosen.artifact.reference;
            items.push(format!("`{target}` is {there}, and would become {} (`{reference}`)", name.root));
        }
    }
    let tags = if items.len() == 1 { "1 tag names".to_owned() } else { format!("{} tags name", items.len()) };
    (!items.is_empty()).then(|| Error::Conflict {
        message: format!("{tags} something else at the destination"),
        items,
        hint: Some(
            "`--move-tags` moves them, and keeps what they name under `digest-` tags; `--except` leaves them out"
                .to_owned(),
        ),
    })
}
