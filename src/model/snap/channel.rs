//! Channels, by snapd's rules (`snap/channel/channel.go`).

use std::fmt;
use std::str::FromStr;

/// The longest channel that is taken, in bytes.
const MAX_CHANNEL: usize = 128;

/// How much a release is trusted by who made it, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// For everybody.
    Stable,
    /// About to become stable.
    Candidate,
    /// For those who try things out.
    Beta,
    /// For those who make it.
    Edge,
}

impl Risk {
    const ALL: [Self; 4] = [Self::Stable, Self::Candidate, Self::Beta, Self::Edge];

    /// Returns the word of a channel.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Candidate => "candidate",
            Self::Beta => "beta",
            Self::Edge => "edge",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|risk| risk.word() == word)
    }
}

/// Where a snap is released to, `[TRACK/]RISK[/BRANCH]` when printed. A track alone means its stable risk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Channel {
    track: Option<String>,
    risk: Risk,
    branch: Option<String>,
}

/// Says that a text is not a [`Channel`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a channel: expected `[TRACK/]RISK[/BRANCH]`, such as `1.32-classic/stable`")]
pub struct ChannelError(String);

impl Channel {
    /// Returns the track, `latest` where none is named.
    pub fn track(&self) -> &str {
        self.track.as_deref().unwrap_or("latest")
    }

    /// Returns the risk.
    pub const fn risk(&self) -> Risk {
        self.risk
    }

    /// Returns the branch.
    pub fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }
}

impl FromStr for Channel {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Self, ChannelError> {
        let parts: Vec<&str> = text.split('/').take(4).collect();
        let is_part = |part: &&str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
            !part.is_empty() && part.chars().all(plain)
        };
        let found = match *parts {
            [one] => Some(Risk::of(one).map_or((Some(one), Risk::Stable, None), |risk| (None, risk, None))),
            [first, second] => match Risk::of(first) {
                Some(risk) => Some((None, risk, Some(second))),
                None => Risk::of(second).map(|risk| (Some(first), risk, None)),
            },
            [track, risk, branch] => Risk::of(risk).map(|risk| (Some(track), risk, Some(branch))),
            _ => None,
        };
        let good = text.len() <= MAX_CHANNEL && parts.iter().all(is_part);
        let (track, risk, branch) = found.filter(|_| good).ok_or_else(|| ChannelError(text.to_owned()))?;
        Ok(Self { track: track.map(str::to_owned), risk, branch: branch.map(str::to_owned) })
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(track) = &self.track {
            write!(f, "{track}/")?;
        }
        f.write_str(self.risk.word())?;
        self.branch.iter().try_for_each(|branch| write!(f, "/{branch}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_follow_snapds_rule() {
        for (text, printed, track, branch) in [
            ("stable", "stable", "latest", None),
            ("1.32-classic/stable", "1.32-classic/stable", "1.32-classic", None),
            ("1.32-classic", "1.32-classic/stable", "1.32-classic", None),
            ("edge/fix-1", "edge/fix-1", "latest", Some("fix-1")),
            ("2/beta/fix", "2/beta/fix", "2", Some("fix")),
            ("latest/candidate", "latest/candidate", "latest", None),
            // A branch may be called like a risk.
            ("edge/stable", "edge/stable", "latest", Some("stable")),
        ] {
            let channel: Channel = text.parse().unwrap();
            assert_eq!(
                (channel.to_string().as_str(), channel.track(), channel.branch()),
                (printed, track, branch)
            );
            assert_eq!(printed.parse::<Channel>().unwrap(), channel, "{text}");
        }
        let long = format!("{}/stable", "a".repeat(MAX_CHANNEL));
        for text in
            ["", "/", "a//b", "a/b", "a/b/c", "a/stable/c/d", "a/Stable", "stable/", "a b/stable", "ä", &long]
        {
            assert!(text.parse::<Channel>().is_err(), "{text}");
        }
        assert!(Risk::Stable < Risk::Edge);
    }
}
