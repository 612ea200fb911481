//! `airgap-bundle extract`.

use camino::Utf8PathBuf;

use super::bundle::{BundleArguments, IncompleteArguments};
use super::help;
use super::selection::SelectionArguments;
use crate::commands::extract::{self, Mode, Options};
use crate::commands::report::Report;
use crate::model::error::{Error, Result};
use crate::stores::folder::Replace;
use crate::ui::Ui;

/// Write the plain files, assertions and charts of a bundle into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = help::plain("Examples:
  airgap-bundle extract --to /opt/site
  airgap-bundle extract --to charts --only chart site.tar"))]
pub(super) struct Arguments {
    /// Write into this folder, which is made where it is missing
    #[arg(long, value_name = "DIR")]
    to: Utf8PathBuf,
    #[command(flatten)]
    selection: SelectionArguments,
    /// Replace files that are there with other content
    #[arg(long)]
    force: bool,
    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    incomplete: IncompleteArguments,
    #[command(flatten)]
    bundle: BundleArguments,
}

pub(super) async fn run(arguments: Arguments, ui: &Ui) -> Result<Report> {
    let to = &arguments.to;
    let wrong = match to.as_str() {
        "" => Some("is empty"),
        _ => (to.exists() && !to.is_dir()).then_some("is not a folder"),
    };
    if let Some(wrong) = wrong {
        let hint = Some("name a folder, which is made where it is missing");
        return Err(Error::usage(format!("`--to {to}` {wrong}"), hint));
    }
    let options = Options {
        choice: arguments.bundle.choice(arguments.incomplete, ui),
        to: arguments.to,
        selection: arguments.selection.selection(),
        replace: if arguments.force { Replace::Always } else { Replace::Never },
        mode: if arguments.dry_run { Mode::DryRun } else { Mode::Write },
        progress: ui.progress(),
    };
    extract::run(&options).await
}
