//! What the library tells whoever watches. It never prints.

use std::fmt::Debug;

/// Receives what happens while it happens. Calls come from many threads and return at once.
pub trait Progress: Send + Sync + Debug {
    /// A new phase begins (`resolving`, `fetching`, `pushing`), with so many bytes and items to come, where known.
    fn phase(&self, name: &'static str, bytes: Option<u64>, items: Option<u64>);
    /// So many bytes more have arrived where they belong.
    fn moved(&self, bytes: u64);
    /// An item of the phase (an artifact, a blob) has begun.
    fn begun(&self, item: &str);
    /// An item of the phase has ended, well or not.
    fn ended(&self, item: &str);
    /// Something that a person would want to know now: a wait, a retry, a fallback. Not an error.
    fn note(&self, text: &str);
    /// Something that a person should know, which is a warning of the command's report.
    fn warn(&self, text: &str) {
        self.note(text);
    }
    /// As [`Progress::warn`], of what a person may want to do something about before the command ends.
    fn warn_now(&self, text: &str) {
        self.warn(text);
    }
    /// A bundle says of itself that it lacks something: the first line of whatever is done with it.
    fn announce(&self, text: &str) {
        self.note(text);
    }
    /// A request was made; shown with `-v`. The text is free of secrets.
    fn request(&self, text: &str);
    /// A moment has passed, whether anything happened or not: what moves on a screen may move.
    fn tick(&self) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn phase(&self, _: &'static str, _: Option<u64>, _: Option<u64>) {}
    fn moved(&self, _: u64) {}
    fn begun(&self, _: &str) {}
    fn ended(&self, _: &str) {}
    fn note(&self, _: &str) {}
    fn request(&self, _: &str) {}
}
