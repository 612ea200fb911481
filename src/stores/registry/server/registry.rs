//! What the server serves: a store, and what each repository holds of it. Routes go through here, and so may tests.

use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::repositories::{Entry, Repositories, Repository};
use super::store::{Change, Content, Store, What};
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::manifest;

/// The content of a registry.
#[derive(Debug)]
pub struct Registry {
    store: Box<dyn Store>,
    repositories: RwLock<Repositories>,
}

/// What a tag or a digest leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Media type that it was pushed with.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
}

impl Registry {
    /// Opens what the store has recorded.
    pub fn open(store: Box<dyn Store>) -> io::Result<Self> {
        let mut repositories = Repositories::default();
        for change in store.load()? {
            let entry = match &change.what {
                What::Manifest(digest, media_type) => {
                    let content = store.open(digest)?.ok_or_else(|| {
                        io::Error::new(
                            io::ErrorKind::InvalidData,
                            format!("the bytes of {digest} are missing"),
                        )
                    })?;
                    Some(Entry::of(media_type, &content.read(manifest::MAX_SIZE)?))
                }
                _ => None,
            };
            repositories.apply(change, entry);
        }
        Ok(Self { store, repositories: RwLock::new(repositories) })
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    pub(super) fn repositories(&self) -> RwLockReadGuard<'_, Repositories> {
        self.repositories.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records changes of one repository, in order.
    pub(super) fn commit(&self, repository: &str, changes: Vec<(What, Option<Entry>)>) -> io::Result<()> {
        // The lock is held while the store records, so that both see changes in one order.
        let mut repositories = self.repositories.write().unwrap_or_else(PoisonError::into_inner);
        for (what, entry) in changes {
            let change = Change { repository: repository.to_owned(), what };
            self.store.record(&change)?;
            repositories.apply(change, entry);
        }
        Ok(())
    }

    /// Stores a manifest's bytes and gives them their names. Nothing is checked here.
    pub(super) fn keep_manifest(
        &self,
        repository: &str,
        digest: Digest,
        tag: Option<&str>,
        media_type: &str,
        bytes: &[u8],
    ) -> io::Result<()> {
        let mut stage = self.store.stage(u64::try_from(bytes.len()).ok())?;
        stage.append(bytes)?;
        stage.keep(&digest)?;
        let manifest = (What::Manifest(digest, media_type.to_owned()), Some(Entry::of(media_type, bytes)));
        let tag = tag.map(|tag| (What::Tag(tag.to_owned(), digest), None));
        self.commit(repository, std::iter::once(manifest).chain(tag).collect())
    }

    /// Runs `look` on a repository; none where it has no content.
    pub(super) fn look<T>(&self, repository: &str, look: impl FnOnce(&Repository) -> T) -> Option<T> {
        self.repositories().get(repository).map(look)
    }

    /// Finds a manifest by tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Found> {
        self.look(repository, |held| {
            let digest = match reference.parse::<Digest>() {
                Ok(digest) => digest,
                Err(_) => *held.tags.get(reference)?,
            };
            let entry = held.manifests.get(&digest)?;
            Some(Found { digest, media_type: entry.media_type.clone(), size: entry.size })
        })?
    }

    /// Returns whether a repository holds a blob.
    pub fn has_blob(&self, repository: &str, digest: &Digest) -> bool {
        self.look(repository, |held| held.blobs.contains(digest)).unwrap_or(false)
    }

    /// Returns the tags of a repository, sorted.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        self.look(repository, |held| held.tags.keys().cloned().collect()).unwrap_or_default()
    }

    /// Opens the bytes of a digest, whichever repositories hold them.
    pub fn content(&self, digest: &Digest) -> Result<Option<Content>> {
        self.store.open(digest).map_err(Error::io(format!("opening {digest}")))
    }

    /// Puts a blob into a repository, past the routes, and returns its sha256.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::sha256(bytes);
        self.put_blob_as(repository, digest, bytes)?;
        Ok(digest)
    }

    /// Puts bytes into a repository as the blob of a digest that is not checked.
    pub fn put_blob_as(&self, repository: &str, digest: Digest, bytes: &[u8]) -> Result<()> {
        let put = || {
            let mut stage = self.store.stage(u64::try_from(bytes.len()).ok())?;
            stage.append(bytes)?;
            stage.keep(&digest)?;
            self.commit(repository, vec![(What::Blob(digest), None)])
        };
        put().map_err(Error::io(format!("storing blob {digest}")))
    }

    /// Puts a manifest into a repository, past the routes and every check, and returns its sha256. `tag` names it.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Digest> {
        let digest = Digest::sha256(bytes);
        self.put_manifest_as(repository, digest, tag, media_type, bytes)?;
        Ok(digest)
    }

    /// Puts bytes into a repository as the manifest of a digest that is not checked.
    pub fn put_manifest_as(
        &self,
        repository: &str,
        digest: Digest,
        tag: Option<&str>,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<()> {
        self.keep_manifest(repository, digest, tag, media_type, bytes)
            .map_err(Error::io(format!("storing manifest {digest}")))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::store::Memory;
    use super::*;
    use crate::model::media_type::OCI_INDEX;

    #[test]
    fn finds_by_tag_and_by_digest_what_was_put() {
        let registry = Registry::open(Box::new(Memory::default())).unwrap();
        let bytes: Bytes = Bytes::from_static(br#"{"schemaVersion":2,"manifests":[]}"#);
        let digest = registry.put_manifest("a/b", Some("v1"), OCI_INDEX, &bytes).unwrap();
        let found = registry.manifest("a/b", "v1").unwrap();
        assert_eq!((found.digest, found.size), (digest, 34));
        assert_eq!(registry.manifest("a/b", &digest.to_string()), Some(found));
        assert_eq!(registry.manifest("a/b", "v2"), None);
        assert_eq!(registry.manifest("a", "v1"), None);
        assert_eq!(registry.tags("a/b"), ["v1"]);
        assert_eq!(registry.content(&digest).unwrap().unwrap().read(100).unwrap(), bytes);
    }
}
