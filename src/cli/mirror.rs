//! `airgap-bundle mirror`.

use super::help;
use super::lists::{self, ListArguments, WantedArguments};
use super::mirrors::MirrorArguments;
use super::push::{PushArguments, schemes};
use super::registry::RegistryArguments;
use super::selection::SelectionArguments;
use super::snaps::SnapArguments;
use super::store_variables::StoreVariables;
use crate::commands::mirror::{self, Options};
use crate::commands::report::Report;
use crate::kinds::Unknown;
use crate::model::error::{Error, Result};
use crate::ui::Ui;

/// Push everything that lists name from its registries into another one
#[derive(Debug, clap::Args)]
#[command(after_help = help::export("Examples:
  airgap-bundle mirror --list artifacts.txt --to registry.internal:5000/mirror
  airgap-bundle mirror nginx:1.27 --to registry.internal:5000 --dry-run"))]
pub(super) struct Arguments {
    #[command(flatten)]
    lists: ListArguments,
    #[command(flatten)]
    push: PushArguments,
    #[command(flatten)]
    wanted: WantedArguments,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    mirrors: MirrorArguments,
    #[command(flatten)]
    snaps: SnapArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Mirrors. All that is wrong with the call and the lists is told at once.
pub(super) async fn run(arguments: Arguments, ui: &Ui) -> Result<Report> {
    let mut wrong = Vec::new();
    let to = arguments.push.destination().map_err(|error| wrong.push(error)).ok();
    if let Some(error) = arguments.lists.check_stdin(&arguments.registry) {
        wrong.push(error);
        return Ok(refused(wrong));
    }
    let read = arguments.lists.read(&mut wrong);
    let keys = arguments.wanted.keys(&read.asked, &mut wrong);
    let Some(to) = to.filter(|_| wrong.is_empty()) else { return Ok(refused(wrong)) };
    let mut hosts = read.hosts();
    hosts.insert(to.registry().to_owned());
    let registry = arguments.registry.with_login_for(to.registry());
    let client = registry.client_through(&hosts, &schemes(&to), &arguments.mirrors, ui)?;
    let snaps = arguments.snaps.snaps(StoreVariables::of(&read.asked), client.http(), Unknown::Stage)?;
    let jobs = registry.jobs();
    let prints = arguments.push.prints_repositories();
    let push = arguments.push.options(to, arguments.selection.selection(), client.clone(), jobs, ui);
    let wanted = arguments.wanted.wanted(arguments.lists.require(), keys, jobs);
    let places = lists::places(client.clone(), snaps);
    let options = Options { asked: read.asked, wanted, places, push };
    let report = if prints { mirror::repositories(&options).await } else { mirror::run(options).await };
    registry.warn_of_unvisited(&client, ui);
    report
}

fn refused(failures: Vec<Error>) -> Report {
    Report { command: "mirror", failures, ..Report::default() }
}
