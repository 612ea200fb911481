//! Flags about registries, shared by every command that speaks to one.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, ErrorKind, Read};

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::error::{Error, Result};
use crate::stores::http::{ClientCertificate, HttpClient, HttpSettings, RetrySettings};
use crate::stores::registry::auth::{
    CredentialFile, CredentialSources, ExplicitLogin, Presence, Secret, TokenHost,
};
use crate::stores::registry::client::{RegistryClient, RegistrySettings};
use crate::ui::Ui;

/// The longest password, in bytes.
const MAX_PASSWORD: u64 = 64 << 10;

/// Flags about registries.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Registries")]
pub(super) struct RegistryArguments {
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
    /// Trust the certificates in this PEM file, too
    #[arg(long, value_name = "FILE", env = "AIRGAP_BUNDLE_CA_CERT")]
    ca_cert: Vec<Utf8PathBuf>,
    /// Show this certificate to servers that ask for one
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<Utf8PathBuf>,
    /// Use this key with the client certificate
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<Utf8PathBuf>,
    /// Speak plain HTTP with this host
    #[arg(long, value_name = "HOST")]
    plain_http: Vec<String>,
    /// Do not check the certificate of this host
    #[arg(long, value_name = "HOST")]
    insecure_skip_tls_verify: Vec<String>,
    /// Do so many things at once
    #[arg(long, value_name = "N", default_value_t = 8, env = "AIRGAP_BUNDLE_JOBS", value_parser = jobs)]
    jobs: usize,
    /// Try so many times without progress
    #[arg(long, value_name = "N", default_value_t = RetrySettings::default().tries, value_parser = clap::value_parser!(u32).range(1..=100))]
    retries: u32,
}

/// Hosts whose scheme was said otherwise than by flags, such as with `--to http://…`.
#[derive(Clone, Debug, Default)]
pub(super) struct Schemes {
    /// Plain HTTP.
    pub(super) plain_http: Vec<String>,
    /// https, and nothing else.
    pub(super) https: Vec<String>,
}

/// Reads `--jobs`: 1 to 256.
pub(super) fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=256) => Ok(jobs),
        _ => Err("expected a number from 1 to 256".to_owned()),
    }
}

impl RegistryArguments {
    /// Returns how many things are done at once.
    pub(super) fn jobs(&self) -> usize {
        self.jobs
    }

    /// Returns whether the password comes from standard input.
    pub(super) fn reads_stdin(&self) -> bool {
        self.password_stdin
    }

    /// Returns whether the user name is for the only registry of the call.
    pub(super) fn asks_for_one_host(&self) -> bool {
        self.username.as_ref().is_some_and(|username| !username.contains('='))
    }

    /// Makes the client. `hosts` are the registries that this call speaks to: a user name without a host is for the
    /// only one of them.
    ///
    /// Errors: [`Error::Usage`], also where a host is said to be spoken to in both schemes.
    pub(super) fn client(
        &self,
        hosts: &BTreeSet<String>,
        schemes: &Schemes,
        ui: &Ui,
    ) -> Result<RegistryClient> {
        if let Some(host) = self.plain_http.iter().find(|host| schemes.https.contains(host)) {
            let message = format!("`https://{host}` and `--plain-http {host}` contradict each other");
            return Err(Error::usage(message, Some("leave one of them out")));
        }
        self.check_files()?;
        let retry = RetrySettings::default();
        let settings = HttpSettings {
            ca_certificates: self.ca_cert.clone(),
            client_certificate: self
                .client_cert
                .clone()
                .zip(self.client_key.clone())
                .map(|(certificate, key)| ClientCertificate { certificate, key }),
            plain_http: self.plain_http.iter().chain(&schemes.plain_http).cloned().collect(),
            https: schemes.https.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify.clone(),
            per_host: self.jobs,
            retry: RetrySettings { tries: self.retries, ..retry },
            ..HttpSettings::default()
        };
        let http = HttpClient::new(&settings, ui.progress())?;
        let explicit: Vec<ExplicitLogin> = self.explicit(hosts)?.into_iter().collect();
        for login in explicit.iter().filter(|login| !hosts.iter().any(|host| login.is_for(host))) {
            ui.warn(unused(&login.registry, hosts));
        }
        let credentials = CredentialSources { explicit, files: self.files() };
        RegistryClient::new(http, &RegistrySettings { credentials, token_hosts: self.token_hosts()? })
    }

    /// Checks that every file that a flag names is there.
    fn check_files(&self) -> Result<()> {
        let one = [
            ("--auth-file", &self.auth_file),
            ("--client-cert", &self.client_cert),
            ("--client-key", &self.client_key),
            ("--password-file", &self.password_file),
        ];
        let one = one.into_iter().filter_map(|(flag, path)| Some((flag, path.as_ref()?)));
        let named = one.chain(self.ca_cert.iter().map(|path| ("--ca-cert", path)));
        let wrong: Vec<String> = named
            .filter_map(|(flag, path)| match std::fs::metadata(path) {
                Ok(kind) if kind.is_dir() => Some(format!("`{flag} {path}` is a folder, not a file")),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    Some(format!("`{flag} {path}` was not found"))
                }
                _ => None,
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Error::usage(wrong.join("; "), None)) }
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
