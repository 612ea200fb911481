//! The benchmark's harness, on corpora so small that only its working is shown.

use std::process::Command;

#[test]
fn the_benchmark_runs_every_row() {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(format!("{root}/bench/run"))
        .args(["--quick", "--binary", env!("CARGO_BIN_EXE_airgap-bundle")])
        .output()
        .unwrap();
    let (table, talk) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{talk}");
    for row in [
        "export small",
        "export multi",
        "export big",
        "export huge",
        "import small",
        "import multi",
        "import big",
        "import again small",
        "side-load big",
        "verify big",
        "verify --cached huge",
        "big-x10",
    ] {
        assert!(table.contains(&format!("\n| {row} | ")), "no row `{row}` in:\n{table}");
    }
}
