//! Flags and the environment: who we are to registries.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, Read};

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::error::{Error, Result};
use crate::stores::registry::auth::{
    CredentialFile, CredentialSources, ExplicitLogin, Presence, Secret, TokenHost,
};
use crate::stores::registry::client::RegistrySettings;
use crate::ui::Ui;

/// The longest password, in bytes.
const MAX_PASSWORD: u64 = 64 << 10;

/// Flags about who we are.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Registries")]
pub(super) struct CredentialArguments {
    /// Read credentials from this file only
    #[arg(long, value_name = "FILE", env = "AIRGAP_BUNDLE_AUTH_FILE")]
    auth_file: Option<Utf8PathBuf>,
    /// Log in with this user name; with a host, there only
    #[arg(long, value_name = "[HOST=]USER", requires = "password")]
    username: Option<String>,
    /// Read the password from standard input
    #[arg(long, group = "password", requires = "username")]
    password_stdin: bool,
    /// Read the password from this file
    #[arg(long, group = "password", requires = "username", value_name = "FILE")]
    password_file: Option<Utf8PathBuf>,
    /// Let this token server see the password for a registry
    #[arg(long, value_name = "REGISTRY=HOST")]
    token_host: Vec<String>,
}

impl CredentialArguments {
    /// Lets a user name without a host be for this registry.
    #[must_use]
    pub(super) fn with_login_for(self, host: &str) -> Self {
        let whole = |name: String| if name.contains('=') { name } else { format!("{host}={name}") };
        Self { username: self.username.map(whole), ..self }
    }

    /// Returns whether the password comes from standard input.
    pub(super) fn reads_stdin(&self) -> bool {
        self.password_stdin
    }

    /// Returns whether the user name is for the only registry of the call.
    pub(super) fn asks_for_one_host(&self) -> bool {
        self.username.as_ref().is_some_and(|username| !username.contains('='))
    }

    /// Returns the files that flags name, each with its flag.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &Utf8PathBuf)> {
        let named = [("--auth-file", &self.auth_file), ("--password-file", &self.password_file)];
        named.into_iter().filter_map(|(flag, path)| Some((flag, path.as_ref()?)))
    }

    /// Returns where credentials are. `hosts` are the registries that this call speaks to: a user name without a host is
    /// for the only one of them.
    pub(super) fn settings(&self, hosts: &BTreeSet<String>, ui: &Ui) -> Result<RegistrySettings> {
        let explicit: Vec<ExplicitLogin> = self.explicit(hosts)?.into_iter().collect();
        for login in explicit.iter().filter(|login| !hosts.iter().any(|host| login.is_for(host))) {
            ui.warn(&unused(&login.registry, hosts));
        }
        let credentials = CredentialSources { explicit, files: self.files() };
        Ok(RegistrySettings { credentials, token_hosts: self.token_hosts()? })
    }

    fn explicit(&self, hosts: &BTreeSet<String>) -> Result<Option<ExplicitLogin>> {
        let Some(username) = &self.username else { return Ok(None) };
        let (registry, username) = match username.split_once('=') {
            Some((host, user)) => (host.to_owned(), user),
            None => (only(hosts)?, username.as_str()),
        };
        let password = match &self.password_file {
            Some(path) => read_password(
                std::fs::File::open(path)
                    .map_err(Error::io(format!("opening `{path}` (`--password-file`)")))?,
                &format!("`{path}` (`--password-file`)"),
            )?,
            None => read_password(std::io::stdin().lock(), "standard input")?,
        };
        Ok(Some(ExplicitLogin { registry, username: username.to_owned(), password: Secret::new(password) }))
    }

    fn token_hosts(&self) -> Result<Vec<TokenHost>> {
        let parse = |text: &String| match text.split_once('=') {
            Some((registry, host)) if !registry.is_empty() && !host.is_empty() => {
                Ok(TokenHost { registry: registry.to_owned(), host: host.to_owned() })
            }
            _ => Err(Error::usage(format!("`--token-host {text}`: expected `REGISTRY=HOST`"), None)),
        };
        self.token_host.iter().map(parse).collect()
    }

    /// Returns the files that hold credentials, what was named before what is merely there.
    fn files(&self) -> Vec<CredentialFile> {
        let required = |path| CredentialFile { path, presence: Presence::Required };
        let optional = |path| CredentialFile { path, presence: Presence::Optional };
        if let Some(path) = &self.auth_file {
            return vec![required(path.clone())];
        }
        let named = |name: &str| env::var(name).ok().filter(|value| !value.is_empty()).map(Utf8PathBuf::from);
        let home = named("HOME");
        let config = named("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")));
        let below =
            |folder: Option<Utf8PathBuf>, path: &str| folder.map(|folder| folder.join(Utf8Path::new(path)));
        let files = [
            named("REGISTRY_AUTH_FILE").map(required),
            below(named("DOCKER_CONFIG"), "config.json").map(optional),
            named("HELM_REGISTRY_CONFIG").map(optional),
            below(named("XDG_RUNTIME_DIR"), "containers/auth.json").map(optional),
            below(config, "containers/auth.json").map(optional),
            below(home, ".docker/config.json").map(optional),
        ];
        files.into_iter().flatten().collect()
    }
}

/// Says that a login is for a registry that this call does not speak to.
fn unused(registry: &str, hosts: &BTreeSet<String>) -> String {
    let named: Vec<String> = hosts.iter().map(|host| format!("`{host}`")).collect();
    let spoken_to = match &*named {
        [] => "this call speaks to no registry".to_owned(),
        named => format!("this call speaks to {}", named.join(", ")),
    };
    format!("`--username {registry}=…` is for no registry of this call: {spoken_to}")
}

/// Returns the one registry that a user name without a host is for.
fn only(hosts: &BTreeSet<String>) -> Result<String> {
    if let (Some(first), 1) = (hosts.first(), hosts.len()) {
        return Ok(first.clone());
    }
    let named = hosts.iter().map(|host| format!("`{host}`")).collect::<Vec<_>>().join(", ");
    Err(Error::usage(
        format!("`--username` without a host is for one registry, and there are {}: {named}", hosts.len()),
        Some("say which with `--username HOST=USER`, or put the credentials into a file for `--auth-file`"),
    ))
}

/// Reads the first line of what holds a password.
fn read_password(reader: impl Read, place: &str) -> Result<String> {
    let mut line = String::new();
    let mut reader = std::io::BufReader::new(reader.take(MAX_PASSWORD));
    reader.read_line(&mut line).map_err(Error::io(format!("reading the password from {place}")))?;
    let password = line.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(Error::usage(format!("the password from {place} is empty"), None));
    }
    Ok(password.to_owned())
}
