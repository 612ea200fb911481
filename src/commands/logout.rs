//! `logout`: forgets what `login` has kept.

use std::sync::Arc;

use camino::Utf8PathBuf;

use super::report::Report;
use crate::model::error::{Error, Result};
use crate::stores::http::clock::Clock;
use crate::stores::registry::auth::{Account, CredentialFile, forget, winner};

/// What `logout` works with.
#[derive(Debug)]
pub struct Options {
    /// The registry, as it was typed.
    pub host: String,
    /// The beginning of the repositories that the login is for; empty for all of the registry.
    pub path: String,
    /// Where logins are kept.
    pub file: Utf8PathBuf,
    /// Files that later runs look into.
    pub files: Vec<CredentialFile>,
    /// Ends helpers that hang.
    pub clock: Arc<dyn Clock>,
}

/// Forgets a login.
///
/// Errors: [`Error::NotFound`] where there is none in that file.
pub async fn run(options: Options) -> Result<Report> {
    let Options { host, path, file, files, clock } = options;
    let account = Account::new(&host, &path);
    let whole = if path.is_empty() { host } else { format!("{host}/{path}") };
    let forgotten = forget(&file, &account, &clock).await?;
    let left = winner(&files, &account);
    if !forgotten {
        let hint = left.map(|left| format!("there is one in {left}: remove it there"));
        return Err(Error::NotFound { what: format!("a login for `{whole}` in `{file}`"), hint });
    }
    let warnings =
        left.map(|left| format!("later runs still find credentials in {left}")).into_iter().collect();
    let summary = vec![format!("logged out of `{whole}`: removed from `{file}`")];
    Ok(Report { command: "logout", warnings, summary, ..Report::default() })
}
