//! `login`: proves credentials to a registry, and keeps them for later runs.

use camino::Utf8PathBuf;

use super::report::Report;
use crate::model::error::{Error, Result};
use crate::stores::registry::auth::{Account, CredentialFile, ExplicitLogin, Place, cut_off, keep, winner};
use crate::stores::registry::client::{RegistryClient, Welcome};

/// What `login` works with.
#[derive(Debug)]
pub struct Options {
    /// What is shown to the registry and kept.
    pub login: ExplicitLogin,
    /// The beginning of the repositories that it is for; empty for all of the registry.
    pub path: String,
    /// A client that shows it.
    pub client: RegistryClient,
    /// Where it is kept.
    pub file: Utf8PathBuf,
    /// Files that later runs look into before that one.
    pub earlier: Vec<CredentialFile>,
}

/// Proves a login, then keeps it.
///
/// Errors: [`Error::Denied`] where the registry refuses it; then nothing is kept.
pub async fn run(options: Options) -> Result<Report> {
    let Options { login, path, client, file, earlier } = options;
    let host = &login.registry;
    if login.username.contains(':') {
        return Err(Error::usage("a user name holds no `:`", None));
    }
    let welcome = client.log_in(host).await.map_err(|error| denied(error, &login))?;
    let account = Account::new(host, &path);
    let place = keep(&file, &account, (&login.username, &login.password), client.http().clock()).await?;
    let mut warnings = Vec::new();
    if welcome == Welcome::Unasked {
        warnings
            .push(format!("`{host}` asks nobody who they are: the login is kept, and nothing has proved it"));
    }
    if let Some(winner) = winner(&earlier, &account) {
        warnings.push(format!("later runs take the credentials of {winner}, which come before `{file}`"));
    }
    let place = match place {
        Place::File => format!("`{file}`"),
        Place::Helper(program) => format!("`{program}`, which `{file}` names"),
    };
    let whole = if path.is_empty() { host.clone() } else { format!("{host}/{path}") };
    let summary = vec![format!("logged in to `{whole}` as `{}`; kept in {place}", login.username)];
    Ok(Report { command: "login", warnings, summary, ..Report::default() })
}

/// Adds what to try to a refusal: what was typed is at hand, so other places for credentials are no help.
fn denied(error: Error, login: &ExplicitLogin) -> Error {
    let Error::Denied { what, why, .. } = error else {
        return error.at(&format!("reading from registry `{}`", login.registry));
    };
    let other = "check user name and password; where logins have two factors, a token takes the place of the password";
    let hint = other.to_owned() + &cut_off(&login.username);
    Error::Denied { what, why, hint: Some(hint) }
}
