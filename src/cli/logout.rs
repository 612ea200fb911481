//! `airgap-bundle logout`.

use std::sync::Arc;

use camino::Utf8PathBuf;

use super::credentials::{files, login_file};
use super::help;
use super::login::place;
use crate::commands::logout::{self, Options};
use crate::commands::report::Report;
use crate::model::error::Result;
use crate::stores::http::clock::SystemClock;

/// Forget a login
#[derive(Debug, clap::Args)]
#[command(after_help = help::plain("Examples:
  airgap-bundle logout registry.internal:5000"))]
pub(super) struct Arguments {
    /// What was logged in to
    #[arg(value_name = "HOST[:PORT][/PATH]")]
    host: String,
    /// Remove the login from this file
    #[arg(long, value_name = "FILE", env = "AIRGAP_BUNDLE_AUTH_FILE")]
    auth_file: Option<Utf8PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> Result<Report> {
    let (to, path) = place(&arguments.host)?;
    let options = Options {
        host: to.registry().to_owned(),
        path,
        file: login_file(arguments.auth_file.as_deref())?,
        files: if arguments.auth_file.is_some() { Vec::new() } else { files(None)? },
        clock: Arc::new(SystemClock),
    };
    logout::run(options).await
}
