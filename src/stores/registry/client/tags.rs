//! What tags a repository has, and whether it is there at all.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::LINK;
use serde::Deserialize;

use super::refusal::codes;
use super::{RegistryClient, Repository};
use crate::model::error::{Error, Result};
use crate::model::reference::is_tag;
use crate::stores::http::{Reply, Request};

/// The longest page of tags: 8 MiB.
const MAX_PAGE: u64 = 8 << 20;
/// So many pages are read.
pub(super) const MAX_PAGES: usize = 1000;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl RegistryClient {
    /// Returns the tags of a repository that are `wanted`. All its tags are read, in at most 1,000 pages.
    ///
    /// Errors: besides those of the request, [`Error::Network`] where there are more pages, or on another host.
    pub async fn tags(
        &self,
        repository: &Repository,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<BTreeSet<String>> {
        let (tags, left) = self.pages(repository, MAX_PAGES, wanted).await?;
        match left {
            None => Ok(tags),
            Some(why) => {
                let what = format!("the tags of `{repository}`");
                Err(self.at(repository)(Error::Network { what, why: why.to_owned(), hint: None }))
            }
        }
    }

    /// Returns the tags of the first page, at most 1,000, sorted.
    pub async fn first_tags(&self, repository: &Repository) -> Result<Vec<String>> {
        let (tags, _) = self.pages(repository, 1, |_| true).await?;
        Ok(tags.into_iter().collect())
    }

    /// Reads pages, and says why there are more of them that were not read.
    async fn pages(
        &self,
        repository: &Repository,
        most: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(BTreeSet<String>, Option<&'static str>)> {
        let repository = &self.lists_of(repository);
        let mut tags = BTreeSet::new();
        let mut url = self.url(repository, "tags/list?n=1000").await?;
        for _ in 0..most {
            let request = Request::get(url.clone());
            let reply = self.fetch(repository, self.scopes(repository), request, MAX_PAGE).await?;
            let reply = reply.whole().map_err(self.at(repository))?;
            if !reply.head.status.is_success() {
                return Err(self.refusal(repository, "the tags", &reply));
            }
            let page: Page = serde_json::from_slice(&reply.body).map_err(|error| {
                let why = reply.head.hidden.cover(&error.to_string());
                let why = format!("the answer is not a list of tags: {why}");
                self.at(repository)(Error::Network { what: reply.head.asked(), why, hint: None })
            })?;
            let found = page.tags.unwrap_or_default();
            let is_empty = found.is_empty();
            tags.extend(found.into_iter().filter(|tag| is_tag(tag) && wanted(tag)));
            // A page that says nothing is the last one, whatever it links to.
            match next_page(&reply).and_then(|next| url.join(&next).ok()).filter(|_| !is_empty) {
                Some(next) if next.origin() != url.origin() => {
                    return Ok((tags, Some("the next page would be on another host")));
                }
                // Where the next page is asked for is not the reply's to choose: only which one.
                Some(next) if next.query() != url.query() => url.set_query(next.query()),
                _ => return Ok((tags, None)),
            }
        }
        Ok((tags, Some("there are more pages of them than are read")))
    }

    /// Returns false where the registry says that it does not know the repository, in one request. Whatever else it says
    /// counts as there.
    pub async fn repository_exists(&self, repository: &Repository) -> Result<bool> {
        let reply = self.ask(repository, Method::GET, "tags/list?n=1").await?;
        let unknown = reply.head.status.as_u16() == 404
            && codes(&reply).iter().any(|code| code.eq_ignore_ascii_case("NAME_UNKNOWN"));
        Ok(!unknown)
    }
}

/// Reads `Link: <URL>; rel="next"` (RFC 8288).
pub(super) fn next_page(reply: &Reply) -> Option<String> {
    let link = reply.head.text(&LINK)?;
    let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let next = parameters.split([';', ',']).any(|parameter| {
        matches!(parameter.trim().split_once('='), Some(("rel", value)) if value.trim_matches('"') == "next")
    });
    next.then(|| url.to_owned())
}
