//! Programs in Go that stand beside these tests, on packages that are not ours.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::run;

/// Builds the Go program in `tests/NAME`, and returns where it is.
pub(crate) fn built(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    run(Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(source));
    program
}
