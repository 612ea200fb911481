//! Any bytes are a list or a list of mistakes; what parses prints and parses the same.
#![no_main]

use airgap_bundle::model::list::{self, Require, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = Source::file("lists/artifacts.txt");
    let Ok(entries) = list::parse(&source, bytes) else { return };
    for entry in &entries {
        let again = list::parse(&source, entry.to_string().as_bytes()).expect("what was printed parses");
        assert!(matches!(again.as_slice(), [one] if one.subject == entry.subject), "{entry}");
    }
    if let Ok((entries, _)) = list::require(entries, Require::Nothing) {
        let _ = list::merge(entries);
    }
});
