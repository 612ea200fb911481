//! What credential helpers have said: each is asked once in a run, however many wait.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt as _, Shared};

use super::credentials::Credential;
use super::keychain::{Fault, Keychain};
use crate::stores::http::clock::Clock;

type Answer = Result<Option<Credential>, Fault>;
type Asking = Shared<BoxFuture<'static, Answer>>;

/// Answers, by program and registry.
#[derive(Default)]
pub(super) struct Keychains(Mutex<HashMap<(String, String), Asking>>);

impl fmt::Debug for Keychains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keychains")
    }
}

impl Keychains {
    /// Asks a helper, unless it was asked before.
    pub(super) async fn get(&self, keychain: &Keychain, clock: &Arc<dyn Clock>) -> Answer {
        let asking = {
            let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let ask = || {
                let (keychain, clock) = (keychain.clone(), Arc::clone(clock));
                async move { keychain.get(&clock).await }.boxed().shared()
            };
            asked.entry(key(keychain)).or_insert_with(ask).clone()
        };
        asking.await
    }

    /// Returns the answer, where there is one.
    pub(super) fn known(&self, keychain: &Keychain) -> Option<Answer> {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(&key(keychain)).and_then(Shared::peek).cloned()
    }
}

fn key(keychain: &Keychain) -> (String, String) {
    (keychain.name.clone(), keychain.registry.clone())
}
