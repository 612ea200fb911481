//! `airgap-bundle verify`.

use camino::Utf8PathBuf;

use super::bundle::{BundleArguments, IncompleteArguments};
use super::help;
use super::snaps::ProofArguments;
use crate::commands::report::Report;
use crate::commands::verify::{self, From, Options};
use crate::kinds::read_key;
use crate::model::error::Result;
use crate::model::selector::{Selection, Selector};
use crate::ui::Ui;

/// Prove every byte of a bundle, offline, without unpacking it
#[derive(Debug, clap::Args)]
#[command(after_help = help::plain("Examples:
  airgap-bundle verify
  airgap-bundle verify --key cosign.pub
  airgap-bundle verify /media/stick/site.tar --expect sha256:…"))]
pub(super) struct Arguments {
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    incomplete: IncompleteArguments,
    /// Allow what the system has in memory instead of reading the medium
    #[arg(long)]
    cached: bool,
    /// Refuse artifacts of registries that are not signed with this public key, or one of these
    #[arg(long, value_name = "FILE")]
    key: Vec<Utf8PathBuf>,
    /// With `--key`, ask it of these alone: a kind, or a pattern of the reference in which `*` crosses `/`
    #[arg(long, value_name = "X", requires = "key", help_heading = "Selecting")]
    only: Vec<Selector>,
    /// With `--key`, ask it of all but these
    #[arg(long, value_name = "X", requires = "key", help_heading = "Selecting")]
    except: Vec<Selector>,
    #[command(flatten)]
    proof: ProofArguments,
    /// Hash with this many threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

pub(super) async fn run(arguments: Arguments, ui: &Ui) -> Result<Report> {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let keys = arguments.key.iter().map(|path| read_key(path, path.as_str()));
    let options = Options {
        selection: Selection { only: arguments.only, except: arguments.except },
        keys: keys.collect::<Result<_>>()?,
        choice: arguments.bundle.choice(arguments.incomplete, ui),
        from: if arguments.cached { From::Cache } else { From::Medium },
        prover: arguments.proof.prover()?,
        jobs: arguments.jobs.map_or_else(cores, usize::from),
        progress: ui.progress(),
    };
    verify::run(options).await
}
