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
    username: Vec<String>,
    /// Read the password from standard input
    #[arg(long, group = "password", requires = "username")]
    password_stdin: bool,
    /// Read the password from this file
    #[arg(long, group = "password", requires = "username", value_name = "FILE")]
    password_file: Option<Utf8PathBuf>,
    /// Let this token server see the password for a registry
    #[arg(long, value_name = "REGISTRY=HOST[:PORT]")]
    token_host: Vec<String>,
}

impl CredentialArguments {
    /// Lets a user name without a host be for this registry.
    #[must_use]
    pub(super) fn with_login_for(self, host: &str) -> Self {
        let whole = |name: String| if name.contains('=') { name } else { format!("{host}={name}") };
        Self { username: self.username.into_iter().map(whole).collect(), ..self }
    }

    /// Returns whether the password comes from standard input.
    pub(super) fn reads_stdin(&self) -> bool {
        self.password_stdin
    }

    /// Returns whether the user name is for the only registry of the call.
    pub(super) fn asks_for_one_host(&self) -> bool {
        self.username.iter().any(|username| !username.contains('='))
    }

    /// Returns the files that flags name, each with its flag.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &Utf8PathBuf)> {
        let auth_file = self.auth_file.as_deref().map_or("--auth-file", named_by);
        let named = [(auth_file, &self.auth_file), ("--password-file", &self.password_file)];
        named.into_iter().filter_map(|(flag, path)| Some((flag, path.as_ref()?)))
    }

    /// Returns where credentials are. `hosts` are the registries that this call speaks to: a user name without a host is
    /// for the only one of them.
    pub(super) fn settings(&self, hosts: &BTreeSet<String>, ui: &Ui) -> Result<RegistrySettings> {
        let explicit: Vec<ExplicitLogin> = self.explicit(hosts)?.into_iter().collect();
        for login in explicit.iter().filter(|login| !hosts.iter().any(|host| login.is_for(host))) {
            ui.warn(&unused("--username", &login.registry, hosts));
        }
        let credentials = CredentialSources { explicit, files: files(self.auth_file.as_deref())? };
        Ok(RegistrySettings {
            credentials,
            token_hosts: token_hosts(&self.token_host, hosts, ui)?,
            ..RegistrySettings::default()
        })
    }

    fn explicit(&self, hosts: &BTreeSet<String>) -> Result<Option<ExplicitLogin>> {
        let username = match &*self.username {
            [] => return Ok(None),
            [username] => username,
            more => {
                return Err(Error::usage(
                    format!("`--username` is given {} times, and there is one password", more.len()),
                    Some("log in to each registry with `airgap-bundle login HOST`"),
                ));
            }
        };
        let (registry, username) = match username.split_once('=') {
            Some((host, user)) => (host.to_owned(), user),
            None => (only(hosts)?, username.as_str()),
        };
        let password = match &self.password_file {
            Some(path) => password_of(path)?,
            None => password_of_stdin()?,
        };
        let (username, source) = (username.to_owned(), "`--username`".to_owned());
        Ok(Some(ExplicitLogin { registry, username, password, source }))
    }
}

/// Reads `--token-host`, and warns of those that are for no registry of the call.
pub(super) fn token_hosts(texts: &[String], hosts: &BTreeSet<String>, ui: &Ui) -> Result<Vec<TokenHost>> {
    let named: Vec<TokenHost> = texts.iter().map(|text| token_host(text)).collect::<Result<_>>()?;
    for named in named.iter().filter(|named| !hosts.iter().any(|host| named.is_for(host))) {
        ui.warn(&unused("--token-host", &named.registry, hosts));
    }
    Ok(named)
}

fn token_host(text: &str) -> Result<TokenHost> {
    let is_host = |host: &str| {
        let (name, port) = host.rsplit_once(':').filter(|_| !host.ends_with(']')).unwrap_or((host, "443"));
        !name.is_empty() && !host.contains(['/', '@', '=']) && port.parse::<u16>().is_ok()
    };
    match text.split_once('=') {
        Some((registry, host)) if is_host(registry) && is_host(host) => {
            Ok(TokenHost { registry: registry.to_owned(), host: host.to_owned() })
        }
        _ => Err(Error::usage(format!("`--token-host {text}`: expected `REGISTRY=HOST[:PORT]`"), None)),
    }
}

/// Returns what named the only file of credentials: the flag, or the variable that stands for it.
fn named_by(auth_file: &Utf8Path) -> &'static str {
    let by_variable = variable("AIRGAP_BUNDLE_AUTH_FILE").is_some_and(|path| path == auth_file);
    if by_variable { "$AIRGAP_BUNDLE_AUTH_FILE" } else { "--auth-file" }
}

fn variable(name: &str) -> Option<Utf8PathBuf> {
    env::var(name).ok().filter(|value| !value.is_empty()).map(Utf8PathBuf::from)
}

/// Returns the folder below which podman and skopeo keep what stays.
fn settled() -> Option<Utf8PathBuf> {
    variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")))
}

/// Returns the files that hold credentials, what was named before what is merely there.
///
/// Errors: [`Error::Usage`] where `$DOCKER_CONFIG` is a file.
pub(super) fn files(auth_file: Option<&Utf8Path>) -> Result<Vec<CredentialFile>> {
    let file = |path, presence| CredentialFile { path, presence, aside: None };
    if let Some(path) = auth_file {
        return Ok(vec![file(path.to_owned(), Presence::Named(named_by(path)))]);
    }
    let docker = variable("DOCKER_CONFIG");
    if let Some(path) = docker.as_ref().filter(|path| path.is_file()) {
        return Err(Error::usage(
            format!("`$DOCKER_CONFIG` is `{path}`, a file: it names the folder that holds `config.json`"),
            Some("name the folder, or the file with `--auth-file`"),
        ));
    }
    let home = variable("HOME");
    // Under sudo the home is mostly root's, and the files that were meant lie in another.
    let aside = env::var("SUDO_USER").ok().filter(|user| !user.is_empty()).zip(home.as_ref());
    let aside =
        aside.map(|(user, home)| format!("run under sudo by `{user}`, with `{home}` as the home folder"));
    let at_home = |path| CredentialFile { aside: aside.clone(), ..file(path, Presence::Optional) };
    let optional = |path| file(path, Presence::Optional);
    let config = settled().map(|path| match &home {
        Some(home) if path.starts_with(home) => at_home(path),
        _ => optional(path),
    });
    let below = |file: CredentialFile, path: &str| CredentialFile { path: file.path.join(path), ..file };
    let files = [
        variable("REGISTRY_AUTH_FILE").map(|path| file(path, Presence::Named("$REGISTRY_AUTH_FILE"))),
        docker.map(|folder| optional(folder.join("config.json"))),
        variable("HELM_REGISTRY_CONFIG").map(optional),
        variable("XDG_RUNTIME_DIR").map(|folder| optional(folder.join("containers/auth.json"))),
        config.map(|folder| below(folder, "containers/auth.json")),
        home.as_ref().map(|home| at_home(home.join(".docker/config.json"))),
    ];
    Ok(files.into_iter().flatten().collect())
}

/// Returns the file that a login is written to: one that was named, or that of the user which outlives the session.
pub(super) fn login_file(auth_file: Option<&Utf8Path>) -> Result<Utf8PathBuf> {
    let named = auth_file.map(Utf8Path::to_owned).or_else(|| variable("REGISTRY_AUTH_FILE"));
    let file = named.or_else(|| settled().map(|folder| folder.join("containers/auth.json")));
    file.ok_or_else(|| {
        Error::usage("there is no `$HOME` to keep a login in", Some("name a file with `--auth-file`"))
    })
}

/// Reads the password that a file holds.
pub(super) fn password_of(path: &Utf8Path) -> Result<Secret> {
    let file = std::fs::File::open(path);
    let file = file.map_err(Error::io(format!("opening `{path}` (`--password-file`)")))?;
    read_password(file, &format!("`{path}` (`--password-file`)"))
}

/// Reads the password that standard input holds.
pub(super) fn password_of_stdin() -> Result<Secret> {
    read_password(std::io::stdin().lock(), "standard input")
}

/// Says that a flag is for a registry that this call does not speak to.
fn unused(flag: &str, registry: &str, hosts: &BTreeSet<String>) -> String {
    let named: Vec<String> = hosts.iter().map(|host| format!("`{host}`")).collect();
    let spoken_to = match &*named {
        [] => "this call speaks to no registry".to_owned(),
        named => format!("this call speaks to {}", named.join(", ")),
    };
    format!("`{flag} {registry}=…` is for no registry of this call: {spoken_to}")
}

/// Returns the one registry that a user name without a host is for.
fn only(hosts: &BTreeSet<String>) -> Result<String> {
    if let (Some(first), 1) = (hosts.first(), hosts.len()) {
        return Ok(first.clone());
    }
    let named = hosts.iter().map(|host| format!("`{host}`")).collect::<Vec<_>>().join(", ");
    Err(Error::usage(
        format!("`--username` without a host is for one registry, and there are {}: {named}", hosts.len()),
        Some(
            "log in to each with `airgap-bundle login HOST`, or say which one it is for with `--username HOST=USER`",
        ),
    ))
}

/// Reads the first line of what holds a password.
fn read_password(reader: impl Read, place: &str) -> Result<Secret> {
    let mut line = String::new();
    let mut reader = std::io::BufReader::new(reader.take(MAX_PASSWORD));
    reader.read_line(&mut line).map_err(Error::io(format!("reading the password from {place}")))?;
    let password = line.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(Error::usage(format!("the password from {place} is empty"), None));
    }
    Ok(Secret::new(password))
}
