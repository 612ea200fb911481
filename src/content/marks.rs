//! Where a blob's hash was on the way: what lets a body go on in the middle without its beginning being read again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::descriptor::Descriptor;
use crate::model::digest::Hasher;

/// The most marks of one blob, some 200 bytes each.
const MAX: u64 = 2048;
/// No two marks are closer than this: 512 KiB.
const APART: u64 = 512 << 10;

/// Hash states of one blob by how many bytes each has seen. They are of the bytes of one source: where those turn out
/// to be wrong, so are they.
#[derive(Debug)]
pub struct Marks {
    apart: u64,
    none: Hasher,
    states: Mutex<BTreeMap<u64, Hasher>>,
}

impl Marks {
    /// Begins without marks.
    pub fn new(blob: &Descriptor) -> Self {
        let none = Hasher::new(blob.digest.algorithm());
        Self { apart: blob.size.div_ceil(MAX).max(APART), none, states: Mutex::default() }
    }

    /// Keeps the state of a hasher that has seen the first `at` bytes, where no other mark is near.
    pub fn note(&self, at: u64, hasher: &Hasher) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let last = states.range(..=at).next_back().map_or(0, |(last, _)| *last);
        if at.saturating_sub(last) >= self.apart {
            states.insert(at, hasher.clone());
        }
    }

    /// Returns the last state at or before `offset`, and how many bytes it has seen.
    pub fn before(&self, offset: u64) -> (u64, Hasher) {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = states.range(..=offset).next_back();
        mark.map_or_else(|| (0, self.none.clone()), |(at, hasher)| (*at, hasher.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;

    #[test]
    fn the_last_mark_before_an_offset_goes_on() {
        let blob = Descriptor::new("", Digest::sha256(b""), 3 * APART);
        let marks = Marks::new(&blob);
        let mut hasher = Hasher::new(blob.digest.algorithm());
        for at in 1..=5 {
            hasher.update(&vec![7; 300 << 10]);
            marks.note(at * (300 << 10), &hasher);
        }
        for (offset, expected) in [(0, 0), (599 << 10, 0), (600 << 10, 600 << 10), (1 << 40, 1200 << 10)] {
            let (at, mut hasher) = marks.before(offset);
            assert_eq!(at, expected, "{offset}");
            hasher.update(b"x");
            let mut all = vec![7; usize::try_from(at).unwrap()];
            all.push(b'x');
            assert_eq!(hasher.finish(), Digest::sha256(&all), "{offset}");
        }
    }

    #[test]
    fn marks_are_bounded_whatever_the_size() {
        let blob = Descriptor::new("", Digest::sha256(b""), 1 << 40);
        let marks = Marks::new(&blob);
        let hasher = Hasher::new(blob.digest.algorithm());
        for at in (0..1_u64 << 40).step_by(64 << 20) {
            marks.note(at, &hasher);
        }
        assert!(marks.states.lock().unwrap().len() <= 2048);
    }
}
