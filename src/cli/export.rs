//! `airgap-bundle export`.

use camino::{Utf8Path, Utf8PathBuf};

use super::help;
use super::lists::{self, ListArguments, WantedArguments};
use super::mirrors::MirrorArguments;
use super::registry::{RegistryArguments, Schemes};
use super::selection::SelectionArguments;
use super::snaps::SnapArguments;
use super::store_variables::StoreVariables;
use crate::commands::export::{self, Action, Options, Overwrite};
use crate::commands::report::Report;
use crate::content::jobs::OnFailure;
use crate::kinds::Unknown;
use crate::model::error::{Error, Result};
use crate::ui::Ui;

/// Write everything that lists name into one bundle
#[derive(Debug, clap::Args)]
#[command(after_help = help::export("Examples:
  airgap-bundle export --list artifacts.txt
  airgap-bundle export --list artifacts.txt --platform linux/amd64 --output site.tar
  airgap-bundle export --list artifacts.txt --reuse last-month.tar --dry-run"))]
pub(super) struct Arguments {
    #[command(flatten)]
    lists: ListArguments,
    /// Write the bundle to this file
    #[arg(short, long, value_name = "FILE", default_value = "airgap-bundle.tar")]
    output: Utf8PathBuf,
    #[command(flatten)]
    wanted: WantedArguments,
    /// Say what would be in the bundle and what it would weigh
    #[arg(long)]
    dry_run: bool,
    /// Overwrite another bundle
    #[arg(long)]
    force: bool,
    /// Make a bundle without what fails
    #[arg(long)]
    keep_going: bool,
    /// Take what is unchanged from an older bundle instead of fetching it; repeats
    #[arg(long, value_name = "BUNDLE")]
    reuse: Vec<Utf8PathBuf>,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    snaps: SnapArguments,
    #[command(flatten)]
    mirrors: MirrorArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

impl Arguments {
    /// Returns what to say where a signal ended the work.
    pub(super) fn after_signal(&self) -> Option<&'static str> {
        let text = "what was fetched is kept beside the output: the same command goes on from there";
        (!self.dry_run).then_some(text)
    }
}

/// Makes a bundle. All that is wrong with the call and the lists is told at once.
pub(super) async fn run(arguments: Arguments, ui: &Ui) -> Result<Report> {
    let mut wrong = check_output(&arguments.output);
    let registry = &arguments.registry;
    if let Some(error) = arguments.lists.check_stdin(registry) {
        wrong.push(error);
        return Ok(refused(wrong));
    }
    let read = arguments.lists.read(&mut wrong);
    let keys = arguments.wanted.keys(&read.asked, &mut wrong);
    let hosts = read.hosts();
    let client = match registry.client_through(&hosts, &Schemes::default(), &arguments.mirrors, ui) {
        Ok(client) if wrong.is_empty() => client,
        Ok(_) => return Ok(refused(wrong)),
        Err(error) => {
            // A list with mistakes may name more registries than it seems to.
            let certain =
                wrong.is_empty() || !hosts.is_empty() || !registry.credentials().asks_for_one_host();
            wrong.extend(certain.then_some(error));
            return Ok(refused(wrong));
        }
    };
    let jobs = arguments.registry.jobs();
    let asked = client.clone();
    let snaps = arguments.snaps.snaps(StoreVariables::of(&read.asked), client.http(), Unknown::Learn)?;
    let options = Options {
        asked: read.asked,
        output: arguments.output,
        selection: arguments.selection.selection(),
        wanted: arguments.wanted.wanted(arguments.lists.require(), keys, jobs),
        places: lists::places(client, snaps),
        action: if arguments.dry_run { Action::Say } else { Action::Do },
        overwrite: if arguments.force { Overwrite::Bundle } else { Overwrite::No },
        on_failure: if arguments.keep_going { OnFailure::GoOn } else { OnFailure::Stop },
        reuse: arguments.reuse,
        jobs,
        seen: ui.seen(),
        progress: ui.progress(),
    };
    let report = export::run(options).await;
    arguments.registry.warn_of_unvisited(&asked, ui);
    report
}

fn refused(failures: Vec<Error>) -> Report {
    Report { command: "export", failures, ..Report::default() }
}

/// Returns what is wrong with an output: it must be a file with offsets, in a folder that is there.
fn check_output(output: &Utf8Path) -> Vec<Error> {
    let hint = Some("name a file with `--output FILE.tar`");
    let folder = output.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(".".into());
    let error = if output.as_str().is_empty() {
        Error::usage("`--output` is empty", hint)
    } else if output == "-" || output == "/dev/stdout" {
        Error::usage("a bundle cannot be written to standard output by this version", hint)
    } else if [".gz", ".tgz", ".zst", ".xz", ".bz2"].iter().any(|ending| output.as_str().ends_with(ending)) {
        Error::usage(format!("`{output}`: a compressed bundle cannot be written by this version"), hint)
    } else if output.is_dir() || output.as_str().ends_with('/') {
        Error::usage(format!("`{output}` is a folder"), hint)
    } else if !folder.is_dir() {
        Error::usage(format!("`{output}`: folder `{folder}` is not there"), Some("make the folder first"))
    } else {
        return vec![];
    };
    vec![error]
}
