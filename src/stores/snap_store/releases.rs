//! Which channels there are, where the one that was asked for is not among them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::refresh::{Pick, Wanted};
use super::reply::Release;
use crate::model::printable::printable;
use crate::model::snap::Channel;
use crate::stores::http::Hidden;

/// So many are named.
const MAX_NAMED: usize = 20;

/// Says where a snap is released to for the architecture that was asked for, or for which others it is.
pub(super) fn hint(wanted: &Wanted, releases: &[Release], hidden: &Hidden) -> Option<String> {
    let architecture = &wanted.architecture;
    let mut channels: Vec<Channel> = releases
        .iter()
        .filter(|release| release.architecture == *architecture || release.architecture == "all")
        .filter_map(|release| release.channel.parse().ok())
        .collect();
    if channels.is_empty() {
        let others: BTreeSet<String> = releases
            .iter()
            .map(|release| printable(&hidden.cover(&release.architecture)).chars().take(16).collect())
            .collect();
        let others = named(others.into_iter());
        return others.map(|others| format!("it is released for {others}, and not for `{architecture}`"));
    }
    let track = match &wanted.pick {
        Pick::Channel(channel) => channel.track(),
        Pick::Default | Pick::Revision(_) => "latest",
    };
    channels.sort_by_cached_key(|channel| {
        let far = (channel.track() != track, channel.track() != "latest");
        (far, Reverse(natural(channel.track())), channel.risk(), channel.branch().map(str::to_owned))
    });
    channels.dedup();
    let channels = named(channels.iter().map(|channel| hidden.cover(&channel.to_string())))?;
    let which = match &wanted.pick {
        Pick::Default => {
            "no channel was named, and the default one holds nothing: name one with `channel=`; "
        }
        Pick::Channel(_) | Pick::Revision(_) => "",
    };
    Some(format!("{which}for `{architecture}` it is released to {channels}"))
}

/// Lists words in backticks, the first of them where they are many.
fn named(words: impl Iterator<Item = String>) -> Option<String> {
    let mut words: Vec<String> =
        words.filter(|word| !word.is_empty()).map(|word| format!("`{word}`")).collect();
    let more = words.len().saturating_sub(MAX_NAMED);
    words.truncate(MAX_NAMED);
    let last = if more > 0 { format!("{more} more") } else { words.pop()? };
    if words.is_empty() {
        return Some(last);
    }
    Some(format!("{} and {last}", words.join(", ")))
}

/// Takes a name apart so that numbers compare as numbers: each with the text before it.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0_u64)];
    let mut in_number = false;
    for c in name.chars() {
        if let (Some(digit), Some(last)) = (c.to_digit(10), parts.last_mut()) {
            last.1 = last.1.saturating_mul(10).saturating_add(digit.into());
            in_number = true;
            continue;
        }
        if std::mem::take(&mut in_number) {
            parts.push((String::new(), 0));
        }
        if let Some(last) = parts.last_mut() {
            last.0.push(c);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pick: Pick, releases: &[(&str, &str)]) -> Option<String> {
        let releases: Vec<Release> = releases
            .iter()
            .map(|(architecture, channel)| Release {
                architecture: (*architecture).to_owned(),
                channel: (*channel).to_owned(),
            })
            .collect();
        hint(
            &Wanted { name: "k8s".into(), pick, architecture: "amd64".into() },
            &releases,
            &Hidden::default(),
        )
    }

    #[test]
    fn the_nearest_channels_come_first_then_the_newest() {
        let releases = [
            ("amd64", "1.9-classic/stable"),
            ("amd64", "1.32-classic/edge"),
            ("amd64", "1.32-classic/beta"),
            ("arm64", "1.40-classic/stable"),
            ("amd64", "latest/edge"),
            ("amd64", "1.33-classic/stable"),
            ("amd64", "1.33-classic/stable"),
            ("amd64", "no channel"),
        ];
        let pick = Pick::Channel("1.32-classic/stable".parse().unwrap());
        assert_eq!(
            told(pick, &releases).as_deref(),
            Some(
                "for `amd64` it is released to `1.32-classic/beta`, `1.32-classic/edge`, `latest/edge`, \
                 `1.33-classic/stable` and `1.9-classic/stable`"
            )
        );
    }

    #[test]
    fn many_channels_are_counted() {
        let tracks: Vec<String> = (1..=30).map(|number| format!("1.{number}/stable")).collect();
        let releases: Vec<_> = tracks.iter().map(|track| ("amd64", track.as_str())).collect();
        let told = told(Pick::Default, &releases).unwrap();
        assert!(told.starts_with("no channel was named, "), "{told}");
        assert!(told.contains("; for `amd64` it is released to `1.30/stable`, `1.29/stable`"), "{told}");
        assert!(told.ends_with("`1.11/stable` and 10 more"), "{told}");
    }

    #[test]
    fn other_architectures_are_named() {
        let releases = [("s390x", "stable"), ("arm64", "stable"), ("arm64", "edge")];
        assert_eq!(
            told(Pick::Revision(1), &releases).as_deref(),
            Some("it is released for `arm64` and `s390x`, and not for `amd64`")
        );
        assert_eq!(told(Pick::Default, &[]), None);
    }
}
