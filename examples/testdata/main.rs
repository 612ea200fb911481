//! Makes `testdata/`: `cargo run --example testdata -- FOLDER`. What is in the folder is replaced.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

mod content;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: testdata FOLDER")?);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    for (name, file) in content::files()? {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
        fs::write(&path, file.bytes)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode))?;
    }
    Ok(())
}
