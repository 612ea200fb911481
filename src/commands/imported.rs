//! A bundle that was imported into a registry, found again by the receipt that the import has left there.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;

use bytes::Bytes;

use super::import::receipt::{BUNDLE, NAMES, Names, titled};
use super::open::Choice;
use super::report::{BundleRow, Report};
use super::together;
use crate::content::body::ProvenBody;
use crate::content::jobs;
use crate::content::progress::Progress;
use crate::model::contents::{Artifact, Contents, MAX_SIZE};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::model::media_type;
use crate::model::object::Object;
use crate::model::target::{Destination, Target};
use crate::stores::bundle::{self, rules, slots::Slots};
use crate::stores::registry::client::{By, RegistryClient, Repository};

/// The most receipts that are looked at to say which bundles there are.
const MOST: usize = 100;

/// What keeps a receipt from being found.
const NONE_THERE: &str = "say registry and prefix as they were said to `airgap-bundle import --to`, and the same `--max-components`; the same import \
                          again leaves a receipt where it had failed in part, or was told `--no-receipt`";

/// What to do where a registry has other bytes than it says.
const PUT_AGAIN: &str =
    "delete that repository in the registry, and put it there again with `airgap-bundle import --no-receipt`";

/// Where to look for a bundle that was imported, and how.
#[derive(Debug)]
pub struct Search {
    /// The registry, and the prefix that the import was given.
    pub at: Destination,
    /// The most parts of a repository's path that the import was given.
    pub max_components: Option<NonZeroUsize>,
    /// Speaks to the registry.
    pub client: RegistryClient,
    /// How many things are done at once.
    pub jobs: usize,
    /// Which bundle; its path is the registry as it was typed.
    pub choice: Choice,
}

/// A bundle in a registry.
#[derive(Debug)]
pub(super) struct Imported<'a> {
    search: &'a Search,
    /// What its receipt is called.
    receipt: String,
    id: Digest,
    contents: Contents,
    /// Repositories by reference and digest.
    places: HashMap<(String, Digest), Repository>,
}

/// A receipt, whose `bundle.json` and names are still to be read.
struct Receipt {
    name: String,
    bundle: Descriptor,
    /// Where its names are, if it says so.
    names: Option<Descriptor>,
}

impl Search {
    /// Finds the bundle, and reads what it carries and where that is.
    ///
    /// Errors: [`Error::NotFound`]; [`Error::Conflict`] where there are several and nobody said which.
    pub(super) async fn run(&self, progress: &dyn Progress) -> Result<Imported<'_>> {
        progress.phase("looking for the receipt", None, None);
        let repository = self.repository()?;
        let receipt = match &self.choice.expect {
            Some(id) => self.expected(&repository, id).await?,
            None => self.only(&repository).await?,
        };
        let wrong = |file: &str, why: &str| Error::Unsupported {
            message: format!("{}: `{file}` of `{}`: {why}", self.side(), receipt.name),
            hint: None,
        };
        let raw = self.file(&repository, &receipt.bundle, progress).await?;
        let contents = bundle::parse(&raw).and_then(|contents| rules::check(&contents).map(|()| contents));
        let contents = contents.map_err(|why| wrong(BUNDLE, &why))?;
        let id = Digest::sha256(&raw);
        let names = receipt.names.as_ref().ok_or_else(|| wrong(NAMES, "it is not there"))?;
        let raw = self.file(&repository, names, progress).await?;
        let Object::<Names>(names) =
            serde_json::from_slice(&raw).map_err(|error| wrong(NAMES, &error.to_string()))?;
        if names.bundle != id {
            let got = names.bundle;
            return Err(Error::Mismatch {
                what: format!("{}: the bundle of `{NAMES}` of `{}`", self.side(), receipt.name),
                expected: id.to_string(),
                got: got.to_string(),
            });
        }
        let mut places = HashMap::new();
        for name in names.names {
            let repository = Repository::new(self.at.registry(), name.repository())
                .map_err(|error| wrong(NAMES, &error.to_string()))?;
            places.entry((name.reference, name.digest)).or_insert(repository);
        }
        let imported = Imported { search: self, receipt: receipt.name, id, contents, places };
        self.choice.announce(imported.row(), &imported.contents, progress);
        Ok(imported)
    }

    async fn expected(&self, repository: &Repository, id: &Digest) -> Result<Receipt> {
        let found = read(self.client.clone(), repository.clone(), id.short()).await.map_err(|error| {
            match error.root() {
                Error::NotFound { .. } => {
                    self.missing(&format!("the receipt of bundle {id} in `{repository}`"))
                }
                _ => error,
            }
        })?;
        let receipt = found.ok_or_else(|| {
            self.missing(&format!(
                "the receipt of bundle {id}, whose name `{repository}:{}` something else has,",
                id.short()
            ))
        })?;
        if receipt.bundle.digest == *id {
            return Ok(receipt);
        }
        Err(Error::Mismatch {
            what: format!("{}: the bundle id that `{}` says", self.side(), receipt.name),
            expected: id.to_string(),
            got: receipt.bundle.digest.to_string(),
        })
    }

    /// Returns the one receipt that is there.
    async fn only(&self, repository: &Repository) -> Result<Receipt> {
        let nothing = || self.missing(&format!("a receipt in `{repository}`"));
        let tags = self.client.tags(repository, is_receipt).await.map_err(|error| match error.root() {
            Error::NotFound { .. } => nothing(),
            _ => error.during(format!(
                "which bundles `{}` holds is not known without its list of tags; with `--expect sha256:…` none is needed",
                self.at
            )),
        })?;
        let more = tags.len().saturating_sub(MOST);
        let read = jobs::run_all(self.jobs, tags.into_iter().take(MOST), |tag| {
            read(self.client.clone(), repository.clone(), tag)
        });
        let mut receipts: Vec<Receipt> = read.await?.into_iter().flatten().collect();
        let ids: BTreeSet<Digest> = receipts.iter().map(|receipt| receipt.bundle.digest).collect();
        match receipts.pop() {
            None => Err(nothing()),
            Some(receipt) if ids.len() == 1 && more == 0 => Ok(receipt),
            Some(_) => {
                let items: Vec<String> = ids.iter().map(Digest::to_string).collect();
                let listed = together::lines(&items);
                let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
                Err(Error::Conflict {
                    message: format!(
                        "{}: `{repository}` has the receipts of several bundles:{listed}{more}",
                        self.side()
                    ),
                    items: vec![],
                    hint: Some("say which bundle with `--expect sha256:…`".to_owned()),
                })
            }
        }
    }

    /// Reads a file of a receipt.
    async fn file(
        &self,
        repository: &Repository,
        file: &Descriptor,
        progress: &dyn Progress,
    ) -> Result<Bytes> {
        if file.size > MAX_SIZE {
            let (digest, size) = (file.digest, file.size);
            let message = format!("{}: blob {digest} has {size} bytes, more than {MAX_SIZE}", self.side());
            return Err(Error::Unsupported { message, hint: None });
        }
        let read = once_more(progress, || async {
            let raw = self.client.blob(repository, file, 0).await?;
            ProvenBody::new(file, raw, &format!("registry `{}`", self.at.registry())).bytes().await
        });
        read.await.map_err(advise)
    }

    fn repository(&self) -> Result<Repository> {
        // The repository is the same for every bundle.
        let target = Target::receipt(self.at.prefix(), &Digest::sha256(b""));
        let target = target.map_err(|error| Error::usage(error.to_string(), None))?;
        Repository::new(self.at.registry(), target.within(self.max_components).repository())
    }

    fn missing(&self, what: &str) -> Error {
        Error::NotFound { what: format!("{}: {what}", self.side()), hint: Some(NONE_THERE.to_owned()) }
    }

    fn side(&self) -> String {
        format!("reading from registry `{}`", self.at.registry())
    }
}

impl Imported<'_> {
    /// Returns what the bundle carries, which need not all have been imported.
    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Returns how many things are done at once.
    pub(super) fn jobs(&self) -> usize {
        self.search.jobs
    }

    /// Returns where an artifact is.
    ///
    /// Errors: [`Error::NotFound`] where the receipt does not name it.
    pub(super) fn place(&self, artifact: &Artifact) -> Result<(RegistryClient, Repository)> {
        let key = (artifact.reference.clone(), artifact.digest);
        let repository = self.places.get(&key).ok_or_else(|| Error::NotFound {
            what: format!("{}: a name for it in the receipt `{}`", self.search.side(), self.receipt),
            hint: Some(format!(
                "it was not imported: do so with `airgap-bundle import --to {}`, or leave it out with `--except`",
                self.search.at
            )),
        })?;
        Ok((self.search.client.clone(), repository.clone()))
    }

    /// Begins the report of a command on this bundle.
    pub(super) fn report(&self, command: &'static str) -> Report {
        self.search.choice.report(command, self.row(), &self.contents)
    }

    /// Ends the summary, as [`Choice::conclude`].
    pub(super) fn conclude(&self, report: &mut Report) {
        self.search.choice.conclude(report);
    }

    fn row(&self) -> BundleRow {
        BundleRow {
            path: self.search.choice.path.to_string(),
            id: Some(self.id),
            size: Slots::new(&self.contents).map_or(u64::MAX, |slots| slots.length()),
            format: self.contents.format,
            complete: self.contents.missing.is_empty(),
        }
    }
}

/// Does something that reads, and once more where bytes were wrong: a network may have damaged them.
pub(super) async fn once_more<T, Fut: Future<Output = Result<T>>>(
    progress: &dyn Progress,
    work: impl Fn() -> Fut,
) -> Result<T> {
    match work().await {
        Err(error @ Error::Mismatch { .. }) => {
            progress.note(&format!("{error}; asking again"));
            work().await
        }
        other => other,
    }
}

/// Adds what to do where a registry has other bytes than it says.
pub(super) fn advise(error: Error) -> Error {
    if matches!(error.root(), Error::Mismatch { .. }) { error.with_hint(PUT_AGAIN) } else { error }
}

/// Returns whether a tag may be that of a receipt: the first 16 hexadecimal digits of a bundle id.
fn is_receipt(tag: &str) -> bool {
    tag.len() == 16 && tag.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Reads a receipt; `None` for what is none.
async fn read(client: RegistryClient, repository: Repository, tag: String) -> Result<Option<Receipt>> {
    let there = client.manifest(&repository, By::Tag(&tag)).await?;
    let manifest = Manifest::parse(&there.descriptor.media_type, &there.bytes).ok();
    let manifest = manifest.filter(|manifest| manifest.type_of_artifact() == media_type::RECEIPT);
    Ok(manifest.and_then(|manifest| {
        let bundle = titled(&manifest, BUNDLE)?.clone();
        let names = titled(&manifest, NAMES).cloned();
        Some(Receipt { name: format!("{repository}:{tag}"), bundle, names })
    }))
}
