//! Progress until the work has ended: what jobs on other threads still see while everything is taken down is nobody's
//! business any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::content::progress::Progress;

/// Hands on what happens until [`Ending::end`].
#[derive(Debug)]
pub(super) struct Ending {
    inner: Arc<dyn Progress>,
    ended: AtomicBool,
    announced: OnceLock<String>,
    warnings: Mutex<Vec<String>>,
    /// Warnings that were shown as soon as they came.
    shown: Mutex<Vec<String>>,
    shows: Shows,
}

/// Whether notes are shown at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    Notes,
    Nothing,
}

impl Ending {
    pub(super) fn new(inner: Arc<dyn Progress>, shows: Shows) -> Self {
        Self {
            inner,
            ended: AtomicBool::new(false),
            announced: OnceLock::new(),
            warnings: Mutex::default(),
            shown: Mutex::default(),
            shows,
        }
    }

    /// Takes the warnings of the work.
    pub(super) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns whether a warning was shown when it came.
    pub(super) fn has_shown(&self, warning: &str) -> bool {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|shown| shown == warning)
    }

    /// Ends the bars, and hands on nothing more.
    pub(super) fn end(&self) {
        if !self.ended.swap(true, Ordering::Relaxed) {
            self.inner.phase("", None, None);
        }
    }

    /// Returns what a bundle has said of itself.
    pub(super) fn announced(&self) -> Option<String> {
        self.announced.get().cloned()
    }

    fn going(&self) -> Option<&dyn Progress> {
        (!self.ended.load(Ordering::Relaxed)).then_some(self.inner.as_ref())
    }
}

impl Progress for Ending {
    fn phase(&self, name: &'static str, bytes: Option<u64>, items: Option<u64>) {
        if let Some(inner) = self.going() {
            inner.phase(name, bytes, items);
        }
    }

    fn moved(&self, bytes: u64) {
        if let Some(inner) = self.going() {
            inner.moved(bytes);
        }
    }

    fn begun(&self, item: &str) {
        if let Some(inner) = self.going() {
            inner.begun(item);
        }
    }

    fn ended(&self, item: &str) {
        if let Some(inner) = self.going() {
            inner.ended(item);
        }
    }

    fn note(&self, text: &str) {
        if let Some(inner) = self.going() {
            inner.note(text);
        }
    }

    fn warn(&self, text: &str) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    }

    fn warn_now(&self, text: &str) {
        self.warn(text);
        if let (Some(inner), Shows::Notes) = (self.going(), self.shows) {
            inner.note(&format!("warning: {text}"));
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
        }
    }

    fn announce(&self, text: &str) {
        let _ = self.announced.set(text.to_owned());
        if let Some(inner) = self.going() {
            inner.announce(text);
        }
    }

    fn request(&self, text: &str) {
        if let Some(inner) = self.going() {
            inner.request(text);
        }
    }

    fn tick(&self) {
        if let Some(inner) = self.going() {
            inner.tick();
        }
    }
}
