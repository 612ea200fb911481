//! Renews what Ubuntu One has said of a user, which is good for a day or so: `POST /tokens/refresh`, as snapd does it.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde_json::json;

use super::macaroon::Macaroon;
use super::{Held, Login, MAKE_ONE};
use crate::model::error::{Error, Result};
use crate::model::printable::printable;
use crate::stores::http::{HttpClient, Lane, MAX_SMALL, Reach, Reply, Request, authority};
use crate::stores::snap_store::settings::below;

/// Who renews.
const UBUNTU_ONE: &str = "login.ubuntu.com";
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const DISCHARGE: &str = "discharge_macaroon";

/// What Ubuntu One says where it says no.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Login {
    /// Renews it, unless another has done so since `used` was sent. Returns false for what nobody renews.
    ///
    /// Errors: [`Error::Denied`] where Ubuntu One refuses.
    pub(in crate::stores::snap_store) async fn renew(
        &self,
        http: &HttpClient,
        used: &HeaderValue,
    ) -> Result<bool> {
        let mut held = self.0.held.lock().await;
        let Some((root, discharges)) = &held.macaroons else { return Ok(false) };
        if held.header != *used {
            return Ok(true);
        }
        let mut renewed = Vec::new();
        for discharge in discharges {
            renewed.push(match discharge.location() {
                UBUNTU_ONE => self.renewed(http, discharge).await?,
                _ => discharge.clone(),
            });
        }
        *held = Held::bound(root.clone(), renewed).ok_or_else(|| self.refused("what came is too long"))?;
        Ok(true)
    }

    async fn renewed(&self, http: &HttpClient, discharge: &Macaroon) -> Result<Macaroon> {
        let url = below(&self.0.sso, ["tokens", "refresh"]);
        let url = url.ok_or_else(|| self.refused("the address of Ubuntu One takes no path"))?;
        let request = Request::new(Method::POST, url)
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, JSON)
            .body(json!({DISCHARGE: discharge.text()}).to_string().into())
            .lane(Lane::Free)
            .reach(Reach::Origin);
        let reply = http.fetch(&request, MAX_SMALL).await?;
        if reply.head.status.as_u16() != 200 {
            return Err(self.refused(&said(&reply)));
        }
        let answer: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&reply.body).unwrap_or_default();
        let macaroon = answer.get(DISCHARGE).and_then(|text| text.as_str()).and_then(Macaroon::read);
        macaroon.ok_or_else(|| self.refused("no macaroon came"))
    }

    fn refused(&self, why: &str) -> Error {
        let place = authority(&self.0.sso);
        Error::Denied {
            what: format!("renewing the login of {} at `{place}`", self.0.named),
            why: why.to_owned(),
            hint: Some(MAKE_ONE.to_owned()),
        }
    }
}

/// Returns what an answer says, on one line, shortened, and without what was sent.
fn said(reply: &Reply) -> String {
    let refusal: Refusal = serde_json::from_slice(&reply.body).unwrap_or_default();
    let words = format!("HTTP status {} {} {}", reply.head.status.as_u16(), refusal.code, refusal.message);
    let words: Vec<&str> = words.split_whitespace().collect();
    printable(&reply.head.hidden.cover(&words.join(" "))).chars().take(300).collect()
}
