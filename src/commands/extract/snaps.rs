//! Snaps: proven before they are written, and what to type to install them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use camino::Utf8Path;

use super::item::Item;
use crate::commands::report::Report;
use crate::content::jobs;
use crate::content::progress::Progress;
use crate::kinds::{self, Prover, prove_assertions, same_provenance};
use crate::model::artifact::Kind;
use crate::model::assertion::SnapProof;
use crate::model::digest::Digest;
use crate::model::error::Error;
use crate::model::file_name::FileName;
use crate::model::media_type;
use crate::model::snap::{Confinement, SnapType};
use crate::stores::file::LocalFile;
use crate::stores::folder::Folder;
use crate::stores::squashfs::Squashfs;

/// Where the kernel tells of its routes: of IPv4, and of IPv6.
const ROUTES: [&str; 2] = ["/proc/net/route", "/proc/net/ipv6_route"];

/// The snaps that bring up a cluster, whose guides ask for a default route on every node.
const KUBERNETES: [&str; 2] = ["k8s", "microk8s"];

/// What to do about a host without a default route, as Canonical's guide has it.
const NO_ROUTE: &str = "this host has no default route, without which Kubernetes does not know which interface to use: \
                        `sudo ip route add default dev eth0` adds one (with the name of the interface between the nodes), \
                        and a `routes:` entry `- to: default` with `scope: link` under that interface in `/etc/netplan/` makes it survive a reboot";

/// Proves every snap and every file of assertions that is to be written; what is not proven fails, a snap with both of
/// its files.
pub(super) async fn prove(items: &mut [Item], prover: &Prover, progress: &dyn Progress) -> Vec<String> {
    let mut known: BTreeMap<Digest, Result<Option<Arc<SnapProof>>, Failed>> = BTreeMap::new();
    let mut warnings = Vec::new();
    let is_proven = |item: &&mut Item| matches!(item.artifact.kind, Kind::Snap | Kind::Assert);
    for item in items.iter_mut().filter(is_proven).filter(|item| item.error.is_none()) {
        if let Some(before) = known.get(&item.artifact.digest) {
            match before {
                Ok(unseen) => item.unseen.clone_from(unseen),
                Err(failed) => item.fail(failed.error()),
            }
            continue;
        }
        let Some(root) = item.root.clone() else { continue };
        progress.phase("proving snaps", None, None);
        let (kind, reference) = (item.artifact.kind, item.artifact.reference.clone());
        let proof = root.shelf.again(progress, || async {
            if kind == Kind::Assert {
                let told = prove_assertions(&reference, &root.manifest, &root.shelf, prover).await;
                return Ok((None, told?));
            }
            let proof = Arc::new(prover.prove_all(&reference, &root.manifest, &root.shelf).await?);
            let told = kinds::warnings(&proof);
            let window = root.manifest.layers.first().and_then(|snap| root.shelf.window(snap));
            let Some(window) = window else { return Ok((Some(proof), told)) };
            jobs::offload(move || same_provenance(window, &proof)).await??;
            Ok((None, told))
        });
        match proof.await {
            Ok((unseen, mut told)) => {
                told.retain(|warning| !warnings.contains(warning));
                warnings.append(&mut told);
                item.unseen.clone_from(&unseen);
                known.insert(item.artifact.digest, Ok(unseen));
            }
            Err(error) => {
                known.insert(item.artifact.digest, Err(Failed::of(&error)));
                item.fail(error);
            }
        }
    }
    warnings
}

/// Looks into the snaps out of a registry that are in the folder now, written or there before: they could not be looked
/// into before all of them was here. What says another provenance than its assertions fails; what was written of it
/// goes again, with its assertions.
pub(super) async fn look_into_unseen(items: &mut [Item], to: &Utf8Path) {
    let mut refused: BTreeMap<Digest, Failed> = BTreeMap::new();
    let is_snap = |item: &&Item| item.error.is_none() && item.layer.media_type == media_type::SQUASHFS;
    for item in items.iter().filter(is_snap) {
        let Some((name, proof)) = item.name.as_ref().zip(item.unseen.clone()) else { continue };
        let file = LocalFile::new(to.join(name.as_str()));
        let look = move || same_provenance(Arc::new(file.open_regular()?), &proof);
        if let Err(error) = jobs::offload(look).await.flatten() {
            refused.insert(item.artifact.digest, Failed::of(&error));
        }
    }
    for item in items.iter_mut().filter(|item| item.error.is_none()) {
        let Some(failed) = refused.get(&item.artifact.digest) else { continue };
        let removed = match &item.name {
            Some(name) if item.is_to_write() => Folder::open(to).and_then(|folder| folder.remove(name)),
            _ => Ok(()),
        };
        let error = failed.error();
        item.fail(match removed {
            Ok(()) => error,
            Err(left) => error.during(left.to_string()),
        });
    }
}

/// Why a snap is not written, to be said of its other file, too.
enum Failed {
    Interrupted(u8),
    Unproven(String),
    Otherwise(String),
}

impl Failed {
    fn of(error: &Error) -> Self {
        match error.root() {
            Error::Interrupted(signal) => Self::Interrupted(*signal),
            _ if error.exit_code() == 3 => Self::Unproven(error.to_string()),
            _ => Self::Otherwise(error.to_string()),
        }
    }

    fn error(&self) -> Error {
        match self {
            Self::Interrupted(signal) => Error::Interrupted(*signal),
            Self::Unproven(why) => Error::Unproven { items: vec![why.clone()], hint: None },
            Self::Otherwise(why) => Error::Unsupported { message: why.clone(), hint: None },
        }
    }
}

/// Says what to type to install the snaps of which both files are in the folder, those first that others need. What a snap
/// is and may do is read out of its file, which is proven.
pub(super) fn tell(report: &mut Report, items: &[Item], to: &Utf8Path) {
    let mut commands: Vec<Command> = Vec::new();
    let failed: BTreeSet<Digest> =
        items.iter().filter(|item| item.error.is_some()).map(|item| item.artifact.digest).collect();
    let snaps = items.iter().filter(|item| item.layer.media_type == media_type::SQUASHFS);
    for item in
        snaps.filter(|item| item.artifact.kind == Kind::Snap && !failed.contains(&item.artifact.digest))
    {
        let Some(name) = &item.name else { continue };
        let path = to.join(name.as_str());
        let opened = LocalFile::new(path.clone()).open_regular();
        let inside = opened.and_then(|file| Squashfs::open(Arc::new(file), path.as_str())?.snap());
        let inside = match inside {
            Ok(inside) => inside,
            Err(error) => {
                report.warnings.push(format!("what `{path}` is cannot be read: {error}"));
                continue;
            }
        };
        let place = typed_place(to, name);
        let assertions = format!("{}.assert", place.strip_suffix(".snap").unwrap_or(&place));
        let file = if place.contains('/') { place } else { format!("./{place}") };
        // snapd's own flags, which are called as what they grant.
        let flag = match inside.confinement {
            Confinement::Strict => String::new(),
            grants @ (Confinement::Classic | Confinement::Devmode) => format!(" --{grants}"),
        };
        let rank = match inside.kind {
            SnapType::Snapd => 1,
            SnapType::Base | SnapType::Core => 2,
            SnapType::App | SnapType::Kernel | SnapType::Gadget => 3,
        };
        let [assertions, file] = [assertions, file].map(|path| for_a_shell(&path));
        let typed = format!("sudo snap ack {assertions} && sudo snap install {file}{flag}");
        commands.push(Command { rank, name: inside.name, architectures: inside.architectures, typed });
    }
    let alone = items.iter().filter(|item| item.artifact.kind == Kind::Assert && item.error.is_none());
    commands.extend(alone.filter_map(|item| {
        let name = item.name.as_ref()?;
        let typed = format!("sudo snap ack {}", for_a_shell(&typed_place(to, name)));
        Some(Command { rank: 0, name: name.to_string(), architectures: vec!["all".to_owned()], typed })
    }));
    if commands.is_empty() {
        return;
    }
    commands.sort();
    // Where the kernel does not tell, nothing is known. It tells nothing at all where there is no route of IPv4.
    let [v4, v6] = ROUTES.map(|path| fs::read_to_string(path).ok());
    let needs_route = commands.iter().any(|command| KUBERNETES.contains(&command.name.as_str()));
    if needs_route && v4.is_some_and(|v4| !has_default_route(&v4, &v6.unwrap_or_default())) {
        report.warnings.push(NO_ROUTE.to_owned());
    }
    for (nodes, commands) in by_architecture(commands) {
        report.summary.push(format!("next: install on every node{nodes}, in this order:"));
        for Command { typed, .. } in commands {
            report.summary.push(format!("  {typed}"));
            if !report.commands.contains(&typed) {
                report.commands.push(typed);
            }
        }
    }
}

/// What is typed to install a snap, or to let snapd know a file of assertions, in the order in which it is typed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Command {
    rank: u8,
    name: String,
    architectures: Vec<String>,
    typed: String,
}

/// Parts what is typed by the nodes that it is for: all of them, or ` of arm64` where not all snaps run everywhere.
fn by_architecture(commands: Vec<Command>) -> Vec<(String, Vec<Command>)> {
    let is_for = |command: &Command, one: &str| {
        command.architectures.iter().any(|architecture| architecture == one || architecture == "all")
    };
    let all: BTreeSet<String> = commands
        .iter()
        .flat_map(|command| &command.architectures)
        .filter(|one| *one != "all")
        .cloned()
        .collect();
    if all.iter().all(|one| commands.iter().all(|command| is_for(command, one))) {
        return vec![(String::new(), commands)];
    }
    let of = |one: String| {
        let commands = commands.iter().filter(|command| is_for(command, &one)).cloned().collect();
        (format!(" of {one}"), commands)
    };
    all.into_iter().map(of).collect()
}

/// Returns a file of the folder as it is typed.
fn typed_place(to: &Utf8Path, name: &FileName) -> String {
    let place = if to == "." { name.to_string() } else { to.join(name.as_str()).into_string() };
    // What begins with a dash would be an option.
    if place.starts_with('-') { format!("./{place}") } else { place }
}

/// Writes a path so that a shell takes it for one word, whatever is in it.
fn for_a_shell(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/+-@:,".contains(c);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Returns whether any interface but the loopback leads to everywhere, by what the kernel prints (proc(5)).
fn has_default_route(v4: &str, v6: &str) -> bool {
    let v4 = v4.lines().skip(1).any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words.as_slice(), [_, "00000000", _, _, _, _, _, "00000000", ..])
    });
    let v6 = v6.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_all = |text: &str| text.bytes().all(|byte| byte == b'0');
        words.first().is_some_and(|text| is_all(text))
            && words.get(1) == Some(&"00")
            && words.last().is_some_and(|interface| *interface != "lo")
    });
    v4 || v6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_gets_what_runs_there() {
        let command = |name: &str, architectures: &[&str]| Command {
            rank: 2,
            name: name.to_owned(),
            architectures: architectures.iter().map(|one| (*one).to_owned()).collect(),
            typed: name.to_owned(),
        };
        let parted = |commands: &[Command]| -> Vec<String> {
            let parts = by_architecture(commands.to_vec()).into_iter();
            parts
                .map(|(nodes, typed)| {
                    format!("{nodes}:{}", typed.iter().map(|c| c.typed.as_str()).collect::<String>())
                })
                .collect()
        };
        let (any, amd, arm) = (command("x", &["all"]), command("y", &["amd64"]), command("z", &["arm64"]));
        assert_eq!(parted(&[any.clone(), amd.clone()]), [":xy"]);
        assert_eq!(parted(std::slice::from_ref(&any)), [":x"]);
        assert_eq!(
            parted(&[any, amd, arm, command("b", &["amd64", "arm64"])]),
            [" of amd64:xyb", " of arm64:xzb"]
        );
    }

    #[test]
    fn names_are_words_of_a_shell() {
        assert_eq!(for_a_shell("./k8s_1.snap"), "./k8s_1.snap");
        assert_eq!(for_a_shell("a b/$(c)'d.snap"), r"'a b/$(c)'\''d.snap'");
    }

    #[test]
    fn default_routes_are_found() {
        let head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
        let to_all = "eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
        let to_some = "eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
        let zeros = "0".repeat(32);
        let v6 = |interface: &str| {
            format!("{zeros} 00 {zeros} 00 {zeros} ffffffff 00000001 00000000 00200200 {interface}\n")
        };
        for (v4, v6, expected) in [
            (format!("{head}{to_some}{to_all}"), String::new(), true),
            (format!("{head}{to_some}"), v6("lo"), false),
            (head.to_owned(), v6("eth0"), true),
            (head.to_owned(), String::new(), false),
            (String::new(), v6("lo"), false),
        ] {
            assert_eq!(has_default_route(&v4, &v6), expected, "{v4}{v6}");
        }
    }
}
