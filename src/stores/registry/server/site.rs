//! What all routes share, and which route answers a request.

use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;

use super::options::{Access, Completeness, Limits, Referrers};
use super::query::Query;
use super::refusal::{Code, Refusal};
use super::registry::Registry;
use super::reply::Reply;
use super::route::Route;
use super::sessions::Sessions;
use super::{blobs, manifests, referrers, tags, uploads};

/// How much of a refused request's body is read, so that the client gets to see the refusal: 64 MiB.
const DRAIN: usize = 64 << 20;

/// What all routes share.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) registry: Registry,
    pub(super) sessions: Sessions,
    pub(super) access: Access,
    pub(super) completeness: Completeness,
    pub(super) referrers: Referrers,
    pub(super) limits: Limits,
}

/// Answers every request of the API.
pub(super) async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut body = body.into_data_stream();
    match dispatch(&site, &parts, &mut body).await {
        Ok(response) => response,
        Err(refusal) => {
            drain(&mut body).await;
            refusal.into_response()
        }
    }
}

async fn dispatch(site: &Site, parts: &Parts, body: &mut BodyDataStream) -> Result<Response, Refusal> {
    let route = Route::parse(parts.uri.path())?;
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let reading = matches!(parts.method, Method::GET | Method::HEAD);
    if site.access == Access::ReadOnly && !reading {
        return Err(Refusal::new(Code::Unsupported, "this registry is read-only"));
    }
    match (&parts.method, &route) {
        (&Method::GET | &Method::HEAD, Route::Version) => Ok(Reply::new(StatusCode::OK)
            .json(&parts.method, "application/json", &serde_json::json!({}))
            .done()),
        (&Method::GET | &Method::HEAD, Route::Manifest { repository, reference }) => {
            manifests::get(site, parts, repository, reference)
        }
        (&Method::PUT, Route::Manifest { repository, reference }) => {
            manifests::put(site, parts, repository, reference, body).await
        }
        (&Method::DELETE, Route::Manifest { repository, reference }) => {
            manifests::delete(site, repository, reference)
        }
        (&Method::GET | &Method::HEAD, Route::Blob { repository, digest }) => {
            blobs::get(site, parts, repository, digest)
        }
        (&Method::DELETE, Route::Blob { repository, digest }) => blobs::delete(site, repository, digest),
        (&Method::POST, Route::Uploads { repository }) => {
            uploads::begin(site, parts, &query, repository, body).await
        }
        (&Method::GET, Route::Upload { repository, id }) => uploads::status(site, repository, id),
        (&Method::PATCH, Route::Upload { repository, id }) => {
            uploads::append(site, parts, repository, id, body).await
        }
        (&Method::PUT, Route::Upload { repository, id }) => {
            uploads::finish(site, parts, &query, repository, id, body).await
        }
        (&Method::DELETE, Route::Upload { repository, id }) => uploads::cancel(site, repository, id),
        (&Method::GET, Route::Tags { repository }) => tags::list(site, &query, repository),
        (&Method::GET, Route::Referrers { repository, digest }) if site.referrers == Referrers::On => {
            referrers::list(site, &query, repository, digest)
        }
        (&Method::GET, Route::Referrers { .. }) => {
            Err(Refusal::new(Code::Unsupported, "this registry has no referrers API")
                .status(StatusCode::NOT_FOUND))
        }
        (method, _) => Err(Refusal::new(Code::Unsupported, format!("{method} is not for this path"))),
    }
}

/// Reads a body that nobody wants.
pub(super) async fn drain(body: &mut BodyDataStream) {
    let mut read = 0_usize;
    while let Some(Ok(piece)) = body.next().await {
        read = read.saturating_add(piece.len());
        if read > DRAIN {
            return;
        }
    }
}

/// Reads the body of a request that was refused before it reached a route.
pub(super) async fn drain_request(body: Body) {
    drain(&mut body.into_data_stream()).await;
}
