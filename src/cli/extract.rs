//! `airgap-bundle extract`.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use camino::Utf8PathBuf;

use super::bundle::{BundleArguments, IncompleteArguments};
use super::help;
use super::push::{read_registry, schemes};
use super::registry::RegistryArguments;
use super::selection::SelectionArguments;
use super::snaps::ProofArguments;
use crate::commands::extract::{self, Input, Mode, Options, Search};
use crate::commands::open::Choice;
use crate::commands::report::Report;
use crate::model::error::{Error, Result};
use crate::stores::folder::Replace;
use crate::ui::Ui;

/// Write the plain files, snaps, assertions and charts of a bundle into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = help::registry("Examples:
  airgap-bundle extract --to /opt/site
  airgap-bundle extract --to charts --only chart site.tar
  airgap-bundle extract --to . --only snap --from registry.internal:5000/mirror"))]
pub(super) struct Arguments {
    /// Write into this folder, which is made where it is missing
    #[arg(long, value_name = "DIR")]
    to: Utf8PathBuf,
    /// Read from the registry that a bundle was imported into, by the receipt below this prefix, instead of a bundle
    #[arg(long, value_name = "HOST[:PORT][/PREFIX]", conflicts_with = "bundle")]
    from: Option<String>,
    /// Say again what the import was told, if anything, of how many parts a path may have
    #[arg(long, value_name = "N")]
    max_components: Option<NonZeroUsize>,
    #[command(flatten)]
    selection: SelectionArguments,
    /// Replace files that are there with other content
    #[arg(long)]
    force: bool,
    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    proof: ProofArguments,
    #[command(flatten)]
    incomplete: IncompleteArguments,
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    registry: RegistryArguments,
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
    let prover = arguments.proof.prover()?;
    let choice = arguments.bundle.choice(arguments.incomplete, ui);
    let mut asked = None;
    let input = match &arguments.from {
        None if arguments.max_components.is_some() => {
            let hint = Some("leave it out, or name a registry with `--from`");
            return Err(Error::usage(
                "`--max-components` says something of a registry, and a bundle is read",
                hint,
            ));
        }
        None => Input::Bundle(choice),
        Some(from) => {
            let at = read_registry("--from", from)?;
            let hosts = BTreeSet::from([at.registry().to_owned()]);
            let client = arguments.registry.client(&hosts, &schemes(&at), ui)?;
            asked = Some(client.clone());
            let choice = Choice { path: at.to_string().into(), ..choice };
            let (max_components, jobs) = (arguments.max_components, arguments.registry.jobs());
            Input::Registry(Search { at, max_components, client, jobs, choice })
        }
    };
    let options = Options {
        input,
        to: arguments.to,
        selection: arguments.selection.selection(),
        replace: if arguments.force { Replace::Always } else { Replace::Never },
        mode: if arguments.dry_run { Mode::DryRun } else { Mode::Write },
        prover,
        progress: ui.progress(),
    };
    let report = extract::run(&options).await;
    if let Some(asked) = asked {
        arguments.registry.warn_of_unvisited(&asked, ui);
    }
    report
}
