//! The second reader: plain Python, written from `bundle-format.md` alone.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::tools;

fn script(name: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name);
    let mut command = Command::new(tools::find("python3"));
    command.arg("-B").arg(path);
    command
}

fn read(bundle: &Path) -> Output {
    script("read_bundle.py").arg(bundle).output().unwrap()
}

/// Proves a bundle with the second reader, and returns what it lists: a line for each artifact, then the bundle id.
pub(crate) fn prove_with_python(bundle: &Path) -> String {
    let output = read(bundle);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{} is not proven:\n{said}", bundle.display());
    String::from_utf8(output.stdout).unwrap()
}

/// Asserts that the second reader refuses a file, and does not just break down over it.
pub(crate) fn refused_by_python(case: &str, bundle: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.tar");
    std::fs::write(&path, bundle).unwrap();
    let output = read(&path);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && !said.contains("Traceback"), "{case}: {output:?}");
}

/// Asserts that a document fits a schema at the root of the repository.
pub(crate) fn fits_schema(schema: &str, document: &[u8]) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(schema);
    let mut child =
        script("check_schema.py").arg(path).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(document).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(0) || output.status.code() == Some(1) && !said.contains("Traceback"),
        "{said}"
    );
    output.status.success()
}
