//! What a store says when it says no.

use serde::Deserialize;

use super::call::OLD_LOGIN;
use super::refresh::Wanted;
use super::reply::Fault;
use super::{SnapStore, login, releases};
use crate::model::error::Error;
use crate::model::printable::printable;
use crate::stores::http::{Head, Hidden, Reply, authority, is_page};

/// What to look at where something else answers than a store.
const NO_STORE: &str = "what answers there may be no snap store: check its address, and whether a proxy or a login \
                        page stands in between";
/// What to do where a store has had enough of us.
pub(super) const TOO_MANY: &str = "wait for some minutes: the same command goes on from there";

#[derive(Deserialize)]
struct Errors {
    #[serde(default, rename = "error-list")]
    errors: Vec<Fault>,
}

/// Returns what an error says, on one line, without secrets, and then shortened.
pub(super) fn line(text: &str, hidden: &Hidden) -> String {
    let text = hidden.cover(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    printable(&words.join(" ")).chars().take(300).collect()
}

/// Returns the code and the message of an error.
fn said(fault: &Fault, hidden: &Hidden) -> String {
    match (line(&fault.code, hidden), line(&fault.message, hidden)) {
        (code, message) if message.is_empty() => code,
        (code, message) if code.is_empty() => message,
        (code, message) => format!("{code}: {message}"),
    }
}

impl SnapStore {
    /// Makes the error for an answer of the store whose status is no success. `what` names what was asked for.
    pub(super) fn refused(&self, what: &str, reply: &Reply) -> Error {
        self.refuse(what, reply, Some(NO_STORE))
    }

    /// As [`SnapStore::refused`], for what may come from another place than the store.
    pub(super) fn refused_file(&self, what: &str, reply: &Reply) -> Error {
        self.refuse(what, reply, None)
    }

    /// `silent` is the hint where the answer does not say why.
    fn refuse(&self, what: &str, reply: &Reply, silent: Option<&str>) -> Error {
        let status = reply.head.status.as_u16();
        let errors =
            serde_json::from_slice::<Errors>(&reply.body).map(|errors| errors.errors).unwrap_or_default();
        let said = |fault: &Fault| said(fault, &reply.head.hidden);
        let told: Vec<String> = errors.iter().take(4).map(said).filter(|text| !text.is_empty()).collect();
        let detail = told.join("; ");
        let mut what = what.to_owned();
        if reply.head.foreign {
            let place = authority(&reply.head.url);
            what = format!("{what}: `{place}`, to which it redirects, refused");
        }
        let hint = match status {
            429 => Some(TOO_MANY.to_owned()),
            // What says nothing is no store, but a proxy that lets nothing through.
            401 => self.login_hint(&reply.head),
            403 if !told.is_empty() => self.login_hint(&reply.head),
            _ => silent.filter(|_| told.is_empty()).map(str::to_owned),
        };
        match status {
            401 | 403 => {
                let colon = if detail.is_empty() { "" } else { ": " };
                Error::Denied { what, why: format!("HTTP status {status}{colon}{detail}"), hint }
            }
            404 => Error::NotFound { what: format!("{what} (HTTP status 404)"), hint },
            _ => Error::Remote { what, status, detail, hint },
        }
    }

    /// Says which login would serve where something refused.
    fn login_hint(&self, head: &Head) -> Option<String> {
        let goes_there = self.is_own(&head.url) && !head.foreign;
        match &self.login {
            Some(login) if !goes_there => {
                let store = authority(&self.settings.api);
                Some(format!("the login of {} is for `{store}`, and shown to no other host", login.named()))
            }
            login => Some(login::advice(login.as_ref())).filter(|_| goes_there),
        }
    }

    /// Makes the error for a snap that the store does not give. What it says is shown without what is hidden.
    pub(super) fn fault(&self, wanted: &Wanted, fault: Fault, hidden: &Hidden) -> Error {
        let advice = login::advice(self.login.as_ref());
        match fault.code.as_str() {
            "revision-not-found" => {
                let releases = fault.extra.unwrap_or_default().releases;
                let what = wanted.to_string();
                Error::NotFound { what, hint: releases::hint(wanted, &releases, hidden) }
            }
            "name-not-found" | "id-not-found" => Error::NotFound {
                what: format!("snap `{}`", wanted.name),
                hint: Some(format!("check the name; {advice}")),
            },
            code if code == OLD_LOGIN || code.contains("unauthorized") => {
                Error::Denied { what: wanted.to_string(), why: said(&fault, hidden), hint: Some(advice) }
            }
            _ => {
                let said = said(&fault, hidden);
                let said = if said.is_empty() { "nothing more".to_owned() } else { said };
                Error::Network {
                    what: wanted.to_string(),
                    why: format!("the store refuses it and says {said}"),
                    hint: None,
                }
            }
        }
    }
}

/// Makes the error for a success that is not what a store answers.
pub(super) fn no_answer(reply: &Reply, why: &str) -> Error {
    let (media_type, hidden) = (reply.head.media_type().unwrap_or_default(), &reply.head.hidden);
    let why = if is_page(&media_type) {
        format!("a page of type `{}` came in the place of an answer", line(&media_type, hidden))
    } else {
        format!("what came is no answer of a snap store: {}", line(why, hidden))
    };
    Error::Network { what: reply.head.asked(), why, hint: Some(NO_STORE.to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::content::progress::Silent;
    use crate::stores::http::{HttpClient, HttpSettings};
    use crate::stores::snap_store::{DEFAULT_API, Pick, Settings};

    fn told(code: &str, message: &str) -> Error {
        let wanted = Wanted { name: "k8s".into(), pick: Pick::Revision(9), architecture: "amd64".into() };
        let http = HttpClient::new(&HttpSettings::default(), Arc::new(Silent)).unwrap();
        let settings = Settings::new(DEFAULT_API.parse().unwrap());
        let fault = Fault { code: code.into(), message: message.into(), extra: None };
        SnapStore::new(http, settings).fault(&wanted, fault, &Hidden::default())
    }

    #[test]
    fn what_a_store_says_of_a_snap_is_told() {
        for (code, message, expected) in [
            ("revision-not-found", "", "revision 9 of snap `k8s` for `amd64` was not found"),
            ("name-not-found", "No snap named 'k8s' found", "snap `k8s` was not found"),
            ("id-not-found", "", "snap `k8s` was not found"),
            (
                "odd",
                "two\nlines\u{1b}[2J",
                "revision 9 of snap `k8s` for `amd64`: the store refuses it and says odd: two lines\\u{1b}[2J",
            ),
            ("", "", "revision 9 of snap `k8s` for `amd64`: the store refuses it and says nothing more"),
        ] {
            assert_eq!(told(code, message).to_string(), expected, "{code}");
        }
        assert!(matches!(told("user-authorization-needs-refresh", ""), Error::Denied { .. }));
        assert!(told("odd", &"x".repeat(1 << 20)).to_string().len() < 500);
    }
}
