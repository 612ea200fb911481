//! When to try again, and after how long.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::settings::RetrySettings;

/// Counts the tries of one piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    settings: RetrySettings,
    failed: u32,
    wait: Duration,
}

impl Tries {
    /// Begins before the first try.
    pub fn new(settings: RetrySettings) -> Self {
        Self { settings, failed: 0, wait: settings.first_wait }
    }

    /// Forgets the failures: bytes have moved since.
    pub fn progressed(&mut self) {
        *self = Self::new(self.settings);
    }

    /// Returns how often it has failed since the last progress.
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// Counts a failure and returns how long to wait before the next try, or `None` where it is time to give up.
    /// `asked` is what the server wants, `chance` a number from 0 to 1.
    pub fn wait(&mut self, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        self.failed = self.failed.saturating_add(1);
        if self.failed >= self.settings.tries {
            return None;
        }
        let own = self.wait;
        self.wait = own.mul_f64(2.5).min(self.settings.longest_wait);
        Some(match asked {
            // Never earlier than asked, and not all at the same moment.
            Some(asked) => asked.min(self.settings.longest_asked).mul_f64(1.0 + 0.1 * chance),
            None => own.mul_f64(0.75 + 0.5 * chance),
        })
    }
}

/// Returns whether a status may be another one later: 408, 429 and 5xx but for 501, 505 and 507.
pub fn is_transient(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 429 => true,
        501 | 505 | 507 => false,
        other => other >= 500,
    }
}

/// Returns the wait that `Retry-After` asks for: seconds or an HTTP date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, date: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        // Docker Hub has sent the time itself, in seconds since 1970; nobody asks for 30 years.
        if seconds >= 1_000_000_000 {
            let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
            return Some(at.duration_since(date).unwrap_or_default());
        }
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(date).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_limit_and_end() {
        let mut tries = Tries::new(RetrySettings::default());
        let waits: Vec<u128> = std::iter::from_fn(|| tries.wait(None, 0.5)).map(|w| w.as_millis()).collect();
        assert_eq!(waits, [500, 1250, 3125, 7812, 19531, 48828, 60000]);
        tries.progressed();
        assert_eq!(tries.wait(None, 0.0), Some(Duration::from_millis(375)));
    }

    #[test]
    fn a_server_may_ask_for_more_but_not_for_ever() {
        let mut tries = Tries::new(RetrySettings::default());
        assert_eq!(tries.wait(Some(Duration::from_secs(7)), 0.0), Some(Duration::from_secs(7)));
        assert_eq!(tries.wait(Some(Duration::from_secs(100_000)), 1.0), Some(Duration::from_secs(330)));
        assert!(tries.wait(None, 0.5) > Some(Duration::from_secs(3)), "its own waits grow meanwhile");
    }

    #[test]
    fn reads_seconds_and_dates() {
        let date = httpdate::parse_http_date("Fri, 06 Nov 2026 10:00:00 GMT").unwrap();
        for (value, seconds) in [
            ("3", Some(3)),
            (" 120 ", Some(120)),
            ("Fri, 06 Nov 2026 10:01:30 GMT", Some(90)),
            ("Fri, 06 Nov 2026 09:00:00 GMT", Some(0)),
            ("1793959260", Some(60)),
            ("18446744073709551615", None),
            ("soon", None),
            ("1.5", None),
            ("-1", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers, date), seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), date), None);
    }

    #[test]
    fn only_what_may_change_is_tried_again() {
        for (status, expected) in [
            (200, false),
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (408, true),
            (416, false),
            (429, true),
            (500, true),
            (501, false),
            (503, true),
            (505, false),
            (507, false),
        ] {
            assert_eq!(is_transient(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
