//! `airgap-bundle sideload`.

use camino::{Utf8Path, Utf8PathBuf};

use super::bundle::{BundleArguments, IncompleteArguments};
use super::help;
use super::selection::SelectionArguments;
use crate::commands::report::Report;
use crate::commands::sideload::{self, Destination, Loaded, Mode, Options, Preset};
use crate::model::error::{Error, Result};
use crate::model::platform::Platform;
use crate::ui::Ui;

/// Write one image tar each into the folder from which containerd imports
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("destination").required(true))]
#[command(after_help = help::plain(AFTER))]
pub(super) struct Arguments {
    /// Write one image tar each into this folder [default: /var/snap/k8s/common/images]
    #[arg(long, value_name = "DIR", num_args = 0..=1, group = "destination")]
    #[expect(clippy::option_option, reason = "absent, without a value, with a value")]
    containerd_dir: Option<Option<Utf8PathBuf>>,
    /// Write into the folder of a distribution: k8s-snap, microk8s, k3s, rke2 or k0s
    #[arg(long, value_name = "NAME", group = "destination")]
    preset: Option<Preset>,
    /// Take the images for this platform [default: that of this host]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
    #[command(flatten)]
    selection: SelectionArguments,
    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Give images that were loaded before back to containerd, which may have deleted them
    #[arg(long, conflicts_with = "purge_loaded")]
    again: bool,
    /// Remove the tars that were loaded, to free their room
    #[arg(long)]
    purge_loaded: bool,
    #[command(flatten)]
    incomplete: IncompleteArguments,
    #[command(flatten)]
    bundle: BundleArguments,
}

const AFTER: &str = "\
Examples:
  airgap-bundle sideload --containerd-dir
  airgap-bundle sideload site.tar --containerd-dir
  airgap-bundle sideload --preset k3s site.tar

  Exactly one of --containerd-dir and --preset is needed
  With --containerd-dir alone, name the bundle before it";

pub(super) async fn run(arguments: Arguments, ui: &Ui) -> Result<Report> {
    if matches!(&arguments.containerd_dir, Some(Some(folder)) if folder.as_str().is_empty()) {
        return Err(Error::usage(
            "`--containerd-dir` is empty",
            Some("name a folder, or say `--containerd-dir` alone for that of Canonical Kubernetes"),
        ));
    }
    let options = Options {
        choice: arguments.bundle.choice(arguments.incomplete, ui),
        destination: match (arguments.containerd_dir, arguments.preset) {
            (Some(Some(folder)), _) => Destination::Folder(folder),
            (_, Some(preset)) => Destination::Preset(preset),
            (_, None) => Destination::Default,
        },
        host_root: Utf8Path::new("/").to_owned(),
        platform: arguments.platform.unwrap_or_else(host),
        selection: arguments.selection.selection(),
        loaded: match (arguments.again, arguments.purge_loaded) {
            (true, _) => Loaded::Again,
            (_, true) => Loaded::Purge,
            _ => Loaded::Leave,
        },
        mode: if arguments.dry_run { Mode::DryRun } else { Mode::Write },
        progress: ui.progress(),
    };
    sideload::run(&options).await
}

/// The platform that this program was built for, which is the one that it runs on.
pub(super) fn host() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    let platform =
        Platform { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: String::new() };
    platform.normalize()
}
