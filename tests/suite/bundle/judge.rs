//! What the library says of bytes, without a process for each case.

use std::sync::Arc;

use airgap_bundle::model::error::{Error, FormatState};
use airgap_bundle::stores::bundle::reader::Bundle;
use airgap_bundle::stores::bundle::verify::verify_here;

/// Returns everything that is wrong: state, offset, message.
pub(super) fn wrong(tar: &[u8]) -> Vec<(FormatState, u64, String)> {
    let bundle = match Bundle::read_head(Arc::new(tar.to_vec()), "b.tar") {
        Ok(bundle) => bundle,
        Err(Error::Format { state, offset, message, .. }) => return vec![(state, offset, message)],
        Err(other) => panic!("{other}"),
    };
    let verified = verify_here(&bundle).unwrap();
    verified.problems.into_iter().map(|problem| (problem.state, problem.offset, problem.message)).collect()
}

/// Asserts that these bytes are refused for one reason.
pub(super) fn refuses(case: &str, tar: &[u8], state: FormatState, offset: u64, message: &str) {
    let wrong = wrong(tar);
    let found =
        wrong.iter().any(|(found, at, text)| *found == state && *at == offset && text.contains(message));
    assert!(found, "{case}: expected {state:?} at byte {offset}: {message}, got {wrong:#?}");
}
