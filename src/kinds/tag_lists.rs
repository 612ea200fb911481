//! The tags of repositories under which something that refers may be found, each list asked for once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::model::error::Error;
use crate::model::referrer::is_referring_tag;
use crate::stores::registry::client::{RegistryClient, Repository};

/// What repositories say of such tags. Clones share it, so that each repository is asked once.
#[derive(Clone, Debug, Default)]
pub struct TagLists(Arc<Mutex<HashMap<Repository, Arc<OnceCell<Tags>>>>>);

/// What a repository says of its tags.
#[derive(Debug)]
enum Tags {
    There(BTreeSet<String>),
    /// They cannot be listed; the reason is there until someone has told it.
    Unknown(Mutex<Option<Error>>),
}

impl TagLists {
    /// Returns those of `tags` that a repository has; none where it does not list its tags.
    pub(super) async fn among(
        &self,
        client: &RegistryClient,
        repository: &Repository,
        tags: &[String],
    ) -> Option<Vec<String>> {
        let ask = async {
            match client.tags(repository, is_referring_tag).await {
                Ok(tags) => Tags::There(tags),
                Err(error) => Tags::Unknown(Mutex::new(Some(error))),
            }
        };
        match self.of(repository).get_or_init(|| ask).await {
            Tags::There(there) => Some(tags.iter().filter(|tag| there.contains(*tag)).cloned().collect()),
            Tags::Unknown(_) => None,
        }
    }

    /// Takes the reason why a repository does not list its tags; none where somebody has told it.
    pub(super) fn reason(&self, repository: &Repository) -> Option<Error> {
        match self.of(repository).get()? {
            Tags::There(_) => None,
            Tags::Unknown(error) => error.lock().unwrap_or_else(PoisonError::into_inner).take(),
        }
    }

    fn of(&self, repository: &Repository) -> Arc<OnceCell<Tags>> {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lists.entry(repository.clone()).or_default())
    }
}
