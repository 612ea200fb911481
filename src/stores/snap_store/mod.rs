//! The snap store, and what speaks as it does: what `snap download` asks of it, without snapd.
//!
//! Without a [`Login`] it tells of public snaps alone. Nothing that it says is believed for long: a snap is proven by its
//! assertions, and whatever else an answer holds has to make sense by itself.

mod assertion;
mod call;
mod chain;
mod download;
mod known;
mod login;
mod max_format;
mod offered;
mod refresh;
mod refusal;
mod releases;
mod reply;
mod settings;
mod snap;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use known::Known;
pub use login::{DEFAULT_SSO, Login};
pub use max_format::MaxFormat;
pub use refresh::{Pick, Wanted};
pub use settings::{DEFAULT_API, Downloads, Settings, server_url, store_url};
pub use snap::{Download, Publisher, StoreSnap};

use crate::model::error::Error;
use crate::stores::http::{HttpClient, Request, authority};

/// What is sent and answered, assertions and snaps aside.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// `Snap-Device-Store`: the brand store that is meant.
const STORE: HeaderName = HeaderName::from_static("snap-device-store");

/// A snap store. Cheap to clone; clones share the assertions that they have fetched.
#[derive(Clone, Debug)]
pub struct SnapStore {
    http: HttpClient,
    settings: Settings,
    login: Option<Login>,
    known: Known,
}

impl SnapStore {
    /// Connects to nothing yet.
    pub fn new(http: HttpClient, settings: Settings) -> Self {
        Self { http, settings, login: None, known: Known::default() }
    }

    /// Shows a login to the store, to where its assertions are, and to nobody else.
    #[must_use]
    pub fn with_login(self, login: Option<Login>) -> Self {
        Self { login, ..self }
    }

    /// Returns how errors name it: ``reading from snap store `api.snapcraft.io` ``.
    pub fn place(&self) -> String {
        place(&self.settings.api)
    }

    /// As [`SnapStore::at`], where assertions are.
    fn at_assertions(&self, error: Error) -> Error {
        error.at(&place(self.settings.assertions()))
    }

    /// Says in an error that it came up here.
    fn at(&self, error: Error) -> Error {
        error.at(&self.place())
    }

    /// Adds the brand store that is meant, where one is.
    fn meant(&self, request: Request) -> Request {
        self.meant_in(STORE, request)
    }

    fn meant_in(&self, header: HeaderName, request: Request) -> Request {
        match self.settings.store_id.as_deref().map(HeaderValue::try_from) {
            Some(Ok(id)) => request.header(header, id),
            _ => request,
        }
    }
}

fn place(url: &Url) -> String {
    format!("reading from snap store `{}`", authority(url))
}
