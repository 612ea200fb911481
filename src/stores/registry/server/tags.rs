//! Listing tags (OCI distribution spec 1.1, "Listing Tags").

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::paging;
use super::query::Query;
use super::refusal::{Code, Refusal};
use super::reply::Reply;
use super::site::Site;

/// Answers GET.
pub(super) fn list(site: &Site, query: &Query, repository: &str) -> Result<Response, Refusal> {
    let path = format!("/v2/{repository}/tags/list");
    let page = site
        .registry
        .look(repository, |held| {
            let tags = held.tags.keys().map(|tag| (tag.as_str(), tag.clone()));
            paging::page(query, site.limits.page, &path, "", tags)
        })
        .ok_or_else(|| Refusal::new(Code::NameUnknown, format!("there is no repository `{repository}`")))??;
    let mut reply = Reply::new(StatusCode::OK);
    if let Some((name, link)) = &page.link {
        reply = reply.header(name.clone(), link);
    }
    Ok(reply.json(&Method::GET, "application/json", &json!({"name": repository, "tags": page.items})).done())
}
