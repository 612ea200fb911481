//! `airgap-bundle export`.

use std::fs::File;
use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};

use super::help;
use super::registry::{RegistryArguments, Schemes};
use super::selection::SelectionArguments;
use crate::commands::export::{self, Action, Options, Overwrite};
use crate::commands::report::Report;
use crate::content::jobs::OnFailure;
use crate::kinds::{Earlier, Foreign, Lacking, Places, Staging, Wanted};
use crate::model::error::{Error, Result};
use crate::model::list::{self, Collected, Require, Source};
use crate::model::platform::Platform;
use crate::ui::Ui;

/// Write everything that lists name into one bundle
#[derive(Debug, clap::Args)]
#[command(after_help = help::export("Examples:
  airgap-bundle export --list artifacts.txt
  airgap-bundle export --list artifacts.txt --platform linux/amd64 --output site.tar
  airgap-bundle export --list artifacts.txt --reuse last-month.tar --dry-run"))]
pub(super) struct Arguments {
    /// Further references, each as a line of a list
    #[arg(value_name = "REF")]
    references: Vec<String>,
    /// Read a list, one artifact a line; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    list: Vec<Utf8PathBuf>,
    /// Write the bundle to this file
    #[arg(short, long, value_name = "FILE", default_value = "airgap-bundle.tar")]
    output: Utf8PathBuf,
    /// Take only these platforms of every image
    #[arg(long, value_name = "P", value_delimiter = ',')]
    platform: Vec<Platform>,
    /// Fail where an image lacks one of the platforms
    #[arg(long)]
    strict_platforms: bool,
    /// Leave out layers that are marked non-distributable
    #[arg(long)]
    no_foreign_layers: bool,
    /// Fail where a reference has no tag, or no digest
    #[arg(long, value_name = "tag|digest")]
    require: Option<Require>,
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
    let mut lists = Vec::new();
    if let Some(error) = check_stdin(&arguments) {
        wrong.push(error);
        return Ok(refused(wrong));
    }
    for list in &arguments.list {
        match read(list) {
            Ok(read) => lists.push(read),
            Err(error) => wrong.push(error),
        }
    }
    let all_read = lists.len() == arguments.list.len();
    let asked = match list::collect(&lists, &arguments.references, arguments.require.unwrap_or_default()) {
        Ok(asked) => asked,
        Err(error) => {
            // Of lists that could not be read nothing is known, not even that they are empty.
            wrong.extend(Some(error).filter(|error| all_read || matches!(error, Error::List(_))));
            Collected::default()
        }
    };
    let hosts = list::registries(&lists, &arguments.references);
    let client = match arguments.registry.client(&hosts, &Schemes::default(), ui) {
        Ok(client) if wrong.is_empty() => client,
        Ok(_) => return Ok(refused(wrong)),
        Err(error) => {
            // A list with mistakes may name more registries than it seems to.
            let certain = wrong.is_empty()
                || !hosts.is_empty()
                || !arguments.registry.credentials().asks_for_one_host();
            wrong.extend(certain.then_some(error));
            return Ok(refused(wrong));
        }
    };
    let jobs = arguments.registry.jobs();
    let http = client.http().clone();
    let options = Options {
        asked,
        output: arguments.output,
        selection: arguments.selection.selection(),
        wanted: Wanted {
            platforms: arguments.platform,
            lacking: if arguments.strict_platforms { Lacking::Refuse } else { Lacking::Warn },
            foreign: if arguments.no_foreign_layers { Foreign::Omit } else { Foreign::Include },
            jobs,
        },
        places: Places {
            registry: client,
            http,
            staging: Staging::temporary(
                Utf8PathBuf::from_path_buf(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into()),
            ),
            earlier: Earlier::default(),
        },
        action: if arguments.dry_run { Action::Say } else { Action::Do },
        overwrite: if arguments.force { Overwrite::Bundle } else { Overwrite::No },
        on_failure: if arguments.keep_going { OnFailure::GoOn } else { OnFailure::Stop },
        reuse: arguments.reuse,
        jobs,
        seen: ui.seen(),
        progress: ui.progress(),
    };
    export::run(options).await
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

/// Refuses two readers of standard input.
fn check_stdin(arguments: &Arguments) -> Option<Error> {
    let lists = arguments.list.iter().filter(|list| *list == "-").count();
    let hint = match lists {
        1 => "put the password into a file for `--password-file`",
        _ => "give `--list -` once",
    };
    (lists + usize::from(arguments.registry.credentials().reads_stdin()) > 1)
        .then(|| Error::usage("standard input can be read once only", Some(hint)))
}

/// Reads a list, and a byte more than the longest one so that the parser can tell.
fn read(path: &Utf8PathBuf) -> Result<(Source, Vec<u8>)> {
    let limit = u64::try_from(list::MAX_SIZE).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    let doing = format!("reading list `{path}`");
    if path.as_str().is_empty() {
        return Err(Error::usage("`--list` is empty", Some("name a file with `--list FILE`")));
    }
    if path.is_dir() {
        return Err(Error::usage(
            format!("list `{path}` is a folder"),
            Some(
                "name a file with `--list FILE`; the files of a folder are carried by the line `file FOLDER` in a list",
            ),
        ));
    }
    if path == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut text).map_err(Error::io(doing))?;
        return Ok((Source::Stdin, text));
    }
    let file = File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::usage(format!("list `{path}` was not found"), None),
        _ => Error::Io { doing: doing.clone(), source },
    })?;
    file.take(limit).read_to_end(&mut text).map_err(Error::io(doing))?;
    Ok((Source::file(path.clone()), text))
}
