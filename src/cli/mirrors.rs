//! Mirrors of the source, as flags and containers' files name them.

use std::env;

use camino::{Utf8Path, Utf8PathBuf};

use super::registry::Schemes;
use crate::model::error::{Error, Result};
use crate::stores::registry::mirrors::Mirrors;

/// The longest file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Where else the source may be read.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Registries")]
pub(super) struct MirrorArguments {
    /// Read what is of this registry from a mirror, and from itself where that has it not; repeats
    #[arg(long, value_name = "REGISTRY[/PATH]=HOST[/PREFIX]")]
    source_mirror: Vec<String>,
}

impl MirrorArguments {
    /// Returns the mirrors of the flags and of containers' files. Hosts in plain HTTP are added to `schemes`.
    pub(super) fn mirrors(&self, schemes: &mut Schemes) -> Result<Mirrors> {
        let mut mirrors = Mirrors::default();
        for text in &self.source_mirror {
            schemes.plain_http.extend(mirrors.add(text)?);
        }
        for (path, presence) in files()? {
            if let Some(text) = read(&path, presence)? {
                mirrors.add_file(path.as_str(), &text)?;
            }
        }
        Ok(mirrors)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// A variable names it.
    Named,
    Required,
    Optional,
}

/// Returns the files that podman and skopeo read, in their order (containers-registries.conf(5)): one file, and then what
/// lies in folders. A file of one's own leaves out the system's folder.
fn files() -> Result<Vec<(Utf8PathBuf, Presence)>> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty()).map(Utf8PathBuf::from);
    let own = variable("HOME").map(|home| home.join(".config/containers"));
    let own_file = own.as_ref().map(|own| own.join("registries.conf")).filter(|file| file.exists());
    let system = Utf8Path::new("/etc/containers");
    let named = variable("CONTAINERS_REGISTRIES_CONF");
    let mut folders = vec![system.join("registries.conf.d")];
    let mut files = match (named, own_file) {
        (Some(named), _) => vec![(named, Presence::Named)],
        (None, Some(own)) => {
            folders.clear();
            vec![(own, Presence::Required)]
        }
        (None, None) => vec![(system.join("registries.conf"), Presence::Optional)],
    };
    folders.extend(own.map(|own| own.join("registries.conf.d")));
    for folder in folders {
        let Ok(entries) = folder.read_dir_utf8() else { continue };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::io(format!("reading folder `{folder}`")))?;
            found.extend(Some(entry.into_path()).filter(|path| path.extension() == Some("conf")));
        }
        found.sort();
        files.extend(found.into_iter().map(|path| (path, Presence::Required)));
    }
    Ok(files)
}

fn read(path: &Utf8Path, presence: Presence) -> Result<Option<String>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && presence == Presence::Optional => {
            Ok(None)
        }
        Ok(there) if there.len() > MAX_FILE => {
            Err(Error::usage(format!("`{path}` is longer than {MAX_FILE} bytes"), None))
        }
        _ => std::fs::read_to_string(path).map(Some).map_err(|source| {
            let hint = "correct the variable `CONTAINERS_REGISTRIES_CONF`, or unset it";
            let hint = Some(hint).filter(|_| presence == Presence::Named);
            Error::usage(format!("`{path}` cannot be read: {source}"), hint)
        }),
    }
}
