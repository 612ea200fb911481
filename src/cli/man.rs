//! `airgap-bundle man`.

use std::fs;

use camino::Utf8PathBuf;
use clap_mangen::Man;

use crate::commands::report::Report;
use crate::model::error::{Error, Result};

/// Print the manual page of the main command, or write those of all commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  airgap-bundle man | man -l -
  airgap-bundle man --dir /usr/local/share/man/man1")]
pub(super) struct Arguments {
    /// Write a page for each command into this folder, which is created where it is missing
    #[arg(long, value_name = "DIR")]
    dir: Option<Utf8PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Report> {
    let mut report = Report { command: "man", ..Report::default() };
    let Some(dir) = &arguments.dir else {
        (_, report.output) = page(super::command())?;
        return Ok(report);
    };
    fs::create_dir_all(dir).map_err(Error::io(format!("creating `{dir}`")))?;
    let pages = pages()?;
    for (name, text) in &pages {
        let path = dir.join(name);
        fs::write(&path, text).map_err(Error::io(format!("writing `{path}`")))?;
    }
    report.summary.push(format!("wrote {} manual pages to `{dir}`", pages.len()));
    Ok(report)
}

/// Returns file names and texts of all pages, the main command's last.
fn pages() -> Result<Vec<(String, Vec<u8>)>> {
    let mut main = super::command();
    // Gives each command its whole name and the flags that all of them share.
    main.build();
    let verbs: Vec<clap::Command> =
        main.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    verbs.into_iter().chain([main]).map(page).collect()
}

/// Returns the file name of a page and its text.
fn page(command: clap::Command) -> Result<(String, Vec<u8>)> {
    let man = Man::new(command).manual("airgap-bundle");
    let mut text = Vec::new();
    man.render(&mut text).map_err(Error::io("writing a manual page"))?;
    Ok((man.get_filename(), text))
}
