//! `airgap-bundle inspect`.

use super::bundle::BundleArguments;
use super::help;
use super::selection::SelectionArguments;
use crate::commands::inspect::{self, Form, Options};
use crate::commands::report::Report;
use crate::model::error::Result;
use crate::ui::Ui;

/// Show what is in a bundle, from its head alone
#[derive(Debug, clap::Args)]
#[command(after_help = help::plain("Examples:
  airgap-bundle inspect
  airgap-bundle inspect site.tar --only chart
  airgap-bundle inspect site.tar --list > pinned.txt
  airgap-bundle inspect site.tar --raw | sha256sum"))]
pub(super) struct Arguments {
    #[command(flatten)]
    bundle: BundleArguments,
    /// Print `bundle.json` byte for byte; its sha256 is the bundle id
    #[arg(long, conflicts_with_all = ["list", "only", "except", "json"])]
    raw: bool,
    /// Print a list that pins every artifact
    #[arg(long, conflicts_with = "json")]
    list: bool,
    #[command(flatten)]
    selection: SelectionArguments,
}

pub(super) fn run(arguments: Arguments, ui: &Ui) -> Result<Report> {
    let form = match (arguments.raw, arguments.list) {
        (true, _) => Form::Raw,
        (false, true) => Form::List,
        (false, false) => Form::Table,
    };
    let options = Options {
        choice: arguments.bundle.shown(ui),
        selection: arguments.selection.selection(),
        form,
        progress: ui.progress(),
    };
    inspect::run(&options)
}
