//! A login at a snap store: what `snapcraft export-login` has written, as it is shown to the store.

mod macaroon;
mod read;
mod renew;

use std::fmt;
use std::sync::Arc;

use reqwest::Url;
use reqwest::header::HeaderValue;
use tokio::sync::Mutex;

use self::macaroon::Macaroon;
use self::read::Credentials;
use crate::model::error::{Error, Result};

/// Where snapd renews what Ubuntu One has said: what stands before `/tokens/refresh`. snapd takes it from
/// `SNAPPY_FORCE_SSO_URL`.
pub const DEFAULT_SSO: &str = "https://login.ubuntu.com/api/v2";
/// How one comes by a login.
const MAKE_ONE: &str =
    "`snapcraft export-login FILE` makes one: name the file in `UBUNTU_STORE_AUTH_DATA_FILENAME`";

/// A login. Cheap to clone; clones share what is renewed. Nothing prints it.
#[derive(Clone)]
pub struct Login(Arc<Inner>);

struct Inner {
    /// Where it is from, for messages.
    named: String,
    sso: Url,
    /// Held while it is renewed: whoever wants it meanwhile waits for the new one.
    held: Mutex<Held>,
}

struct Held {
    /// Root and discharges, where they can be renewed.
    macaroons: Option<(Macaroon, Vec<Macaroon>)>,
    header: HeaderValue,
    /// Whether Ubuntu One has said no: it is asked no more.
    is_refused: bool,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Login").field(&self.0.named).finish()
    }
}

impl Login {
    /// Reads a login in any form that snapd reads for its production store. `named` says where it is from (`` `UBUNTU_STORE_AUTH` ``), `sso` is
    /// where it is renewed.
    ///
    /// Errors: [`Error::Usage`], without anything of the text.
    pub fn read(text: &str, named: &str, sso: Url) -> Result<Self> {
        let wrong = |why: &str| {
            Error::usage(format!("{named} holds no login of a snap store: {why}"), Some(MAKE_ONE))
        };
        let held = match read::read(text).map_err(wrong)? {
            Credentials::Token(header) => {
                header_of(&header).map(|header| Held { macaroons: None, header, is_refused: false })
            }
            Credentials::UbuntuOne(root, discharges) => Held::bound(root, discharges),
        };
        let held = held.ok_or_else(|| wrong("it does not fit into a header"))?;
        Ok(Self(Arc::new(Inner { named: named.to_owned(), sso, held: Mutex::new(held) })))
    }

    /// Returns where it is from.
    pub(super) fn named(&self) -> &str {
        &self.0.named
    }

    /// Returns the value of `Authorization`.
    pub(super) async fn header(&self) -> HeaderValue {
        self.0.held.lock().await.header.clone()
    }
}

impl Held {
    /// Binds the discharges to the root (snapd's `UserAuthorizer`).
    fn bound(root: Macaroon, discharges: Vec<Macaroon>) -> Option<Self> {
        let mut header = format!("Macaroon root=\"{}\"", root.text());
        for discharge in &discharges {
            header.extend([", discharge=\"", &discharge.bound_to(&root), "\""]);
        }
        Some(Self { header: header_of(&header)?, macaroons: Some((root, discharges)), is_refused: false })
    }
}

/// Returns a header that nothing prints.
fn header_of(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Says what would help where a store refuses, or does not know a snap.
pub(super) fn advice(login: Option<&Login>) -> String {
    match login {
        Some(login) => {
            format!(
                "the login of {} may have ended, or its account may not have this; {MAKE_ONE}",
                login.named()
            )
        }
        None => format!(
            "what is private wants a login, and what is of a brand store `UBUNTU_STORE_ID`, too; {MAKE_ONE}"
        ),
    }
}
