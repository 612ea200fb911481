//! `airgap-bundle import`.

use std::collections::BTreeSet;

use super::bundle::{BundleArguments, IncompleteArguments};
use super::help;
use super::push::{PushArguments, schemes};
use super::registry::RegistryArguments;
use super::selection::SelectionArguments;
use crate::commands::import;
use crate::commands::report::Report;
use crate::model::error::Result;
use crate::ui::Ui;

/// Push everything in a bundle into a registry
#[derive(Debug, clap::Args)]
#[command(after_help = help::registry("Examples:
  airgap-bundle import --to registry.internal:5000
  airgap-bundle import --to registry.internal:5000/mirror /media/stick/site.tar --dry-run"))]
pub(super) struct Arguments {
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    push: PushArguments,
    #[command(flatten)]
    incomplete: IncompleteArguments,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

pub(super) async fn run(arguments: Arguments, ui: &Ui) -> Result<Report> {
    let to = arguments.push.destination()?;
    let hosts = BTreeSet::from([to.registry().to_owned()]);
    let client = arguments.registry.client(&hosts, &schemes(&to), ui)?;
    let (jobs, asked) = (arguments.registry.jobs(), client.clone());
    let prints = arguments.push.prints_repositories();
    let options = arguments.push.options(to, arguments.selection.selection(), client, jobs, ui);
    let choice = arguments.bundle.choice(arguments.incomplete, ui);
    let report =
        if prints { import::repositories(&choice, &options) } else { import::run(choice, options).await };
    arguments.registry.warn_of_unvisited(&asked, ui);
    report
}
