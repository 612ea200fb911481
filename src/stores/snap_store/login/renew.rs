//! Renews what Ubuntu One has said of a user, which is good for a day or so: `POST /tokens/refresh`, as snapd does it.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::macaroon::Macaroon;
use super::{Held, Login, MAKE_ONE};
use crate::model::error::{Error, Result};
use crate::stores::http::{HttpClient, Lane, MAX_SMALL, Reach, Reply, Request, authority};
use crate::stores::snap_store::JSON;
use crate::stores::snap_store::refusal::{TOO_MANY, line};
use crate::stores::snap_store::settings::below;

/// Who renews.
const UBUNTU_ONE: &str = "login.ubuntu.com";
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
    /// Renews it, unless another has done so since `used` was sent. Returns false for what nobody renews, or has refused
    /// to.
    ///
    /// Errors: [`Error::Denied`] where Ubuntu One refuses.
    pub(in crate::stores::snap_store) async fn renew(
        &self,
        http: &HttpClient,
        used: &HeaderValue,
    ) -> Result<bool> {
        let mut held = self.0.held.lock().await;
        let Some((root, discharges)) = held.macaroons.clone() else { return Ok(false) };
        if held.header != *used {
            return Ok(true);
        }
        if held.is_refused || !discharges.iter().any(is_renewable) {
            return Ok(false);
        }
        let mut renewed = Vec::new();
        for discharge in discharges {
            if !is_renewable(&discharge) {
                renewed.push(discharge);
                continue;
            }
            match self.renewed(http, &discharge).await {
                Ok(discharge) => renewed.push(discharge),
                Err(error) => {
                    held.is_refused = matches!(error, Error::Denied { .. });
                    return Err(error);
                }
            }
        }
        *held = Held::bound(root, renewed).ok_or_else(|| self.no_answer("a macaroon that is too long"))?;
        Ok(true)
    }

    async fn renewed(&self, http: &HttpClient, discharge: &Macaroon) -> Result<Macaroon> {
        let url = below(&self.0.sso, ["tokens", "refresh"]);
        let url = url.ok_or_else(|| self.no_answer("nothing: its address takes no path"))?;
        let request = Request::new(Method::POST, url)
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, JSON)
            .body(json!({DISCHARGE: discharge.text()}).to_string().into())
            .lane(Lane::Free)
            .reach(Reach::Origin);
        let reply = http.fetch(&request, MAX_SMALL).await?;
        if reply.head.status.as_u16() != 200 {
            return Err(self.refused(&reply));
        }
        let answer: BTreeMap<String, Value> = serde_json::from_slice(&reply.body).unwrap_or_default();
        let macaroon = answer.get(DISCHARGE).and_then(Value::as_str).and_then(Macaroon::read);
        macaroon.ok_or_else(|| self.no_answer("no macaroon"))
    }

    fn refused(&self, reply: &Reply) -> Error {
        let status = reply.head.status.as_u16();
        let Refusal { code, message } = serde_json::from_slice(&reply.body).unwrap_or_default();
        let (what, detail) = (self.what(), line(&format!("{code} {message}"), &reply.head.hidden));
        match status {
            429 => Error::Remote { what, status, detail, hint: Some(TOO_MANY.to_owned()) },
            400 | 401 | 403 => {
                let why = format!("HTTP status {status} {detail}").trim_end().to_owned();
                Error::Denied { what, why, hint: Some(MAKE_ONE.to_owned()) }
            }
            _ => Error::Remote { what, status, detail, hint: None },
        }
    }

    fn no_answer(&self, got: &str) -> Error {
        Error::Network { what: self.what(), why: format!("the answer is {got}"), hint: None }
    }

    fn what(&self) -> String {
        format!("renewing the login of {} at `{}`", self.0.named, authority(&self.0.sso))
    }
}

fn is_renewable(discharge: &Macaroon) -> bool {
    discharge.location() == UBUNTU_ONE
}
