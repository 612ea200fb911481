//! How much of memory manifests may take, so that no registry decides that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytesize::ByteSize;

use crate::model::error::{Error, Result};

/// The most bytes of manifests in a run.
const RUN: u64 = 512 << 20;
/// The most bytes of manifests in one share: those of an artifact, or those of what refers to it.
const SHARE: u64 = 64 << 20;
/// What each manifest counts beside its bytes.
const BESIDE: u64 = 512;

/// What the manifests of a run may take. Clones share it.
#[derive(Clone, Debug)]
pub struct Budget {
    taken: Arc<AtomicU64>,
    run: u64,
    share: u64,
}

impl Default for Budget {
    /// 512 MiB, in shares of 64 MiB.
    fn default() -> Self {
        Self::new(RUN, SHARE)
    }
}

impl Budget {
    /// Makes a budget of so many bytes for the run, and so many for each share.
    pub fn new(run: u64, share: u64) -> Self {
        Self { taken: Arc::default(), run, share }
    }

    /// Begins a share, with nothing taken.
    pub fn share(&self) -> Share {
        Share { budget: self.clone(), taken: AtomicU64::new(0) }
    }
}

/// What is taken of a [`Budget`] together. It is given back on drop, unless it is kept.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    taken: AtomicU64,
}

impl Share {
    /// Takes room for a manifest of `size` bytes.
    ///
    /// Errors: [`Error::Unsupported`] where the share or the run has too little left; then nothing is taken.
    pub fn take(&self, size: u64) -> Result<()> {
        let size = size.saturating_add(BESIDE);
        let Budget { taken, run, share } = &self.budget;
        let full = |what: &str, most: u64, hint: Option<&str>| Error::Unsupported {
            message: format!("{what} come to more than {}", ByteSize(most)),
            hint: hint.map(str::to_owned),
        };
        if !add(&self.taken, size, *share) {
            return Err(full("its manifests", *share, None));
        }
        if !add(taken, size, *run) {
            self.taken.fetch_sub(size, Ordering::Relaxed);
            let hint = "split the list into several, and run them one after the other";
            return Err(full("the manifests of all artifacts", *run, Some(hint)));
        }
        Ok(())
    }

    /// Says that what it was taken for stays in memory.
    pub fn keep(&self) {
        self.taken.store(0, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.taken.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

fn add(taken: &AtomicU64, size: u64, most: u64) -> bool {
    let sum = |taken: u64| taken.checked_add(size).filter(|sum| *sum <= most);
    taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_and_a_run_have_an_end_and_what_fails_gives_back() {
        let budget = Budget::new(20_000, 10_000);
        let (one, two) = (budget.share(), budget.share());
        one.take(8_000).unwrap();
        assert_eq!(one.take(1_000).unwrap_err().to_string(), "its manifests come to more than 9.8 KiB");
        one.take(900).unwrap();
        two.take(9_000).unwrap();
        let three = budget.share();
        let full = three.take(1_000).unwrap_err();
        assert_eq!(full.to_string(), "the manifests of all artifacts come to more than 19.5 KiB");
        drop(two);
        three.take(9_000).unwrap();
        three.keep();
        drop(one);
        let four = budget.share();
        assert!(four.take(9_400).is_ok());
        assert!(budget.share().take(2_000).is_err(), "what is kept counts");
        assert!(four.take(u64::MAX).is_err());
    }
}
