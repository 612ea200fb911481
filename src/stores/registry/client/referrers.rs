//! What refers to a manifest, as far as a registry lists it by itself (OCI distribution spec, "Listing Referrers").

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{CONTENT_TYPE, HeaderName};
use reqwest::{Method, Url};
use tokio::sync::OnceCell;

use super::tags::{MAX_PAGES, next_page};
use super::{RegistryClient, Repository};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::manifest::{MAX_SIZE, Manifest};
use crate::model::media_type::OCI_INDEX;
use crate::stores::http::{Head, Reply, Request};

/// Says, in the answer to a push, that the registry lists what was pushed as a referrer.
const SUBJECT_HEADER: HeaderName = HeaderName::from_static("oci-subject");

/// What a registry lists as referring to a manifest.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// The referrers, in the order of the registry.
    pub referrers: Vec<Descriptor>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// How many pages more than the first of each list are read of lists that belong together.
#[derive(Debug)]
pub struct Pages(AtomicUsize);

impl Default for Pages {
    fn default() -> Self {
        Self(AtomicUsize::new(MAX_PAGES))
    }
}

impl Pages {
    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// What is known of the hosts that were asked: one probe for each.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts(Arc<Mutex<HashMap<String, Arc<Host>>>>);

#[derive(Debug, Default)]
struct Host {
    /// Whether it has the referrers API.
    has_api: OnceCell<bool>,
    /// Whether it has said that it lists what was pushed.
    says_subject: AtomicBool,
}

impl Hosts {
    fn of(&self, repository: &Repository) -> Arc<Host> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(repository.host().to_owned()).or_default())
    }

    /// Takes note of the answer to the push of a manifest.
    pub(super) fn note(&self, repository: &Repository, head: &Head) {
        if head.headers.contains_key(SUBJECT_HEADER) {
            self.of(repository).says_subject.store(true, Ordering::Relaxed);
        }
    }
}

impl RegistryClient {
    /// Returns whether a registry has the referrers API. The first call for a host asks, with `subject`; the others take
    /// its word.
    pub async fn lists_referrers(&self, repository: &Repository, subject: &Digest) -> Result<bool> {
        self.probe(repository, subject).await.map(|(has_api, _)| has_api)
    }

    /// Returns whether a registry has said, in answer to a push, that it lists what refers to something. Where it has
    /// not, whoever pushes a referrer keeps the list under a tag (OCI distribution spec, "Pushing Manifests with Subject").
    pub fn says_subject(&self, repository: &Repository) -> bool {
        self.hosts.of(repository).says_subject.load(Ordering::Relaxed)
    }

    /// Returns what a registry lists as referring to `subject`, at most `most`, and as far as `pages` go; `None` where it
    /// has no such API.
    pub async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        most: usize,
        pages: &Pages,
    ) -> Result<Option<Listed>> {
        let repository = &self.lists_of(repository);
        let (has_api, mut reply) = self.probe(repository, subject).await?;
        if !has_api {
            return Ok(None);
        }
        let what = format!("the referrers of {subject}");
        let mut url = self.url(repository, &format!("referrers/{subject}")).await?;
        let mut listed = Listed::default();
        loop {
            let page = match reply.take() {
                Some(reply) => reply,
                None => self.page_of_referrers(repository, url.clone()).await?,
            };
            if !is_list(&page) {
                return Err(self.refusal(repository, &what, &page));
            }
            let next = next_page(&page).and_then(|next| url.join(&next).ok());
            let page = page.whole().map_err(self.at(repository))?;
            let index = Manifest::parse(OCI_INDEX, &page.body).map_err(|error| {
                self.at(repository)(Error::Network {
                    what: what.clone(),
                    why: format!("the answer is not a list: {error}"),
                    hint: None,
                })
            })?;
            // A page that says nothing is the last one, whatever it links to.
            let next = next.filter(|_| !index.manifests.is_empty());
            let room = most.saturating_sub(listed.referrers.len());
            listed.more = index.manifests.len() > room;
            listed.referrers.extend(index.manifests.into_iter().take(room));
            match next {
                Some(next) if next.origin() != url.origin() => {
                    return Err(self.at(repository)(Error::Network {
                        what,
                        why: "the next page would be on another host".to_owned(),
                        hint: None,
                    }));
                }
                // Where the next page is asked for is not the reply's to choose: only which one.
                Some(next) if !listed.more && next.query() != url.query() => {
                    if !pages.take() {
                        listed.more = true;
                        return Ok(Some(listed));
                    }
                    url.set_query(next.query());
                }
                _ => return Ok(Some(listed)),
            }
        }
    }

    /// Asks a host once whether it has the API. The answer of the probe itself is returned, too, for it is a list.
    async fn probe(&self, repository: &Repository, subject: &Digest) -> Result<(bool, Option<Reply>)> {
        let host = self.hosts.of(repository);
        let mut first = None;
        let ask = async {
            let url = self.url(repository, &format!("referrers/{subject}")).await?;
            let reply = self.page_of_referrers(repository, url).await?;
            match reply.head.status.as_u16() {
                200 => {}
                400..=499 if !matches!(reply.head.status.as_u16(), 401 | 403 | 408 | 429) => {
                    return Ok(false);
                }
                _ => return Err(self.refusal(repository, &format!("the referrers of {subject}"), &reply)),
            }
            let has_api = is_list(&reply);
            first = has_api.then_some(reply);
            Ok(has_api)
        };
        let has_api = *host.has_api.get_or_try_init(|| ask).await?;
        Ok((has_api, first))
    }

    async fn page_of_referrers(&self, repository: &Repository, url: Url) -> Result<Reply> {
        let request = Request::new(Method::GET, url);
        self.fetch(repository, self.scopes(repository), request, MAX_SIZE).await
    }
}

fn is_list(reply: &Reply) -> bool {
    let content_type = reply.head.text(&CONTENT_TYPE).unwrap_or_default();
    reply.head.status.as_u16() == 200 && content_type.split(';').next().map(str::trim) == Some(OCI_INDEX)
}
