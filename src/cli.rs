//! Arguments: what users type, turned into the options of the commands. The environment is read here and nowhere else.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::report::Report;
use crate::content::jobs;
use crate::model::error::Error;
use crate::ui::{ProgressMode, Ui};

mod bundle;
mod certificates;
mod completion;
mod credentials;
mod export;
mod extract;
mod help;
mod import;
mod inspect;
mod lists;
mod login;
mod logout;
mod man;
mod mirror;
mod mirrors;
mod proxy;
mod push;
mod referrers;
mod registry;
mod selection;
mod sideload;
mod snaps;
mod store_variables;
mod verify;
mod version;

/// How long the jobs that a signal ended may take to leave.
const PARTING: Duration = Duration::from_millis(500);

/// How often what is on the screen moves.
const MOMENT: Duration = Duration::from_millis(200);

/// The verbs, as reports name them.
const NAMES: [&str; 12] = [
    "export",
    "import",
    "mirror",
    "sideload",
    "extract",
    "verify",
    "inspect",
    "login",
    "logout",
    "completion",
    "man",
    "version",
];

const EXAMPLES: &str = "Examples:
  airgap-bundle export --list artifacts.txt
  airgap-bundle verify --expect sha256:…
  airgap-bundle import --to registry.internal:5000
  airgap-bundle mirror --list artifacts.txt --to registry.internal:5000
  airgap-bundle sideload --containerd-dir";

/// Carry container images, charts, snaps and files across an air gap in one digest-pinned bundle
#[derive(Debug, Parser)]
#[command(name = "airgap-bundle", version, propagate_version = false, disable_help_subcommand = true, after_help = help::plain(EXAMPLES))]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    talk: Talk,
}

/// How much is said, and in what form.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct Talk {
    /// Print nothing but errors, and warnings of what is otherwise than it looks
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print every request
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Print one JSON document on stdout when the command ends
    #[arg(long, global = true)]
    json: bool,
    /// Show progress as bars, as plain lines, as JSON lines on stderr, or not at all
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "MODE")]
    progress: ProgressMode,
}

#[derive(Debug, Subcommand)]
enum Command {
    Export(Box<export::Arguments>),
    Import(Box<import::Arguments>),
    Mirror(Box<mirror::Arguments>),
    Sideload(sideload::Arguments),
    Extract(Box<extract::Arguments>),
    Verify(verify::Arguments),
    Inspect(inspect::Arguments),
    Login(Box<login::Arguments>),
    Logout(logout::Arguments),
    Completion(completion::Arguments),
    Man(man::Arguments),
    Version(version::Arguments),
}

impl Command {
    const fn name(&self) -> &'static str {
        match self {
            Self::Export(_) => "export",
            Self::Import(_) => "import",
            Self::Extract(_) => "extract",
            Self::Completion(_) => "completion",
            Self::Inspect(_) => "inspect",
            Self::Login(_) => "login",
            Self::Logout(_) => "logout",
            Self::Man(_) => "man",
            Self::Mirror(_) => "mirror",
            Self::Sideload(_) => "sideload",
            Self::Verify(_) => "verify",
            Self::Version(_) => "version",
        }
    }
}

impl Command {
    /// Returns what to say where a signal ended the work and the next run goes on.
    fn after_signal(&self) -> Option<&'static str> {
        match self {
            Self::Export(arguments) => arguments.after_signal(),
            Self::Import(_) | Self::Mirror(_) | Self::Sideload(_) | Self::Extract(_) => {
                Some("the same command goes on: what is in place already is not moved again")
            }
            _ => None,
        }
    }
}

/// Returns the definition of all commands and flags, from which help, completions and manual pages are made.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program with these arguments, the first of which is its own name, and returns the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let typed: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&typed) {
        Ok(arguments) => arguments,
        Err(error) => return Ui::usage(&error, wrong_call(&typed, &error).as_ref()),
    };
    let talk = &arguments.talk;
    let ui = Arc::new(Ui::new(talk.quiet, talk.verbose, talk.json, talk.progress));
    let started = Instant::now();
    let name = arguments.command.name();
    let after_signal = arguments.command.after_signal();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads()).enable_all().build();
    let report = match runtime {
        Ok(runtime) => {
            let report = runtime.block_on(until_signal(arguments.command, &ui));
            ui.hush();
            // Jobs that a signal ended remove their unfinished files now. Work that blocks on a slow disk is not waited
            // for: it holds nothing that a later run needs.
            runtime.shutdown_timeout(PARTING);
            report
        }
        Err(source) => Err(Error::Io { doing: "starting".to_owned(), source }),
    };
    let mut report = report.unwrap_or_else(|error| {
        let summary = after_signal.filter(|_| matches!(error, Error::Interrupted(_))).map(str::to_owned);
        let mut report = Report { summary: summary.into_iter().collect(), ..Report::failed(name, error) };
        ui.seen().tell(&mut report);
        report
    });
    report.warnings.splice(0..0, ui.warnings());
    ui.finish(&report, started.elapsed())
}

/// Returns the report of a call that cannot be understood, where its document is wanted.
fn wrong_call(typed: &[OsString], error: &clap::Error) -> Option<Report> {
    let words = || typed.iter().skip(1).filter_map(|word| word.to_str()).take_while(|word| *word != "--");
    if !words().any(|word| word == "--json") {
        return None;
    }
    let main = command();
    let verbs: Vec<&str> = words().filter(|word| !word.starts_with('-')).collect();
    let verb = main.get_subcommands().map(clap::Command::get_name).find(|verb| verbs.contains(verb));
    let name = NAMES.iter().copied().find(|name| Some(*name) == verb).unwrap_or("airgap-bundle");
    let text = error.render().to_string();
    let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim();
    Some(Report::failed(name, Error::usage(message, None)))
}

/// One thread a core, and at least four, so that a thread that waits for a disk does not stop the network.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(4, |cores| cores.get().max(4))
}

async fn dispatch(command: Command, ui: &Ui) -> Result<Report, Error> {
    match command {
        Command::Export(arguments) => export::run(*arguments, ui).await,
        Command::Import(arguments) => import::run(*arguments, ui).await,
        Command::Extract(arguments) => extract::run(*arguments, ui).await,
        Command::Completion(arguments) => Ok(completion::run(&arguments)),
        Command::Inspect(arguments) => inspect::run(arguments, ui),
        Command::Mirror(arguments) => mirror::run(*arguments, ui).await,
        Command::Login(arguments) => login::run(*arguments, ui).await,
        Command::Logout(arguments) => logout::run(arguments).await,
        Command::Man(arguments) => man::run(&arguments),
        Command::Sideload(arguments) => sideload::run(arguments, ui).await,
        Command::Verify(arguments) => verify::run(arguments, ui).await,
        Command::Version(arguments) => Ok(version::run(&arguments)),
    }
}

/// Ends the work when Ctrl-C or SIGTERM comes: dropping it ends its jobs at their next step. It has a thread of its own, so
/// that a signal is heard also where it waits for a pipe or a slow disk; meanwhile what is on the screen moves.
async fn until_signal(command: Command, ui: &Arc<Ui>) -> Result<Report, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let listening =
        signal(SignalKind::interrupt()).and_then(|int| Ok((int, signal(SignalKind::terminate())?)));
    let (mut interrupt, mut terminate) =
        listening.map_err(|source| Error::Io { doing: "listening for signals".to_owned(), source })?;
    let progress = ui.progress();
    let mut moments = tokio::time::interval(MOMENT);
    let own = Arc::clone(ui);
    let mut work = std::pin::pin!(jobs::apart(move || async move { dispatch(command, &own).await }));
    loop {
        tokio::select! {
            report = &mut work => return report?,
            _ = interrupt.recv() => return Err(Error::Interrupted(2)),
            _ = terminate.recv() => return Err(Error::Interrupted(15)),
            _ = moments.tick() => progress.tick(),
        }
    }
}
