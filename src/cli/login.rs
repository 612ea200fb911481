//! `airgap-bundle login`.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;

use super::credentials::{files, login_file, password_of, password_of_stdin, token_hosts};
use super::help;
use super::push::schemes;
use super::registry::{ConnectionArguments, check_files};
use crate::commands::login::{self, Options};
use crate::commands::report::Report;
use crate::model::error::{Error, Result};
use crate::model::target::{Destination, DestinationError};
use crate::stores::registry::auth::{CredentialSources, ExplicitLogin, Secret};
use crate::stores::registry::client::{RegistryClient, RegistrySettings};
use crate::ui::{Echo, Ui};

/// Log in to a registry, and keep the login for later runs
#[derive(Debug, clap::Args)]
#[command(after_help = help::registry("Examples:
  airgap-bundle login registry.internal:5000
  airgap-bundle login quay.io/team --username 'team+ci' --password-stdin <token.txt"))]
pub(super) struct Arguments {
    /// The registry, and the beginning of the repositories that the login is for
    #[arg(value_name = "HOST[:PORT][/PATH]", default_value = "docker.io")]
    host: String,
    /// Log in with this user name
    #[arg(short, long, value_name = "USER")]
    username: Option<String>,
    /// Read the password from standard input
    #[arg(long, group = "password", requires = "username")]
    password_stdin: bool,
    /// Read the password from this file
    #[arg(long, group = "password", requires = "username", value_name = "FILE")]
    password_file: Option<Utf8PathBuf>,
    /// Keep the login in this file
    #[arg(long, value_name = "FILE", env = "AIRGAP_BUNDLE_AUTH_FILE", help_heading = "Registries")]
    auth_file: Option<Utf8PathBuf>,
    /// Let this token server see the password for a registry
    #[arg(long, value_name = "REGISTRY=HOST[:PORT]", help_heading = "Registries")]
    token_host: Vec<String>,
    #[command(flatten)]
    connection: ConnectionArguments,
}

pub(super) async fn run(arguments: Arguments, ui: &Ui) -> Result<Report> {
    let (to, path) = place(&arguments.host)?;
    let password_file = arguments.password_file.as_ref().map(|path| ("--password-file", path));
    check_files(password_file.into_iter().chain(arguments.connection.files()))?;
    let file = login_file(arguments.auth_file.as_deref())?;
    let http = arguments.connection.http(&schemes(&to), ui)?;
    let username = match &arguments.username {
        Some(username) => username.clone(),
        None => ui.ask(&format!("User name for {}: ", to.registry()), Echo::On)?,
    };
    let password = match &arguments.password_file {
        Some(path) => password_of(path)?,
        None if arguments.password_stdin => password_of_stdin()?,
        None => Secret::new(ui.ask("Password: ", Echo::Off)?),
    };
    let source = "this login".to_owned();
    let login = ExplicitLogin { registry: to.registry().to_owned(), username, password, source };
    let credentials = CredentialSources { explicit: vec![login.clone()], files: Vec::new() };
    let hosts = BTreeSet::from([to.registry().to_owned()]);
    let settings = RegistrySettings {
        credentials,
        token_hosts: token_hosts(&arguments.token_host, &hosts, ui)?,
        ..RegistrySettings::default()
    };
    let client = RegistryClient::new(http, &settings)?;
    let earlier = match arguments.auth_file {
        Some(_) => Vec::new(),
        None => files(None)?.into_iter().take_while(|earlier| earlier.path != file).collect(),
    };
    login::run(Options { login, path, client, file, earlier }).await
}

/// Reads the registry and the path in it. Docker wrote Docker Hub as `https://index.docker.io/v1/`.
pub(super) fn place(text: &str) -> Result<(Destination, String)> {
    let to: Destination =
        text.parse().map_err(|error: DestinationError| Error::usage(error.to_string(), error.hint()))?;
    let path = if matches!(to.prefix(), "v1" | "v2") { "" } else { to.prefix() };
    let path = path.to_owned();
    Ok((to, path))
}
