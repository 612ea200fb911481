//! `testdata/` is what its generator makes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[path = "../../examples/testdata/content.rs"]
mod content;

#[test]
fn testdata_is_what_the_generator_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.clone()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let executable = fs::metadata(&path).unwrap().permissions().mode() & 0o100 != 0;
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, (fs::read(&path).unwrap(), executable));
        }
    }
    let expected = content::files().unwrap();
    let names: Vec<&String> = expected.keys().collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), names, "run `make testdata`");
    for (name, file) in &expected {
        let (bytes, executable) = &found[name];
        assert!(*bytes == file.bytes, "testdata/{name} differs: run `make testdata`");
        assert_eq!(
            *executable,
            file.mode & 0o100 != 0,
            "testdata/{name} has another mode: run `make testdata`"
        );
    }
    let size: usize = found.values().map(|(bytes, _)| bytes.len()).sum();
    assert!(size < 2 << 20, "testdata/ has {size} bytes");
}
