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
const MAX_PAGES: usize = 1000;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl RegistryClient {
    /// Returns all tags of a repository, sorted.
    pub async fn tags(&self, repository: &Repository) -> Result<Vec<String>> {
        self.pages(repository, MAX_PAGES).await
    }

    /// Returns the tags of the first page, at most 1,000, sorted.
    pub async fn first_tags(&self, repository: &Repository) -> Result<Vec<String>> {
        self.pages(repository, 1).await
    }

    async fn pages(&self, repository: &Repository, most: usize) -> Result<Vec<String>> {
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
                let why = format!("the answer is not a list of tags: {error}");
                self.at(repository)(Error::Network { what: reply.head.asked(), why, hint: None })
            })?;
            let before = tags.len();
            tags.extend(page.tags.unwrap_or_default().into_iter().filter(|tag| is_tag(tag)));
            // A page that adds nothing is the last one, whatever it links to.
            match next_page(&reply).and_then(|next| url.join(&next).ok()) {
                // Where the next page is asked for is not the reply's to choose: only which one.
                Some(next) if next.origin() == url.origin() && tags.len() > before => {
                    url.set_query(next.query());
                }
                _ => break,
            }
        }
        Ok(tags.into_iter().collect())
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
fn next_page(reply: &Reply) -> Option<String> {
    let link = reply.head.text(&LINK)?;
    let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let next = parameters.split([';', ',']).any(|parameter| {
        matches!(parameter.trim().split_once('='), Some(("rel", value)) if value.trim_matches('"') == "next")
    });
    next.then(|| url.to_owned())
}
