//! The only printer. stdout is data, stderr is talk.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::commands::report::{Report, whole};
use crate::content::progress::{Progress, Silent};
use crate::model::error::Error;

mod bars;
mod ending;
mod plain;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressMode {
    /// Bars on a terminal, plain lines elsewhere.
    Auto,
    /// A plain line now and then.
    Plain,
    /// JSON lines on stderr.
    Json,
    /// Nothing.
    None,
}

/// Prints what a command returns, and shows what it does.
#[derive(Debug)]
pub struct Ui {
    quiet: bool,
    json: bool,
    progress: Arc<ending::Ending>,
}

impl Ui {
    /// Makes a printer for this call.
    pub fn new(quiet: bool, verbose: bool, json: bool, mode: ProgressMode) -> Self {
        let terminal = io::stderr().is_terminal();
        let progress: Arc<dyn Progress> = match mode {
            _ if quiet => Arc::new(Silent),
            ProgressMode::None => Arc::new(Silent),
            ProgressMode::Auto if terminal => Arc::new(bars::Bars::new(verbose)),
            ProgressMode::Auto | ProgressMode::Plain => {
                Arc::new(plain::Plain::new(plain::Form::Text, verbose))
            }
            ProgressMode::Json => Arc::new(plain::Plain::new(plain::Form::Json, verbose)),
        };
        Self { quiet, json, progress: Arc::new(ending::Ending::new(progress)) }
    }

    /// Returns who watches the work.
    pub fn progress(&self) -> Arc<dyn Progress> {
        self.progress.clone()
    }

    /// Shows no more of what happens: the work has ended, or was ended.
    pub fn hush(&self) {
        self.progress.end();
    }

    /// Prints what clap says of the arguments: help on stdout, mistakes on stderr.
    pub fn usage(error: &clap::Error) -> ExitCode {
        // A closed pipe is no failure of `--help`.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    }

    /// Prints the result and returns the exit status.
    pub fn finish(&self, report: &Report, took: Duration) -> ExitCode {
        self.hush();
        let code = report.exit_code();
        if !self.quiet {
            for warning in &report.warnings {
                talk(&format!("warning: {warning}"));
            }
        }
        for error in &report.failures {
            print_error(error);
        }
        let written = if self.json {
            write(&report.document.clone().unwrap_or_else(|| report.to_json(took.as_secs_f64())))
        } else {
            write(&report.output)
        };
        if !self.quiet && !self.json {
            report.summary.iter().for_each(|line| talk(line));
        }
        let written = if self.json { written } else { written.and_then(|()| write(&report.closing)) };
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                talk(&format!("error: writing to stdout: {error}"));
                ExitCode::from(1)
            }
            _ => ExitCode::from(code),
        }
    }
}

/// Prints an error as the field does: message, causes, and after an empty line the hint.
fn print_error(error: &Error) {
    let text = whole(error);
    let mut lines = text.lines();
    talk(&format!("error: {}", lines.next().unwrap_or_default()));
    for line in lines {
        talk(&format!("  {}", line.trim_start()));
    }
    if let Some(hint) = error.hint() {
        talk(&format!("\nhint: {hint}"));
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Says something to the person. A closed stderr is nobody's failure.
fn talk(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
