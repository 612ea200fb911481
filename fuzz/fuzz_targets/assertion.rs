//! Any bytes are a stream of assertions or a mistake on a line; what parses is written back the same, and examined.
#![no_main]

use airgap_bundle::model::assertion::{Trust, emit, stream};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(assertions) = stream(bytes) else { return };
    let joined = emit(&assertions);
    let again = stream(&joined).expect("what was written is read");
    assert_eq!(emit(&again), joined);
    // Nothing but a line feed at the very end may come or go.
    assert_eq!(joined.trim_ascii_end(), bytes.trim_ascii_end());
    if let Ok(trust) = Trust::built_in() {
        let _ = trust.prove(&assertions);
        let _ = trust.examine(&assertions).own_roots();
    }
});
