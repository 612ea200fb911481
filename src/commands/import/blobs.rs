//! Blobs: each is asked for where a repository is there already, uploaded once, and mounted everywhere else.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::plan::{Place, PlannedBlob};
use super::survey::Survey;
use super::work::{Ledger, Way, Work};
use crate::content::jobs;
use crate::model::contents::Blob;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::stores::registry::client::{Mounted, UploadSession};

/// A blob that a repository lacks.
#[derive(Clone, Copy, Debug)]
struct Lack {
    blob: Blob,
    repository: usize,
    /// A repository that has it.
    holder: Option<usize>,
    owner: usize,
}

/// How a blob came to where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Uploaded,
    Mounted,
}

/// Puts every blob into every repository that needs it; `names` are the references of the artifacts, for people.
pub(super) async fn push(work: &Arc<Work>, survey: &Survey, names: &[Arc<str>], ledger: &mut Ledger) {
    for number in survey.closed(&work.plan.names) {
        let needed = work.plan.blobs.iter().filter(|planned| planned.repositories.contains(&number));
        ledger.failed.extend(needed.map(|planned| ((number, planned.blob.digest), None)));
    }
    let mut holders = present(work, survey, ledger).await;
    ledger.held.extend(holders.keys());
    for planned in &work.plan.blobs {
        let lacks = lacking(planned, &holders, ledger);
        let refused = lacks.into_iter().filter(|number| survey.refused.contains_key(number));
        ledger.failed.extend(refused.map(|number| ((number, planned.blob.digest), None)));
    }
    let mut first = Vec::new();
    for planned in &work.plan.blobs {
        let digest = planned.blob.digest;
        let lacks = lacking(planned, &holders, ledger);
        if !holders.contains_key(&digest)
            && let Some(&repository) = lacks.first()
        {
            first.push(Lack { blob: planned.blob, repository, holder: None, owner: planned.owner });
        }
    }
    let bytes = first.iter().fold(0_u64, |sum, lack| sum.saturating_add(lack.blob.size));
    work.progress.phase("pushing", Some(bytes), u64::try_from(first.len()).ok());
    for (lack, result) in run(work, first, names, ledger).await {
        let digest = lack.blob.digest;
        match result {
            Ok(_) => {
                holders.entry(digest).or_default().insert(lack.repository);
            }
            // Another repository may be open to us; for everything else it would end in the same way.
            Err(error) if matches!(error.root(), Error::Denied { .. }) => {
                ledger.fail((lack.repository, digest), error, work.on_failure);
            }
            Err(error) => {
                ledger.fail((lack.repository, digest), error, work.on_failure);
                let planned = work.plan.blobs.iter().find(|planned| planned.blob.digest == digest);
                for &repository in planned.iter().flat_map(|planned| &planned.repositories) {
                    ledger.failed.entry((repository, digest)).or_insert(None);
                }
            }
        }
    }
    let mut rest = Vec::new();
    for planned in &work.plan.blobs {
        let holder = holders.get(&planned.blob.digest).and_then(BTreeSet::first).copied();
        let lacks = lacking(planned, &holders, ledger);
        rest.extend(lacks.into_iter().map(|repository| Lack {
            blob: planned.blob,
            repository,
            holder,
            owner: planned.owner,
        }));
    }
    for (lack, result) in run(work, rest, names, ledger).await {
        if let Err(error) = result {
            ledger.fail((lack.repository, lack.blob.digest), error, work.on_failure);
        }
    }
}

/// Returns the repositories that need a blob and neither have it nor were refused it.
fn lacking(planned: &PlannedBlob, holders: &HashMap<Digest, BTreeSet<usize>>, ledger: &Ledger) -> Vec<usize> {
    let digest = planned.blob.digest;
    let has = |number: &usize| holders.get(&digest).is_some_and(|holders| holders.contains(number));
    let failed = |number: &usize| ledger.failed.contains_key(&(*number, digest));
    planned.repositories.iter().copied().filter(|number| !has(number) && !failed(number)).collect()
}

/// Asks the repositories that are there for every blob that the receipt does not vouch for, and returns who has what.
async fn present(work: &Arc<Work>, survey: &Survey, ledger: &mut Ledger) -> HashMap<Digest, BTreeSet<usize>> {
    let exists = |number: &usize| survey.exists.get(*number) == Some(&true);
    let mut holders: HashMap<Digest, BTreeSet<usize>> = HashMap::new();
    let (vouched, asked): (Vec<_>, Vec<_>) = (work.plan.blobs.iter())
        .flat_map(|planned| planned.repositories.iter().map(|number| (*number, planned.blob)))
        .filter(|(number, blob)| exists(number) && !ledger.failed.contains_key(&(*number, blob.digest)))
        .partition(|(number, blob)| survey.vouched.contains(&(*number, blob.digest)));
    for (number, blob) in vouched {
        holders.entry(blob.digest).or_default().insert(number);
    }
    work.progress.phase("asking for blobs", None, u64::try_from(asked.len()).ok());
    let results = jobs::run(work.jobs, work.on_failure, asked.clone(), |(number, blob)| {
        let work = Arc::clone(work);
        async move {
            let blob = Descriptor::new("", blob.digest, blob.size);
            work.ask(work.client.has_blob(work.repository(number)?, &blob)).await
        }
    })
    .await;
    for ((number, blob), result) in asked.into_iter().zip(results) {
        match result {
            Some(Ok(true)) => {
                holders.entry(blob.digest).or_default().insert(number);
            }
            Some(Err(error)) => ledger.fail((number, blob.digest), error, work.on_failure),
            Some(Ok(false)) | None => {}
        }
    }
    holders
}

/// Fills lacks, and returns what was tried with what became of it.
async fn run(
    work: &Arc<Work>,
    lacks: Vec<Lack>,
    names: &[Arc<str>],
    ledger: &mut Ledger,
) -> Vec<(Lack, Result<Came>)> {
    if ledger.stopped {
        return vec![];
    }
    // What is mounted is read nowhere.
    let source = |lack: &Lack| match lack.holder {
        Some(_) => String::new(),
        None => work.stock.host(&lack.blob.digest),
    };
    let results = jobs::run_fair(work.jobs, work.on_failure, lacks.clone(), source, |lack| {
        let work = Arc::clone(work);
        let name = names.get(lack.owner).cloned().unwrap_or_else(|| "".into());
        async move {
            work.progress.begun(&name);
            let result = work.ask(fill(&work, &lack)).await;
            work.progress.ended(&name);
            result
        }
    })
    .await;
    let mut told = Vec::new();
    for (lack, result) in lacks.into_iter().zip(results) {
        let Some(result) = result else { continue };
        if let Ok(came) = &result {
            let place: Place = (lack.repository, lack.blob.digest);
            ledger.pushed.insert(place);
            if *came == Came::Uploaded {
                ledger.transferred = ledger.transferred.saturating_add(lack.blob.size);
            }
        }
        told.push((lack, result));
    }
    told
}

async fn fill(work: &Work, lack: &Lack) -> Result<Came> {
    let repository = work.repository(lack.repository)?;
    let mut session: Option<UploadSession> = None;
    let digest = lack.blob.digest;
    let holder = match lack.holder {
        Some(holder) => Some(work.repository(holder)?),
        None => work.stock.at_home(&digest, repository.registry()).filter(|home| *home != repository),
    };
    if let Some(holder) = holder {
        match work.client.mount(repository, &digest, holder).await? {
            Mounted::Done => return Ok(Came::Mounted),
            Mounted::Open(open) => session = Some(open),
            Mounted::Refused => {}
        }
    }
    let mut session = session.or_else(|| work.kept.take(lack.repository));
    let blob = Descriptor::new("", digest, lack.blob.size);
    let mut last = work.stock.lacks(&digest);
    for place in 0..work.stock.places(&digest) {
        for _ in 0..2 {
            let way = Way::from(place, &blob);
            let open = |offset| work.open(&blob, &way, offset);
            match work.client.upload(repository, &blob, session.take(), open).await {
                Ok(()) => return Ok(Came::Uploaded),
                Err(error) if !error.is_of_source() => return Err(error),
                Err(error) => last = error,
            }
            if !work.stock.may_heal(last.root()) {
                break;
            }
        }
    }
    Err(last)
}
