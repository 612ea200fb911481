//! Any bytes are a manifest or an error, with bounded memory.
#![no_main]

use airgap_bundle::model::artifact::Kind;
use airgap_bundle::model::manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::parse("", bytes) {
        let _ = Kind::of(&manifest);
    }
});
