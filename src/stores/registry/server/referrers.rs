//! Listing what refers to a manifest (OCI distribution spec 1.1, "Listing Referrers").

use axum::http::header::HeaderName;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::paging;
use super::query::Query;
use super::refusal::Refusal;
use super::reply::Reply;
use super::repositories::Entry;
use super::site::Site;
use crate::model::digest::Digest;
use crate::model::media_type;

/// Says which filters were applied.
const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Answers GET: an index of the referrers, empty where there are none.
pub(super) fn list(
    site: &Site,
    query: &Query,
    repository: &str,
    subject: &Digest,
) -> Result<Response, Refusal> {
    let wanted = query.get("artifactType");
    let path = format!("/v2/{repository}/referrers/{subject}");
    let others = wanted.map_or_else(String::new, |wanted| {
        format!("&artifactType={}", utf8_percent_encode(wanted, NON_ALPHANUMERIC))
    });
    let page = site.registry.look(repository, |held| {
        let found: Vec<(String, Value)> = held
            .referrers(subject)
            .filter(|(_, entry)| wanted.is_none_or(|wanted| entry.artifact_type == wanted))
            .map(|(digest, entry)| (digest.to_string(), descriptor(digest, entry)))
            .collect();
        let found = found.iter().map(|(name, value)| (name.as_str(), value.clone()));
        paging::page(query, site.limits.page, &path, &others, found)
    });
    let (items, link) = page.transpose()?.map(|page| (page.items, page.link)).unwrap_or_default();
    let mut reply = Reply::new(StatusCode::OK);
    if wanted.is_some() {
        reply = reply.header(FILTERS, "artifactType");
    }
    if let Some((name, link)) = link {
        reply = reply.header(name, &link);
    }
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": items});
    Ok(reply.json(&Method::GET, media_type::OCI_INDEX, &index).done())
}

fn descriptor(digest: &Digest, entry: &Entry) -> Value {
    let mut descriptor = json!({"mediaType": entry.media_type, "digest": digest, "size": entry.size});
    if let Some(fields) = descriptor.as_object_mut() {
        if !entry.artifact_type.is_empty() {
            fields.insert("artifactType".to_owned(), json!(entry.artifact_type));
        }
        if !entry.annotations.is_empty() {
            fields.insert("annotations".to_owned(), json!(entry.annotations));
        }
    }
    descriptor
}
