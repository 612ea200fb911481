//! Assertions that were fetched for one snap and stand below many: accounts, keys, and what proves a base.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::model::assertion::Assertion;

/// So many are remembered. What is asked for beyond them is fetched each time.
const MOST: usize = 512;

type Cell = Arc<OnceCell<Assertion>>;

/// What the store has said, by type and key. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<Mutex<HashMap<String, Cell>>>);

impl Known {
    /// Returns where an assertion is kept, so that it is asked for once, however many want it.
    pub(super) fn cell(&self, path: &str) -> Cell {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match cells.get(path) {
            Some(cell) => Arc::clone(cell),
            None if cells.len() < MOST => Arc::clone(cells.entry(path.to_owned()).or_default()),
            None => Cell::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_has_an_end() {
        let known = Known::default();
        for number in 0..MOST {
            known.cell(&number.to_string());
        }
        assert!(Arc::ptr_eq(&known.cell("0"), &known.cell("0")));
        assert!(!Arc::ptr_eq(&known.cell("more"), &known.cell("more")));
    }
}
