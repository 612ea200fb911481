//! Progress on a terminal: one bar with bytes, rate and time left, and what is under way.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::content::progress::Progress;

/// Fits into 80 columns whatever the numbers are; what is under way stands below.
const BYTES: &str =
    "{prefix} [{bar:16}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}{left}";
const BELOW: &str = "\n  {wide_msg}";
const SPIN: &str = "{spinner} {prefix} {wide_msg}";

#[derive(Debug)]
pub(super) struct Bars {
    verbose: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Of this phase; hidden before the first and after the last.
    bar: ProgressBar,
    under_way: BTreeSet<String>,
    items: Option<u64>,
    ended: u64,
}

impl State {
    fn new(bar: ProgressBar, items: Option<u64>) -> Self {
        Self { bar, under_way: BTreeSet::new(), items, ended: 0 }
    }

    fn message(&self) -> String {
        let items = match self.items {
            Some(items) => format!("{}/{items} ", self.ended),
            None => String::new(),
        };
        let more = self.under_way.len().saturating_sub(1);
        let first = self.under_way.first().map(String::as_str).unwrap_or_default();
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{items}{first}{rest}")
    }
}

impl Bars {
    pub(super) fn new(verbose: bool) -> Self {
        Self { verbose, state: Mutex::new(State::new(ProgressBar::hidden(), None)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line above the bar, or alone where there is none.
    fn line(&self, text: &str) {
        self.state().bar.suspend(|| {
            let _ = writeln!(io::stderr().lock(), "{text}");
        });
    }
}

/// Makes a bar that shows nothing before it has all that its first frame needs.
fn bar(name: &'static str, bytes: Option<u64>, message: String) -> ProgressBar {
    let bar = ProgressBar::hidden();
    let template = match (bytes, message.is_empty()) {
        (Some(_), true) => BYTES.to_owned(),
        (Some(_), false) => format!("{BYTES}{BELOW}"),
        (None, _) => SPIN.to_owned(),
    };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("=> ").with_key("left", left));
    }
    match bytes {
        Some(bytes) => bar.set_length(bytes),
        None => bar.unset_length(),
    }
    bar.set_prefix(name);
    bar.set_message(message);
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
    bar
}

/// Writes how long it may still take, once something has moved: before that nobody knows.
fn left(state: &ProgressState, to: &mut dyn fmt::Write) {
    if state.pos() > 0 && state.len().is_some_and(|all| state.pos() < all) {
        let _ = write!(to, ", {:#} left", HumanDuration(state.eta()));
    }
}

impl Progress for Bars {
    fn phase(&self, name: &'static str, bytes: Option<u64>, items: Option<u64>) {
        let mut state = self.state();
        state.bar.finish_and_clear();
        *state = State::new(ProgressBar::hidden(), items.filter(|items| *items > 0));
        if !name.is_empty() {
            state.bar = bar(name, bytes, state.message());
            state.bar.tick();
        }
    }

    fn moved(&self, bytes: u64) {
        self.state().bar.inc(bytes);
    }

    fn begun(&self, item: &str) {
        let mut state = self.state();
        state.under_way.insert(item.to_owned());
        state.bar.set_message(state.message());
    }

    fn ended(&self, item: &str) {
        let mut state = self.state();
        state.under_way.remove(item);
        state.ended = state.ended.saturating_add(1);
        state.bar.set_message(state.message());
    }

    fn note(&self, text: &str) {
        self.line(&format!("note: {text}"));
    }

    fn announce(&self, text: &str) {
        self.line(text);
    }

    fn request(&self, text: &str) {
        if self.verbose {
            self.line(text);
        }
    }

    fn tick(&self) {
        self.state().bar.tick();
    }
}
