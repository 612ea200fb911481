//! `airgap-bundle man`.

use std::fmt::Write as _;
use std::fs;

use camino::Utf8PathBuf;
use clap::builder::PossibleValuesParser;
use clap_mangen::Man;

use crate::commands::report::Report;
use crate::model::error::{Error, Result};

/// Print the manual page of the main command or of another one, or write those of all
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  airgap-bundle man | man -l -
  airgap-bundle man export | man -l -
  airgap-bundle man --dir /usr/local/share/man/man1")]
pub(super) struct Arguments {
    /// Print the page of this command
    #[arg(value_name = "COMMAND", value_parser = PossibleValuesParser::new(super::NAMES), hide_possible_values = true)]
    command: Option<String>,
    /// Write a page for each command into this folder, which is created where it is missing
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<Utf8PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Report> {
    let mut report = Report { command: "man", ..Report::default() };
    let pages = pages()?;
    let Some(dir) = &arguments.dir else {
        let name = match &arguments.command {
            Some(command) => format!("airgap-bundle-{command}.1"),
            None => "airgap-bundle.1".to_owned(),
        };
        report.output = pages.into_iter().find(|page| page.0 == name).map(|page| page.1).unwrap_or_default();
        return Ok(report);
    };
    fs::create_dir_all(dir).map_err(Error::io(format!("creating `{dir}`")))?;
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
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    // As clap_mangen would put it, man would fill its lines into paragraphs.
    let man = Man::new(command.after_help(None::<&str>)).manual("airgap-bundle");
    let mut text = Vec::new();
    man.render(&mut text).map_err(Error::io("writing a manual page"))?;
    text.extend(sections(&after).into_bytes());
    Ok((man.get_filename(), text))
}

/// Makes a section of each part of what help says last, its lines kept: a part begins with `Title:` alone on a line.
fn sections(after: &str) -> String {
    let mut text = String::new();
    for line in after.lines() {
        // Writing to a String cannot fail.
        let _ = match line.strip_suffix(':').filter(|title| !title.starts_with(' ')) {
            Some(title) => writeln!(text, ".SH {}\n.nf", title.to_uppercase()),
            None => writeln!(text, "{}", escaped(line.trim_start())),
        };
    }
    text
}

/// Keeps a line from being read as a request (groff(7), "Escape Sequences").
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_sections_with_their_lines() {
        let text = sections("One two:\n  a -b\n\n  .c\\\n\nThree:\n  'd");
        assert_eq!(text, ".SH ONE TWO\n.nf\na \\-b\n\n\\&.c\\e\n\n.SH THREE\n.nf\n\\&'d\n");
    }
}
