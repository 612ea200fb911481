//! Questions at a terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::model::error::{Error, Result};

/// Whether an answer is seen while it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// It is.
    On,
    /// It is not: a password.
    Off,
}

/// The terminal as it was before a password was asked for, until that is over.
#[derive(Debug, Default)]
pub(super) struct Prompt(Mutex<Option<Termios>>);

impl Prompt {
    /// Asks, and returns the line that was typed.
    pub(super) fn ask(&self, question: &str, echo: Echo) -> Result<String> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Err(match echo {
                Echo::On => Error::usage(
                    "there is no terminal to ask for the login at",
                    Some("say `--username USER` with `--password-stdin` or `--password-file FILE`"),
                ),
                Echo::Off => Error::usage(
                    "there is no terminal to ask for the password at",
                    Some("give the password with `--password-stdin` or `--password-file FILE`"),
                ),
            });
        }
        let failed = |error: io::Error| Error::io("asking at the terminal")(error);
        if echo == Echo::Off {
            let before = tcgetattr(&stdin).map_err(|error| failed(error.into()))?;
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
            tcsetattr(&stdin, OptionalActions::Flush, &hidden).map_err(|error| failed(error.into()))?;
        }
        // After echo is off: what is typed at once is not seen, and not lost.
        let _ = write!(io::stderr(), "{question}");
        let mut line = String::new();
        let read = stdin.lock().read_line(&mut line);
        if echo == Echo::Off {
            self.restore();
            let _ = writeln!(io::stderr());
        }
        read.map_err(failed)?;
        let answer = line.trim_end_matches(['\n', '\r']);
        if answer.is_empty() {
            return Err(Error::usage("nothing was typed", None));
        }
        Ok(answer.to_owned())
    }

    /// Makes the terminal as it was, also where a signal ended the question.
    pub(super) fn restore(&self) {
        if let Some(before) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
        }
    }
}
