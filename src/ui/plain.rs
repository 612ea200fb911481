//! Progress where nobody watches a terminal: a line now and then, as text or as JSON.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use serde_json::json;

use crate::content::progress::Progress;
use crate::model::printable::without_control;

/// How often a line is written at most.
const EVERY: Duration = Duration::from_secs(5);

/// The form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
}

#[derive(Debug)]
pub(super) struct Plain {
    form: Form,
    verbose: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: &'static str,
    bytes: Option<u64>,
    items: Option<u64>,
    moved: u64,
    ended: u64,
    said: Instant,
}

impl Plain {
    pub(super) fn new(form: Form, verbose: bool) -> Self {
        let state = State { phase: "", bytes: None, items: None, moved: 0, ended: 0, said: Instant::now() };
        Self { form, verbose, state: Mutex::new(state) }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if state.said.elapsed() >= EVERY && !state.phase.is_empty() {
            state.said = Instant::now();
            self.say(&state);
        }
    }

    fn say(&self, state: &State) {
        match self.form {
            Form::Text => {
                let of =
                    |total: Option<String>| total.map(|total| format!(" of {total}")).unwrap_or_default();
                let items = of(state.items.map(|items| items.to_string()));
                let bytes = of(state.bytes.map(|bytes| ByteSize(bytes).to_string()));
                line(&format!(
                    "{}: {}{items} done, {}{bytes}",
                    state.phase,
                    state.ended,
                    ByteSize(state.moved)
                ));
            }
            Form::Json => line(
                &json!({"phase": state.phase, "items": state.ended, "of_items": state.items,
                        "bytes": state.moved, "of_bytes": state.bytes})
                .to_string(),
            ),
        }
    }

    fn talk(&self, key: &str, text: &str) {
        match self.form {
            Form::Text => line(text),
            Form::Json => line(&json!({ key: text }).to_string()),
        }
    }
}

impl Progress for Plain {
    fn phase(&self, name: &'static str, bytes: Option<u64>, items: Option<u64>) {
        self.change(|state| {
            *state = State { phase: name, bytes, items, moved: 0, ended: 0, said: state.said };
        });
    }

    fn moved(&self, bytes: u64) {
        self.change(|state| state.moved = state.moved.saturating_add(bytes));
    }

    fn begun(&self, _: &str) {}

    fn ended(&self, _: &str) {
        self.change(|state| state.ended = state.ended.saturating_add(1));
    }

    fn note(&self, text: &str) {
        self.talk("note", &format!("note: {text}"));
    }

    fn announce(&self, text: &str) {
        self.talk("announcement", text);
    }

    fn request(&self, text: &str) {
        if self.verbose {
            self.talk("request", text);
        }
    }
}

fn line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", without_control(text));
}
