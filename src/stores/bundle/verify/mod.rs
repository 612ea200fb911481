//! Proves every byte of a bundle, both ways: everything that `bundle.json` says is there and right, and nothing else
//! is there. It goes on after a mistake, to find all of them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::header::END;
use super::reader::Bundle;
use crate::content::jobs::{self, OnFailure, Stop};
use crate::content::progress::{Progress, Silent};
use crate::model::error::{Error, FormatState, Result};
use closure::{Closure, Users};
pub use frame::{RESERVED, Reserved, is_reserved};
pub use problem::{Place, Problem};
pub use salvage::{Salvaged, salvage};
use sequential::{Ended, Sequential};
pub use strewn::{Strewn, prove_strewn, prove_strewn_here};

mod closure;
mod entries;
mod frame;
mod node;
mod problem;
mod referring;
mod remains;
mod salvage;
mod sequential;
mod short;
mod strewn;

/// So many problems are told one by one.
pub const MAX_TOLD: usize = 1000;

/// What was found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Everything that is wrong, by offset.
    pub problems: Vec<Problem>,
    /// Artifacts, by their number in `bundle.json`, that something is wrong with, and the first thing that is.
    pub lacking: BTreeMap<usize, String>,
    /// Entries of the reserved tail. The bundle id does not cover them.
    pub reserved: Vec<Reserved>,
}

impl Verified {
    /// Adds what was known before. Of what stands at the same place of the frame it is the better word.
    pub fn add(&mut self, known: Problem) {
        self.problems.retain(|other| other.place != Place::Frame || other.offset != known.offset);
        let at = self.problems.partition_point(|other| other.offset < known.offset);
        self.problems.insert(at, known);
    }
}

/// Proves a bundle, which may end too early ([`Bundle::open_head`]), with `jobs` threads.
///
/// Errors: only where nobody waits any more; what is wrong with the bundle is in the result.
pub async fn verify(bundle: &Bundle, jobs: usize, progress: Arc<dyn Progress>) -> Result<Verified> {
    let slots = bundle.slots();
    let held = slots.iter().take_while(|slot| slot.end() <= bundle.length()).count();
    progress.phase("verifying", Some(bundle.length()), None);

    let (reading, watching) = (bundle.clone(), Arc::clone(&progress));
    let batches = entries::batches(slots, held, jobs);
    let proven = jobs::run_blocking(jobs, OnFailure::Stop, batches, move |batch, stop| {
        entries::prove(&reading, batch, stop, watching.as_ref())
    });
    let mut problems = Vec::new();
    for result in proven.await.into_iter().flatten() {
        problems.extend(result?);
    }

    let reading = bundle.clone();
    let rest = jobs::run_blocking(1, OnFailure::Stop, [problems], move |problems, stop| {
        rest(&reading, held, problems, stop, progress.as_ref())
    });
    rest.await.into_iter().flatten().next().unwrap_or(Err(Error::Interrupted(15)))
}

/// As [`verify`], on this thread: for a small bundle.
pub fn verify_here(bundle: &Bundle) -> Result<Verified> {
    let held = bundle.slots().iter().take_while(|slot| slot.end() <= bundle.length()).count();
    let stop = Stop::default();
    let problems = entries::prove(bundle, 0..held, &stop, &Silent)?;
    rest(bundle, held, problems, &stop, &Silent)
}

/// Proves what is not an entry of a blob, and puts everything together.
fn rest(
    bundle: &Bundle,
    held: usize,
    mut problems: Vec<Problem>,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<Verified> {
    let slots = bundle.slots();
    let mut reserved = Vec::new();
    let mut start = Sequential::new(bundle.file().as_ref(), 0, slots.head(), stop, progress);
    let mut found = frame::prove_head(bundle, &mut start, &mut problems);
    if bundle.length() >= slots.length() {
        let end = slots.length().saturating_sub(END);
        let mut tail = Sequential::new(bundle.file().as_ref(), end, bundle.length(), stop, progress);
        found =
            found.and(frame::prove_end(bundle, &mut tail, &mut problems).map(|entries| reserved = entries));
    }
    match found {
        Ok(()) => {}
        Err(Ended::Stopped(error)) => return Err(error),
        Err(Ended::Unreadable(offset, error)) => {
            let message = format!("it cannot be read: {error}");
            problems.push(Problem::new(offset, FormatState::Damaged, message, Place::Frame));
        }
    }

    let bad: HashSet<usize> = problems
        .iter()
        .filter_map(|problem| if let Place::Blob(index) = problem.place { Some(index) } else { None })
        .collect();
    let mut closure = Closure::new(bundle, &bad, held);
    closure.walk(stop)?;
    let Closure { problems: named, users, lacking, cut, .. } = closure;
    for problem in &mut problems {
        if let Place::Blob(index) = problem.place {
            problem.message.push_str(&used_by(bundle, users.get(&index)));
        }
    }
    problems.extend(named);
    problems.extend(short::problem(bundle, held, &cut));
    problems.sort_by_key(|problem| problem.offset);
    Ok(Verified { problems, lacking, reserved })
}

/// Names the artifacts that need a blob.
fn used_by(bundle: &Bundle, users: Option<&Users>) -> String {
    let Some(users) = users else { return String::new() };
    let artifacts = users.first.iter().filter_map(|number| bundle.contents().artifacts.get(*number));
    let names: Vec<String> = artifacts.map(|artifact| format!("`{}`", artifact.reference)).collect();
    let more = users.count.saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(", in {}{more}", names.join(", "))
}
