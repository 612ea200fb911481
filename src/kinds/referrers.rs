//! What refers to an artifact of a registry: found by the referrers API, else by the tag of the list, and by cosign's tags;
//! and what refers to that, as far as it goes.
//!
//! It costs one probe of the API for each host and one list of tags for each repository. Where there is the API, it is asked
//! once for each manifest; where there is none, nothing is asked that the list of tags does not name. Where tags cannot
//! be listed, those of the root are asked for by name.
//!
//! Nothing here says whether a signature is good. What does finds what was found in the referrers of the [`Item`], before
//! anything is written.
//!
//! [`Item`]: crate::content::plan::Item

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;

use super::{Places, Wanted};
use crate::content::budget::Share;
use crate::content::graph::{Graph, Node, Part};
use crate::content::jobs::{self, OnFailure};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::manifest::{MAX_SIZE, Manifest};
use crate::model::media_type;
use crate::model::reference::Reference;
use crate::model::referrer::{MAX_REFERRERS, Referrer, Referrers, cosign_tags, list_tag};
use crate::stores::bundle::rules;
use crate::stores::registry::client::{By, Pages, Repository};

/// What refers to an artifact.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// As `bundle.json` says it, in order.
    pub(super) referrers: Vec<Referrer>,
    /// Their manifests, by the digest of each.
    pub(super) graphs: HashMap<Digest, Graph>,
    /// What was left out, and why.
    pub(super) warnings: Vec<String>,
}

/// Where a search goes on.
#[derive(Clone)]
struct Search {
    reference: Arc<Reference>,
    repository: Repository,
    /// The artifact itself.
    root: Option<Digest>,
    places: Places,
    jobs: usize,
    /// What their manifests may take.
    share: Arc<Share>,
    /// How far the lists of the artifact may go on.
    pages: Arc<Pages>,
}

/// So many manifests are asked about before it is seen whether too much refers to them.
const AT_ONCE: usize = 64;

/// What tells referrers apart: subject, digest and tag.
type Key = (Digest, Digest, Option<String>);

/// Something that is said to refer to a manifest.
struct Candidate {
    subject: Digest,
    tag: Option<String>,
    descriptor: Descriptor,
    /// Its bytes, where they are known already.
    bytes: Option<Bytes>,
}

/// What one manifest is said to be referred to by.
#[derive(Default)]
struct Answer {
    candidates: Vec<Candidate>,
    problems: Vec<Problem>,
}

/// Why something may be left out.
enum Problem {
    /// It could not be asked for or fetched: what was lacking, and the reason.
    Lacking(String, Error),
    /// The tags of the repository cannot be listed; the reason was told before where there is none.
    Tags(Option<Error>),
    /// It is not what it is said to be: nothing is lacking.
    Strange(String),
}

/// Finds everything that refers to a manifest of `part`, or to what refers to it.
///
/// Errors: under [`Referrers::Require`], where something could not be asked for or fetched.
pub(super) async fn discover(
    reference: &Reference,
    part: &Part<'_>,
    places: &Places,
    wanted: &Wanted,
    share: &Arc<Share>,
) -> Result<Found> {
    let mut found = Found::default();
    if wanted.referrers == Referrers::None {
        return Ok(found);
    }
    let search = Search {
        reference: Arc::new(reference.clone()),
        repository: Repository::of(reference),
        root: part.nodes.first().map(|node| node.descriptor.digest),
        places: places.clone(),
        jobs: wanted.jobs,
        share: Arc::clone(share),
        pages: Arc::default(),
    };
    let mut all: BTreeMap<Key, Referrer> = BTreeMap::new();
    let mut room = MAX_REFERRERS;
    let mut asked: HashSet<Digest> = HashSet::new();
    let mut level: Vec<Digest> = part.nodes.iter().map(|node| node.descriptor.digest).collect();
    while !level.is_empty() {
        level.retain(|digest| asked.insert(*digest));
        let mut candidates = Vec::new();
        let mut seen = HashSet::new();
        while !level.is_empty() && candidates.len() <= room {
            let later = level.split_off(level.len().min(AT_ONCE));
            for answer in search.ask_all(std::mem::replace(&mut level, later)).await? {
                for problem in answer.problems {
                    found.note(&search, problem, wanted.referrers)?;
                }
                let tags = answer.candidates.iter().filter(|candidate| candidate.tag.is_some());
                let tagged: HashSet<Digest> = tags.map(|candidate| candidate.descriptor.digest).collect();
                candidates.extend(answer.candidates.into_iter().filter(|candidate| {
                    let digest = candidate.descriptor.digest;
                    let known = candidate.tag.is_none() && tagged.contains(&digest);
                    let key = (candidate.subject, digest, candidate.tag.clone());
                    digest != candidate.subject && !known && !all.contains_key(&key) && seen.insert(key)
                }));
            }
        }
        level.clear();
        if candidates.len() > room {
            candidates.truncate(room);
            let message = format!("`{reference}` has more than {MAX_REFERRERS} referrers");
            let error = Error::Unsupported { message, hint: Some(SKIP.to_owned()) };
            found.note(&search, Problem::Lacking(FURTHER.to_owned(), error), wanted.referrers)?;
        }
        room = room.saturating_sub(candidates.len());
        let fetched = jobs::run(wanted.jobs, OnFailure::GoOn, candidates, |candidate| {
            let search = search.clone();
            async move { Ok(search.fetch(candidate).await) }
        })
        .await;
        for fetched in fetched.into_iter().flatten() {
            match fetched? {
                Ok((referrer, graph)) => {
                    level.extend(graph.part(&[]).nodes.iter().map(|node| node.descriptor.digest));
                    let key = (referrer.subject, referrer.digest, referrer.tag.clone());
                    found.graphs.insert(referrer.digest, graph);
                    all.insert(key, referrer);
                }
                Err(problem) => found.note(&search, problem, wanted.referrers)?,
            }
        }
    }
    found.referrers = all.into_values().collect();
    Ok(found)
}

/// What is left out where there is too much.
const FURTHER: &str = "further referrers";
/// What to do where referrers are required and cannot be had.
const SKIP: &str =
    "`--referrers best-effort` goes on without them, `--referrers none` does not look for them";

impl Found {
    /// Makes a warning of a problem, or an error where nothing may be lacking.
    fn note(&mut self, search: &Search, problem: Problem, referrers: Referrers) -> Result<()> {
        let (reference, repository) = (&search.reference, &search.repository);
        let is_required = referrers == Referrers::Require;
        match problem {
            Problem::Strange(message) => self.warnings.push(message),
            Problem::Lacking(_, error) | Problem::Tags(Some(error))
                if matches!(error.root(), Error::Interrupted(_)) =>
            {
                return Err(error);
            }
            Problem::Lacking(what, error) if is_required => {
                return Err(error.during(format!("{what} could not be had")).with_hint(SKIP));
            }
            Problem::Lacking(what, error) => {
                let warning = format!("`{reference}` goes without {what}: {}", in_full(&error));
                // Where there is no more room, it is the same for all that follow.
                if self.warnings.last() != Some(&warning) {
                    self.warnings.push(warning);
                }
            }
            Problem::Tags(error) if is_required => {
                let said = || Error::Conflict {
                    message: "the reason is said for another artifact".to_owned(),
                    items: vec![],
                    hint: None,
                };
                let doing = format!("the tags of `{repository}`, which may name signatures, cannot be listed");
                return Err(error.unwrap_or_else(said).during(doing).with_hint(SKIP));
            }
            Problem::Tags(None) => {}
            Problem::Tags(Some(error)) => self.warnings.push(format!(
                "the tags of `{repository}` cannot be listed, so that of what refers by tags only that is looked for which refers to \
                 a whole image: {}",
                in_full(&error)
            )),
        }
        Ok(())
    }
}

impl Search {
    /// Asks what refers to each of some manifests.
    async fn ask_all(&self, subjects: Vec<Digest>) -> Result<Vec<Answer>> {
        let answers = jobs::run(self.jobs, OnFailure::GoOn, subjects, |subject| {
            let search = self.clone();
            async move { Ok(Box::pin(search.ask(subject)).await) }
        });
        answers.await.into_iter().flatten().collect()
    }

    /// Asks what refers to a manifest.
    async fn ask(&self, subject: Digest) -> Answer {
        let (client, repository) = (&self.places.registry, &self.repository);
        let list = list_tag(&subject);
        let tags: Vec<String> = std::iter::once(list.clone()).chain(cosign_tags(&subject)).collect();
        let (listed, named_tags) = futures_util::future::join(
            Box::pin(client.referrers(repository, &subject, MAX_REFERRERS, &self.pages)),
            self.places.tag_lists.among(client, repository, &tags),
        )
        .await;
        let mut answer = Answer::default();
        let named = |descriptor: Descriptor| Candidate {
            subject,
            tag: None,
            descriptor: Descriptor::new(&descriptor.media_type, descriptor.digest, descriptor.size),
            bytes: None,
        };
        let lacking = |tag: &str, error| Problem::Lacking(format!("what tag `{tag}` names"), error);
        let (has_api, is_listed) = (matches!(listed, Ok(Some(_))), named_tags.is_some());
        match listed {
            Ok(Some(listed)) => {
                answer.candidates.extend(listed.referrers.into_iter().map(named));
                if listed.more {
                    let error = too_many(&subject);
                    answer.problems.push(Problem::Lacking(format!("further referrers of {subject}"), error));
                }
            }
            Ok(None) => {}
            Err(error) => {
                answer.problems.push(Problem::Lacking(format!("the referrers of {subject}"), error));
            }
        }
        let mut tags: Vec<String> = match named_tags {
            Some(named) => named,
            None if self.root == Some(subject) => tags,
            None => {
                answer.problems.push(Problem::Tags(self.places.tag_lists.reason(repository)));
                return answer;
            }
        };
        tags.retain(|tag| !has_api || *tag != list);
        for tag in tags {
            if !is_listed {
                match client.head_manifest(repository, By::Tag(&tag)).await {
                    Ok(Some(_)) => {}
                    Ok(None) => continue,
                    Err(error) => {
                        answer.problems.push(lacking(&tag, error));
                        continue;
                    }
                }
            }
            let fetched = match client.manifest(repository, By::Tag(&tag)).await {
                Ok(fetched) => fetched,
                Err(error) => {
                    answer.problems.push(lacking(&tag, error));
                    continue;
                }
            };
            if let Err(error) = self.share.take(fetched.descriptor.size) {
                answer.problems.push(Problem::Lacking(FURTHER.to_owned(), error));
                continue;
            }
            if tag != list {
                let (descriptor, bytes) = (fetched.descriptor, Some(fetched.bytes));
                answer.candidates.push(Candidate { subject, tag: Some(tag), descriptor, bytes });
                continue;
            }
            match Manifest::parse(&fetched.descriptor.media_type, &fetched.bytes) {
                Ok(index) if index.media_type == media_type::OCI_INDEX => {
                    answer.candidates.extend(index.manifests.into_iter().take(MAX_REFERRERS + 1).map(named));
                }
                _ => {
                    let message = format!("tag `{tag}` of `{repository}` does not hold a list of referrers");
                    answer.problems.push(Problem::Strange(message));
                }
            }
        }
        answer
    }

    /// Fetches the manifests of a referrer, and sees whether it is one.
    async fn fetch(&self, candidate: Candidate) -> Result<(Referrer, Graph), Problem> {
        let Candidate { subject, tag, descriptor, bytes } = candidate;
        let digest = descriptor.digest;
        let lacking = |error| Problem::Lacking(format!("its referrer {digest}"), error);
        if bytes.is_none() {
            let full = |error| Problem::Lacking(FURTHER.to_owned(), error);
            self.share.take(descriptor.size).map_err(full)?;
        }
        let root = self.node(descriptor, bytes).await.map_err(lacking)?;
        let says = root.manifest.subject.as_ref().map(|subject| subject.digest);
        if tag.is_none() && says != Some(subject) {
            let message = format!(
                "{digest} of `{}` is listed as a referrer of {subject}, but does not say so itself",
                self.repository
            );
            return Err(Problem::Strange(message));
        }
        let artifact_type = Some(root.manifest.type_of_artifact().to_owned()).filter(|text| !text.is_empty());
        if let Some(text) = artifact_type.as_ref().filter(|text| rules::fitting(text) != **text) {
            let message =
                format!("artifact type `{}` is nothing that a bundle can say", rules::printable(text));
            return Err(lacking(Error::Unsupported { message, hint: None }));
        }
        let media_type = root.descriptor.media_type.clone();
        let graph = Graph::walk(root, &[], self.jobs, &self.share, |child| {
            let search = self.clone();
            async move { search.bytes(&child).await }
        });
        let graph = graph.await.map_err(lacking)?;
        let size = graph.part(&[]).sizes().values().fold(0_u64, |sum, size| sum.saturating_add(*size));
        Ok((Referrer { subject, digest, tag, media_type, artifact_type, size }, graph))
    }

    async fn node(&self, descriptor: Descriptor, bytes: Option<Bytes>) -> Result<Node> {
        if descriptor.size > MAX_SIZE {
            let message = format!("manifest {} is longer than {MAX_SIZE} bytes", descriptor.digest);
            return Err(Error::Unsupported { message, hint: None });
        }
        let bytes = match bytes {
            Some(bytes) => bytes,
            None => self.bytes(&descriptor).await?,
        };
        Node::new(descriptor, bytes)
    }

    async fn bytes(&self, manifest: &Descriptor) -> Result<Bytes> {
        let Places { registry, earlier, .. } = &self.places;
        let by = By::Digest(&manifest.digest);
        let fetch = async { Ok(registry.manifest(&self.repository, by).await?.bytes) };
        earlier.bytes(manifest, Box::pin(fetch)).await
    }
}

fn too_many(subject: &Digest) -> Error {
    let message = format!(
        "the list of what refers to {subject} is too long: {MAX_REFERRERS} entries and 1000 further pages are read"
    );
    Error::Unsupported { message, hint: Some(SKIP.to_owned()) }
}

/// Returns an error with its causes on one line.
fn in_full(error: &Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let mut text = String::new();
    for line in causes.map(ToString::to_string) {
        if !text.ends_with(&line) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&line);
        }
    }
    text.replace('\n', " ")
}
