//! What a name and a channel stand for: `POST /v2/snaps/refresh`, as `snap download` asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::offered::offered;
use super::refusal::no_answer;
use super::reply::{Answer, Outcome};
use super::settings::below;
use super::snap::StoreSnap;
use super::{JSON, SnapStore};
use crate::model::error::{Error, Result};
use crate::model::printable::printable;
use crate::model::snap::Channel;
use crate::stores::http::{Hidden, Request};

/// The longest answer that is read: 8 MiB.
const MAX_ANSWER: u64 = 8 << 20;
/// So many snaps are asked for in one request.
const MAX_ACTIONS: usize = 100;
/// What is to be said of each snap.
const FIELDS: [&str; 12] = [
    "architectures",
    "base",
    "confinement",
    "created-at",
    "download",
    "epoch",
    "name",
    "publisher",
    "revision",
    "snap-id",
    "type",
    "version",
];
const ARCHITECTURE: HeaderName = HeaderName::from_static("snap-device-architecture");
/// The same for every request.
const DEVICE: [(HeaderName, HeaderValue); 3] = [
    (HeaderName::from_static("snap-device-series"), HeaderValue::from_static("16")),
    (HeaderName::from_static("snap-classic"), HeaderValue::from_static("true")),
    (HeaderName::from_static("snap-device-capabilities"), HeaderValue::from_static("default-tracks")),
];

/// A snap that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Which of its revisions.
    pub pick: Pick,
    /// The architecture, in snapd's words (`amd64`, `armhf`).
    pub architecture: String,
}

/// Which revision of a snap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pick {
    /// The stable one of the track that its publisher chose as the default.
    Default,
    /// The one that a channel holds.
    Channel(Channel),
    /// This one.
    Revision(u32),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, pick, architecture } = self;
        match pick {
            Pick::Default => write!(f, "snap `{name}` for `{architecture}`"),
            Pick::Channel(channel) => write!(f, "snap `{name}` in channel `{channel}` for `{architecture}`"),
            Pick::Revision(revision) => {
                write!(f, "revision {revision} of snap `{name}` for `{architecture}`")
            }
        }
    }
}

impl SnapStore {
    /// Asks what each of these snaps is, with one request for each architecture; the results are in the order of `wanted`.
    /// A snap that is not to be had is an error of its own.
    ///
    /// Errors: where the store gives no answer at all.
    pub async fn resolve(&self, wanted: &[Wanted]) -> Result<Vec<Result<StoreSnap>>> {
        let architectures: BTreeSet<&str> =
            wanted.iter().map(|wanted| wanted.architecture.as_str()).collect();
        let mut found = BTreeMap::new();
        for architecture in architectures {
            let these: Vec<(usize, &Wanted)> =
                wanted.iter().enumerate().filter(|(_, wanted)| wanted.architecture == architecture).collect();
            for some in these.chunks(MAX_ACTIONS) {
                let asked: Vec<&Wanted> = some.iter().map(|(_, wanted)| *wanted).collect();
                let snaps = self.refresh(architecture, &asked).await.map_err(|error| self.at(error))?;
                found.extend(some.iter().map(|(place, _)| *place).zip(snaps));
            }
        }
        Ok(found.into_values().collect())
    }

    /// Sends one request, and returns a result for each snap of it.
    async fn refresh(&self, architecture: &str, wanted: &[&Wanted]) -> Result<Vec<Result<StoreSnap>>> {
        let request = self.refresh_request(architecture, wanted)?;
        let reply = self.fetch(request, MAX_ANSWER).await?;
        if reply.head.status.as_u16() != 200 {
            return Err(self.refused(&reply.head.asked(), &reply));
        }
        let reply = reply.whole()?;
        let answer: Answer =
            serde_json::from_slice(&reply.body).map_err(|error| no_answer(&reply, &error.to_string()))?;
        let hidden = &reply.head.hidden;
        let mut outcomes = BTreeMap::new();
        for outcome in answer.results {
            outcomes.entry(outcome.instance_key.clone()).or_insert(outcome);
        }
        let error = answer.errors.into_iter().next();
        let snap = |(number, wanted): (usize, &&Wanted)| match (outcomes.remove(&key(number)), &error) {
            (Some(outcome), _) => self.outcome(wanted, outcome, hidden),
            (None, Some(error)) => Err(self.fault(wanted, error.clone(), hidden)),
            (None, None) => Err(Error::Network {
                what: wanted.to_string(),
                why: "the store's answer says nothing of it".to_owned(),
                hint: None,
            }),
        };
        let snaps: Vec<_> = wanted.iter().enumerate().map(snap).collect();
        Ok(snaps.into_iter().map(|snap| snap.map_err(|error| self.at(error))).collect())
    }

    fn refresh_request(&self, architecture: &str, wanted: &[&Wanted]) -> Result<Request> {
        let no_header = |_| Error::usage(format!("`{architecture}` is not an architecture"), None);
        let architecture = HeaderValue::try_from(architecture).map_err(no_header)?;
        let url = below(&self.settings.api, ["v2", "snaps", "refresh"]);
        let url = url.ok_or_else(|| Error::usage("the address of the snap store takes no path", None))?;
        let actions: Vec<Value> =
            wanted.iter().enumerate().map(|(number, wanted)| action(number, wanted)).collect();
        let body = json!({"context": [], "actions": actions, "fields": FIELDS});
        let mut request = Request::new(Method::POST, url)
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, JSON)
            .header(ARCHITECTURE, architecture)
            .body(body.to_string().into());
        for (name, value) in DEVICE {
            request = request.header(name, value);
        }
        Ok(self.meant(request))
    }

    fn outcome(&self, wanted: &Wanted, outcome: Outcome, hidden: &Hidden) -> Result<StoreSnap> {
        match outcome.result.as_str() {
            "download" => offered(&self.settings, wanted, outcome, hidden),
            "error" => Err(self.fault(wanted, outcome.error.unwrap_or_default(), hidden)),
            other => {
                let shown: String = printable(&hidden.cover(other)).chars().take(100).collect();
                let why = format!("the answer makes no sense: `result` cannot be `{shown}`");
                Err(Error::Network { what: wanted.to_string(), why, hint: None })
            }
        }
    }
}

/// Names an action in its request, and its result in the answer.
fn key(number: usize) -> String {
    format!("download-{}", number.saturating_add(1))
}

/// Asks for one snap. Without `epoch`, be it null, a store takes the client for one that knows no epochs.
fn action(number: usize, wanted: &Wanted) -> Value {
    let mut action = json!({
        "action": "download",
        "instance-key": key(number),
        "name": wanted.name,
        "epoch": null,
    });
    let more = match &wanted.pick {
        Pick::Default => None,
        Pick::Channel(channel) => Some(("channel", json!(channel.to_string()))),
        Pick::Revision(revision) => Some(("revision", json!(revision))),
    };
    if let (Some((name, value)), Some(fields)) = (more, action.as_object_mut()) {
        fields.insert(name.to_owned(), value);
    }
    action
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_says_what_snap_download_says() {
        let action = |pick| action(1, &Wanted { name: "k8s".into(), pick, architecture: "amd64".into() });
        let begin = json!({"action": "download", "instance-key": "download-2", "name": "k8s", "epoch": null});
        assert_eq!(action(Pick::Default), begin);
        let channel = "1.32-classic".parse().unwrap();
        assert_eq!(action(Pick::Channel(channel))["channel"], "1.32-classic/stable");
        let pinned = action(Pick::Revision(7));
        assert_eq!((&pinned["revision"], pinned.get("channel")), (&json!(7), None));
    }
}
