//! `airgap-bundle import`.

use std::collections::BTreeSet;

use super::bundle::{BundleArguments, IncompleteArguments};
use super::help;
use super::registry::{RegistryArguments, Schemes};
use super::selection::SelectionArguments;
use crate::commands::export::Action;
use crate::commands::import::{self, DigestTags, MovedTags, Options, Receipt};
use crate::commands::report::Report;
use crate::content::jobs::OnFailure;
use crate::model::error::{Error, Result};
use crate::model::target::{Destination, DestinationError, Layout, Protocol};
use crate::ui::Ui;

/// Push everything in a bundle into a registry
#[derive(Debug, clap::Args)]
#[command(after_help = help::registry("Examples:
  airgap-bundle import --to registry.internal:5000
  airgap-bundle import --to registry.internal:5000/mirror /media/stick/site.tar --dry-run"))]
pub(super) struct Arguments {
    #[command(flatten)]
    bundle: BundleArguments,
    /// The registry, and a prefix for all names in it; `http://` in front is plain HTTP, `https://` never
    #[arg(long, value_name = "HOST[:PORT][/PREFIX]")]
    to: String,
    /// How names at the source become names there: path, host-path or flat
    #[arg(long, value_name = "LAYOUT", default_value_t)]
    layout: Layout,
    /// Print where everything would land, and push nothing
    #[arg(long)]
    dry_run: bool,
    /// Move tags that name something else, and keep that under another tag
    #[arg(long)]
    move_tags: bool,
    /// Stop at the first failure
    #[arg(long)]
    fail_fast: bool,
    /// Give no tag to what has none, although garbage collection may take it then
    #[arg(long)]
    no_digest_tags: bool,
    /// Leave no receipt and trust none: ask for every blob and manifest, also where an earlier import says that it is there
    #[arg(long)]
    no_receipt: bool,
    #[command(flatten)]
    incomplete: IncompleteArguments,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

pub(super) async fn run(arguments: Arguments, ui: &Ui) -> Result<Report> {
    let to = destination(&arguments.to)?;
    let host = to.registry().to_owned();
    let schemes = match to.protocol() {
        Protocol::Http => Schemes { plain_http: vec![host.clone()], ..Schemes::default() },
        Protocol::Https => Schemes { https: vec![host.clone()], ..Schemes::default() },
        Protocol::Default => Schemes::default(),
    };
    let client = arguments.registry.client(&BTreeSet::from([host]), &schemes, ui)?;
    let options = Options {
        choice: arguments.bundle.choice(arguments.incomplete, ui),
        to,
        layout: arguments.layout,
        selection: arguments.selection.selection(),
        action: if arguments.dry_run { Action::Say } else { Action::Do },
        moved: if arguments.move_tags { MovedTags::Move } else { MovedTags::Refuse },
        digest_tags: if arguments.no_digest_tags { DigestTags::Omit } else { DigestTags::Set },
        receipt: if arguments.no_receipt { Receipt::Omit } else { Receipt::Leave },
        on_failure: if arguments.fail_fast { OnFailure::Stop } else { OnFailure::GoOn },
        client,
        jobs: arguments.registry.jobs(),
        progress: ui.progress(),
    };
    import::run(options).await
}

/// Reads `--to`. Not clap does it, which would print the value, and a password in it.
fn destination(text: &str) -> Result<Destination> {
    text.parse().map_err(|error: DestinationError| Error::usage(format!("`--to`: {error}"), error.hint()))
}
