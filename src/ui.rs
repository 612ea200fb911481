//! The only printer. stdout is data, stderr is talk.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::commands::report::{Report, whole};
use crate::commands::seen::Seen;
use crate::content::progress::Progress;
use crate::model::error::Result;
use crate::model::printable::without_control;

mod bars;
mod ending;
mod plain;
mod prompt;
mod quiet;

pub use prompt::Echo;

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
    seen: Seen,
    prompt: prompt::Prompt,
}

impl Ui {
    /// Makes a printer for this call.
    pub fn new(quiet: bool, verbose: bool, json: bool, mode: ProgressMode) -> Self {
        let terminal = io::stderr().is_terminal();
        let shows =
            if quiet || mode == ProgressMode::None { ending::Shows::Nothing } else { ending::Shows::Notes };
        let progress: Arc<dyn Progress> = match mode {
            _ if quiet => Arc::new(quiet::Quiet),
            ProgressMode::None => Arc::new(quiet::Quiet),
            ProgressMode::Auto if terminal => Arc::new(bars::Bars::new(verbose)),
            ProgressMode::Auto | ProgressMode::Plain => {
                Arc::new(plain::Plain::new(plain::Form::Text, verbose))
            }
            ProgressMode::Json => Arc::new(plain::Plain::new(plain::Form::Json, verbose)),
        };
        Self {
            quiet,
            json,
            progress: Arc::new(ending::Ending::new(progress, shows)),
            seen: Seen::default(),
            prompt: prompt::Prompt::default(),
        }
    }

    /// Keeps a warning of the call itself for its report.
    pub fn warn(&self, text: &str) {
        self.progress.warn(text);
    }

    /// Returns the warnings of the call and those that came while it was done.
    pub fn warnings(&self) -> Vec<String> {
        self.progress.warnings()
    }

    /// Asks the person at the terminal.
    ///
    /// Errors: [`Error::Usage`](crate::model::error::Error::Usage) where there is no terminal, or no answer.
    pub fn ask(&self, question: &str, echo: Echo) -> Result<String> {
        self.prompt.ask(question, echo)
    }

    /// Returns who watches the work.
    pub fn progress(&self) -> Arc<dyn Progress> {
        self.progress.clone()
    }

    /// Returns who remembers what a command knows.
    pub fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// Shows no more of what happens: the work has ended, or was ended.
    pub fn hush(&self) {
        self.progress.end();
        self.prompt.restore();
    }

    /// Prints what clap says of the arguments: help on stdout, mistakes on stderr.
    pub fn usage(error: &clap::Error, document: Option<&Report>) -> ExitCode {
        // A closed pipe is no failure of `--help`.
        let _ = error.print();
        if let Some(report) = document.filter(|_| error.use_stderr()) {
            let _ = write(&report.to_json(0.0));
        }
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    }

    /// Prints the result and returns the exit status.
    pub fn finish(&self, report: &Report, took: Duration) -> ExitCode {
        self.hush();
        let code = report.exit_code();
        if !self.quiet {
            for warning in report.warnings.iter().filter(|warning| !self.progress.has_shown(warning)) {
                talk(&format!("warning: {warning}"));
            }
        }
        for warning in &report.loud {
            talk(&format!("warning: {warning}"));
        }
        print_errors(report);
        let written = if self.json {
            write(&report.document.clone().unwrap_or_else(|| report.to_json(took.as_secs_f64())))
        } else {
            write(&report.output)
        };
        if !self.quiet && !self.json {
            report.summary.iter().for_each(|line| talk(line));
        }
        // The last line of all, also where nothing else is said but errors.
        if let Some(line) = self.progress.announced()
            && !self.json
            && (!report.failures.is_empty() || !self.quiet && !report.summary.is_empty())
        {
            talk(&line);
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

/// Prints errors as the field does: message, causes, and after an empty line the hint, which is said once: after the
/// last error that it is for.
fn print_errors(report: &Report) {
    let hints: Vec<Option<String>> = report.failures.iter().map(|error| report.hint(error)).collect();
    let last: HashMap<&String, usize> =
        hints.iter().enumerate().filter_map(|(number, hint)| Some((hint.as_ref()?, number))).collect();
    for (number, (error, hint)) in report.failures.iter().zip(&hints).enumerate() {
        let text = whole(error);
        let mut lines = text.lines();
        talk(&format!("error: {}", lines.next().unwrap_or_default()));
        for line in lines {
            talk(&format!("  {}", line.trim_start()));
        }
        if let Some(hint) = hint.as_ref().filter(|hint| last.get(hint) == Some(&number)) {
            talk(&format!("\nhint: {hint}"));
        }
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Says something to the person. A closed stderr is nobody's failure.
fn talk(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", without_control(line));
}
