//! Progress on a terminal: one bar with bytes, rate and time left, and what is under way.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::content::progress::Progress;

const BYTES: &str = "{prefix} [{bar:24}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left {wide_msg}";
const SPIN: &str = "{spinner} {prefix} {binary_bytes} {wide_msg}";

#[derive(Debug)]
pub(super) struct Bars {
    verbose: bool,
    bar: ProgressBar,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    under_way: BTreeSet<String>,
    items: Option<u64>,
    ended: u64,
}

impl Bars {
    pub(super) fn new(verbose: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        Self { verbose, bar, state: Mutex::default() }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let items = match state.items {
            Some(items) => format!("{}/{items} ", state.ended),
            None => String::new(),
        };
        let more = state.under_way.len().saturating_sub(1);
        let first = state.under_way.first().map(String::as_str).unwrap_or_default();
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        self.bar.set_message(format!("{items}{first}{rest}"));
    }
}

impl Progress for Bars {
    fn phase(&self, name: &'static str, bytes: Option<u64>, items: Option<u64>) {
        if name.is_empty() {
            self.bar.finish_and_clear();
            return;
        }
        self.change(|state| *state = State { items, ..State::default() });
        self.bar.reset();
        self.bar.set_prefix(name);
        let template = if bytes.is_some() { BYTES } else { SPIN };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        match bytes {
            Some(bytes) => self.bar.set_length(bytes),
            None => self.bar.unset_length(),
        }
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn moved(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn begun(&self, item: &str) {
        self.change(|state| {
            state.under_way.insert(item.to_owned());
        });
    }

    fn ended(&self, item: &str) {
        self.change(|state| {
            state.under_way.remove(item);
            state.ended = state.ended.saturating_add(1);
        });
    }

    fn note(&self, text: &str) {
        self.bar.println(format!("note: {text}"));
    }

    fn announce(&self, text: &str) {
        self.bar.println(text);
    }

    fn request(&self, text: &str) {
        if self.verbose {
            self.bar.println(text);
        }
    }
}
