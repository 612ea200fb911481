//! Snaps: out of the store, or from disk with their assertions beside them.

mod inside;
mod item;
mod local;
mod proof;
mod staged;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

pub use inside::{Expected, same_provenance};
pub use proof::{Clock, Prover, warnings};

use crate::stores::snap_store::{SnapStore, StoreSnap, Wanted};

pub(super) use local::resolve as resolve_local;
pub(super) use store::resolve;

/// Where snaps come from, and what proves them. Clones share what the store has said.
#[derive(Clone, Debug)]
pub struct Snaps {
    /// The store.
    pub store: SnapStore,
    /// What proves them.
    pub prover: Prover,
    /// The architecture of this host, in snapd's words.
    pub architecture: String,
    /// What is done about a snap whose sha256 is not known.
    pub unknown: Unknown,
    asked: Arc<Mutex<HashMap<Wanted, Answer>>>,
}

/// What the store says of a snap, once it has been asked.
type Answer = Arc<OnceCell<Arc<StoreSnap>>>;

/// What is done about a snap whose sha256 nobody knows before it has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is learned while the snap goes to its place in the bundle.
    Learn,
    /// The snap is fetched first, into the folder for what must be.
    Stage,
}

impl Snaps {
    /// Asks nobody yet.
    pub fn new(store: SnapStore, prover: Prover, architecture: &str, unknown: Unknown) -> Self {
        let (architecture, asked) = (architecture.to_owned(), Arc::default());
        Self { store, prover, architecture, unknown, asked }
    }

    /// Returns the same with every snap fetched, and proven, before anything is believed of it.
    #[must_use]
    pub fn staged(&self) -> Self {
        Self { unknown: Unknown::Stage, ..self.clone() }
    }
}
