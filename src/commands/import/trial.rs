//! Every repository that something will be named in is tried before the first blob: an upload is begun there. What is
//! closed is told all at once, before hours of pushing, and the uploads serve for the first blobs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::survey::Survey;
use super::work::{Work, is_silence};
use crate::content::jobs::{self, OnFailure};
use crate::model::error::{Error, Result};
use crate::stores::registry::client::{Repository, UploadSession};

/// So many begun uploads are kept; registries bound them, too.
const MAX_KEPT: usize = 512;

/// A repository that takes no upload.
#[derive(Debug)]
pub(super) struct Refusal {
    repository: Repository,
    /// What the registry says, with the repository in front.
    text: String,
    /// What it wants, where that is known.
    pub(super) hint: Option<String>,
}

/// Uploads that were begun and wait for a blob, by repository.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<HashMap<usize, UploadSession>>);

impl Kept {
    /// Takes the upload of a repository, if there is one.
    pub(super) fn take(&self, repository: usize) -> Option<UploadSession> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&repository)
    }

    /// Keeps an upload, or returns it where there are enough.
    fn keep(&self, repository: usize, session: UploadSession) -> Option<UploadSession> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            return Some(session);
        }
        kept.insert(repository, session)
    }

    fn drain(&self) -> Vec<(usize, UploadSession)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}

impl Refusal {
    fn new(repository: &Repository, error: &Error) -> Self {
        let whole = error.root().to_string();
        let side = format!("writing to registry `{}`: beginning an upload of ", repository.registry());
        let text =
            whole.strip_prefix(&side).map_or_else(|| format!("`{repository}`: {whole}"), str::to_owned);
        Self { repository: repository.clone(), text, hint: error.hint().map(str::to_owned) }
    }

    /// Returns what is said of one artifact that cannot be pushed there.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Makes one error of refusals, each with an artifact that it concerns; each repository is said once.
pub(super) fn error(refusals: &[(Arc<Refusal>, String)]) -> Option<Error> {
    let mut each: BTreeMap<&Repository, (&Refusal, Vec<&str>)> = BTreeMap::new();
    for (refusal, artifact) in refusals {
        each.entry(&refusal.repository).or_insert((refusal, vec![])).1.push(artifact);
    }
    let hints: BTreeSet<Option<&str>> = each.values().map(|(refusal, _)| refusal.hint.as_deref()).collect();
    let shared = hints.first().copied().flatten().filter(|_| hints.len() == 1).map(str::to_owned);
    let item = |(refusal, artifacts): &(&Refusal, Vec<&str>)| {
        let first = artifacts.first().copied().unwrap_or_default();
        let more = match artifacts.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count.saturating_sub(1)),
        };
        let own = refusal.hint.as_ref().filter(|_| shared.is_none());
        let own = own.map(|hint| format!("\n    {hint}")).unwrap_or_default();
        format!("{}, needed for `{first}`{more}{own}", refusal.text)
    };
    let items: Vec<String> = each.values().map(item).collect();
    let registry = each.keys().next()?.registry();
    let count = match items.len() {
        1 => "1 repository takes no upload".to_owned(),
        count => format!("{count} repositories take no upload"),
    };
    let message = format!("writing to registry `{registry}`: {count}");
    Some(Error::Conflict { message, items, hint: shared })
}

/// Begins an upload in every repository in which a name is to be set, and notes in the survey which refuse it.
pub(super) async fn run(work: &Arc<Work>, survey: &mut Survey) {
    let tried: BTreeSet<usize> = (work.plan.names.iter().zip(&survey.names))
        .filter(|(_, found)| found.is_to_set())
        .map(|(name, _)| name.repository)
        .collect();
    work.progress.phase("trying repositories", None, u64::try_from(tried.len()).ok());
    let results = jobs::run(work.jobs, OnFailure::GoOn, tried.clone(), |number| {
        let work = Arc::clone(work);
        async move { work.ask(one(&work, number)).await }
    })
    .await;
    for (number, result) in tried.into_iter().zip(results) {
        // What is not there for anybody is told by whatever is done next.
        if let (Some(Err(error)), Ok(repository)) = (result, work.repository(number))
            && !is_silence(&error)
            && !matches!(error.root(), Error::Interrupted(_))
        {
            survey.refused.insert(number, Arc::new(Refusal::new(repository, &error)));
        }
    }
}

async fn one(work: &Work, number: usize) -> Result<()> {
    let repository = work.repository(number)?;
    let session = work.client.begin_upload(repository).await?;
    if let Some(surplus) = work.kept.keep(number, session) {
        work.client.cancel_upload(repository, &surplus).await;
    }
    Ok(())
}

/// Gives up the uploads that no blob needed.
pub(super) async fn end(work: &Arc<Work>) {
    jobs::run(work.jobs, OnFailure::GoOn, work.kept.drain(), |(number, session)| {
        let work = Arc::clone(work);
        async move {
            work.client.cancel_upload(work.repository(number)?, &session).await;
            Ok(())
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &str, hint: Option<&str>) -> Arc<Refusal> {
        let repository = Repository::new("r", path).unwrap();
        let what = format!("writing to registry `r`: beginning an upload of `{repository}`");
        let hint = hint.map(str::to_owned);
        Arc::new(Refusal::new(&repository, &Error::Remote { what, status: 405, detail: String::new(), hint }))
    }

    #[test]
    fn what_all_want_is_said_once() {
        let all = [("b", "1"), ("a", "2"), ("b", "3")];
        let error = error(&all.map(|(path, name)| (refusal(path, Some("want")), name.to_owned()))).unwrap();
        assert_eq!(
            error.to_string(),
            "writing to registry `r`: 2 repositories take no upload\n  `r/a`: HTTP status 405, needed for `2`\n  \
             `r/b`: HTTP status 405, needed for `1` and 1 more"
        );
        assert_eq!(error.hint(), Some("want"));
    }

    #[test]
    fn what_each_wants_stands_with_it() {
        let all = [("a", Some("one")), ("b", Some("two")), ("c", None)];
        let error = error(&all.map(|(path, hint)| (refusal(path, hint), "x".to_owned()))).unwrap();
        assert_eq!(
            error.to_string(),
            "writing to registry `r`: 3 repositories take no upload\n  `r/a`: HTTP status 405, needed for `x`\n    one\n  \
             `r/b`: HTTP status 405, needed for `x`\n    two\n  `r/c`: HTTP status 405, needed for `x`"
        );
        assert_eq!(error.hint(), None);
    }
}
