//! What the library says of bytes, without a process for each case.

use std::sync::Arc;

use airgap_bundle::content::read_at::ReadAt;
use airgap_bundle::model::error::{Error, FormatState};
use airgap_bundle::stores::bundle::reader::Bundle;
use airgap_bundle::stores::bundle::verify::{Problem, Salvaged, prove_strewn_here, salvage, verify_here};

/// What is wrong: state, offset, message.
pub(crate) type Wrong = Vec<(FormatState, u64, String)>;

/// Returns everything that is wrong.
pub(crate) fn wrong(tar: &[u8]) -> Wrong {
    let file: Arc<dyn ReadAt> = Arc::new(tar.to_vec());
    judge(&file).0
}

/// Returns everything that is wrong, and whether it is known what the bundle carries.
pub(super) fn judge(file: &Arc<dyn ReadAt>) -> (Wrong, bool) {
    let (bundle, known) = match Bundle::read_head(Arc::clone(file), "b.tar") {
        Ok(bundle) => (bundle, None),
        Err(refused) => match salvage(file, "b.tar", refused) {
            Ok(Salvaged::Listed { bundle, problem }) => (*bundle, problem),
            Ok(Salvaged::Strewn { mut problems, .. }) => {
                problems.extend(prove_strewn_here(file.as_ref()).unwrap().problems);
                return (told(problems), false);
            }
            Err(error) => match error.into_root() {
                Error::Format { state, offset, message, .. } => {
                    return (vec![(state, offset, message)], false);
                }
                other => panic!("{other}"),
            },
        },
    };
    let mut verified = verify_here(&bundle).unwrap();
    if let Some(problem) = known {
        verified.add(problem);
    }
    (told(verified.problems), true)
}

fn told(problems: Vec<Problem>) -> Wrong {
    problems.into_iter().map(|problem| (problem.state, problem.offset, problem.message)).collect()
}

/// Asserts that these bytes are refused for one reason.
pub(super) fn refuses(case: &str, tar: &[u8], state: FormatState, offset: u64, message: &str) {
    let wrong = wrong(tar);
    let found =
        wrong.iter().any(|(found, at, text)| *found == state && *at == offset && text.contains(message));
    assert!(found, "{case}: expected {state:?} at byte {offset}: {message}, got {wrong:#?}");
}
