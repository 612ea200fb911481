//! Any text is a reference or an error; what parses prints and parses the same.
#![no_main]

use airgap_bundle::model::reference::{Reference, is_repository};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<Reference>() {
        assert!(is_repository(reference.repository()), "{reference}");
        assert_eq!(reference.to_string().parse(), Ok(reference));
    }
});
