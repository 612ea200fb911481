//! Waits between tries, for one request and for a whole host.

use std::time::Duration;

use reqwest::StatusCode;

use super::HttpClient;
use super::failure::{Failure, Outlook};
use super::host::Host;
use super::quota::Quota;
use super::request::Request;
use super::response::Head;
use super::retry::{Tries, retry_after};
use super::settings::UsedUp;
use super::url::authority;
use crate::model::error::Result;

/// A host that has never answered gets so many tries: a misspelt name should not take minutes.
const TRIES_UNSEEN: u32 = 3;

/// A proxy that takes no connection gets so many tries where the host has answered before: it may be starting again, and
/// that should be known in seconds.
const TRIES_PROXY: u32 = 5;
/// No pull after so long, however patient the caller is, is a failure: a day.
const LONGEST_QUOTA: Duration = Duration::from_secs(24 * 3600);
/// Pulls come back one by one, so that it is asked again so often at least: 15 minutes.
const LONGEST_STEP: Duration = Duration::from_secs(15 * 60);
/// The longest jitter of a wait for pulls: a minute.
const LONGEST_JITTER: Duration = Duration::from_secs(60);

impl HttpClient {
    /// Waits after an answer of [`is_transient`](super::is_transient); false where it is time to give up.
    pub async fn pause_before_retry(&self, head: &Head, tries: &mut Tries) -> bool {
        let Some((why, wait)) = self.next_try(head, tries) else { return false };
        self.wait(&why, wait).await;
        true
    }

    /// Returns why and how long to wait after such an answer, or `None` where it is time to give up.
    pub(super) fn next_try(&self, head: &Head, tries: &mut Tries) -> Option<(String, Duration)> {
        let clock = self.clock();
        let (now, asked) = (clock.now(), retry_after(&head.headers, clock.date()));
        let (host, settings) = (self.host(&head.url), self.settings().retry);
        let used_up = self.is_used_up(head);
        let wait = match (used_up, settings.used_up) {
            (true, UsedUp::Wait) => return self.wait_for_quota(&host, head, asked),
            // Nothing says when it would be worth asking again.
            (true, UsedUp::Fail) if asked.is_none() => return None,
            (true, UsedUp::Fail) if host.is_denied(now, settings.longest_asked) => return None,
            _ => tries.wait(asked, clock.chance())?,
        };
        if head.status == StatusCode::TOO_MANY_REQUESTS && asked.is_some() {
            // What one request was told holds for all others to that host.
            host.pause(now, wait);
        }
        Some((format!("{}: HTTP status {}", head.asked(), head.status.as_u16()), wait))
    }

    /// Returns whether an answer says that no pull is left for longer than is waited without being told to.
    pub fn is_used_up(&self, head: &Head) -> bool {
        let nothing_left = || Quota::of(&head.headers).is_some_and(|quota| quota.remaining == 0);
        head.status == StatusCode::TOO_MANY_REQUESTS
            && retry_after(&head.headers, self.clock().date())
                .map_or_else(nothing_left, |asked| asked > self.settings().retry.longest_asked)
    }

    fn wait_for_quota(
        &self,
        host: &Host,
        head: &Head,
        asked: Option<Duration>,
    ) -> Option<(String, Duration)> {
        let now = self.clock().now();
        if host.is_denied(now, LONGEST_QUOTA) {
            return None;
        }
        let window = Quota::of(&head.headers).and_then(|quota| quota.window);
        let step = || window.map_or(LONGEST_STEP, |window| window / 24).min(LONGEST_STEP);
        let wait = asked.unwrap_or_else(step).clamp(Duration::from_secs(1), LONGEST_QUOTA);
        let wait = wait.saturating_add((wait / 10).min(LONGEST_JITTER).mul_f64(self.clock().chance()));
        host.pause(now, wait);
        let why =
            format!("`{}` allows no more pulls for now, as `--wait-for-quota` expects", authority(&head.url));
        Some((why, wait))
    }

    /// Waits after a failure, or returns it where it is time to give up.
    pub async fn pause_after(&self, request: &Request, tries: &mut Tries, failure: Failure) -> Result<()> {
        let failed = tries.failed().saturating_add(1);
        let answers = self.host(&request.url).answers();
        let hopeless = match failure.outlook {
            Outlook::Final => true,
            Outlook::Unreachable => !answers && failed >= TRIES_UNSEEN,
            Outlook::NoProxy => failed >= if answers { TRIES_PROXY } else { TRIES_UNSEEN },
            Outlook::Transient => false,
        };
        let wait = if hopeless { None } else { tries.wait(None, self.clock().chance()) };
        let Some(wait) = wait else { return Err(failure.error) };
        self.wait(&failure.error.to_string(), wait).await;
        Ok(())
    }

    pub(super) async fn wait(&self, why: &str, wait: Duration) {
        let time = match wait.as_secs() {
            0..=119 => format!("{:.1} s", wait.as_secs_f64()),
            seconds => format!("{} min", seconds.div_ceil(60)),
        };
        self.progress().note(&format!("{why}; next try in {time}"));
        self.clock().wait(wait).await;
    }
}
