//! No progress at all. What a bundle says of itself is said all the same: it decides the exit status.

use std::io::{self, Write};

use crate::content::progress::Progress;

#[derive(Debug)]
pub(super) struct Quiet;

impl Progress for Quiet {
    fn phase(&self, _: &'static str, _: Option<u64>, _: Option<u64>) {}
    fn moved(&self, _: u64) {}
    fn begun(&self, _: &str) {}
    fn ended(&self, _: &str) {}
    fn note(&self, _: &str) {}
    fn announce(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
    fn request(&self, _: &str) {}
}
