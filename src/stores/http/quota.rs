//! How many pulls a registry still allows, as Docker Hub says with every manifest: `ratelimit-limit: 100;w=21600` and
//! `ratelimit-remaining: 76;w=21600` (pulls; window in seconds).

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");

/// The longest window that is believed: a week.
const MAX_WINDOW: u64 = 7 * 24 * 3600;

/// What is left of a number of pulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    /// Pulls in a window, where the registry says.
    pub(super) limit: Option<u64>,
    /// Pulls that are left of them.
    pub(super) remaining: u64,
    /// The window.
    pub(super) window: Option<Duration>,
}

impl Quota {
    /// Reads what an answer says.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let (remaining, window) = number(headers, &REMAINING)?;
        let limit = number(headers, &LIMIT);
        let window = window.or_else(|| limit.and_then(|(_, window)| window));
        Some(Self { limit: limit.map(|(limit, _)| limit), remaining, window })
    }

    /// Returns whether a tenth is left at most, or less than `needed`.
    pub(super) fn is_low(&self, needed: u64) -> bool {
        self.remaining < needed || self.limit.is_some_and(|limit| self.remaining.saturating_mul(10) <= limit)
    }

    /// Returns the window in words: ` in 6 hours`; empty where it is not known.
    pub(super) fn per(&self) -> String {
        let Some(window) = self.window else { return String::new() };
        let (hours, minutes) = (window.as_secs() / 3600, window.as_secs() / 60);
        match (hours, minutes) {
            (1.., _) if window.as_secs().is_multiple_of(3600) => format!(" in {hours} h"),
            (_, 1..) => format!(" in {minutes} min"),
            _ => format!(" in {} s", window.as_secs()),
        }
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<(u64, Option<Duration>)> {
    let text = headers.get(name)?.to_str().ok()?;
    let mut parts = text.split(';').map(str::trim);
    let number = parts.next()?.parse().ok()?;
    let window = parts.find_map(|part| part.strip_prefix("w=")?.parse().ok());
    Some((number, window.filter(|window| (1..=MAX_WINDOW).contains(window)).map(Duration::from_secs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(limit: &str, remaining: &str) -> Option<Quota> {
        let headers = [(LIMIT, limit), (REMAINING, remaining)].into_iter();
        let headers = headers.filter(|(_, value)| !value.is_empty());
        Quota::of(&headers.map(|(name, value)| (name, value.parse().unwrap())).collect())
    }

    #[test]
    fn reads_what_docker_hub_sends() {
        let hub = quota("100;w=21600", "76;w=21600").unwrap();
        assert_eq!((hub.limit, hub.remaining), (Some(100), 76));
        assert_eq!(hub.per(), " in 6 h");
        for (limit, remaining, expected) in [
            ("", "0", Some((None, 0, ""))),
            ("200", "5; w=90", Some((Some(200), 5, " in 1 min"))),
            ("200;w=30", "5", Some((Some(200), 5, " in 30 s"))),
            ("200;w=99999999", "5", Some((Some(200), 5, ""))),
            ("200", "", None),
            ("200", "-1", None),
            ("200", "many", None),
        ] {
            let got = quota(limit, remaining).map(|quota| (quota.limit, quota.remaining, quota.per()));
            assert_eq!(got, expected.map(|(limit, left, per)| (limit, left, per.to_owned())), "{remaining}");
        }
    }

    #[test]
    fn a_tenth_is_low_and_so_is_less_than_the_plan_needs() {
        for (remaining, needed, low) in
            [("11", 0, false), ("10", 0, true), ("50", 50, false), ("50", 51, true), ("0", 0, true)]
        {
            assert_eq!(quota("100", remaining).unwrap().is_low(needed), low, "{remaining} {needed}");
        }
        assert!(!quota("", "0").unwrap().is_low(0), "nobody knows of how many");
    }
}
