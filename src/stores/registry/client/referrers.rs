//! Whether a registry keeps the list of what refers to a manifest.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::{RegistryClient, Repository};
use crate::model::digest::Digest;
use crate::model::error::Result;
use crate::model::media_type::OCI_INDEX;

impl RegistryClient {
    /// Returns whether a registry has the referrers API, which lists what refers to `subject` by itself (OCI distribution
    /// spec, "Listing Referrers"). Where it has not, whoever pushes a referrer keeps the list under a tag.
    pub async fn lists_referrers(&self, repository: &Repository, subject: &Digest) -> Result<bool> {
        let reply = self.ask(repository, Method::GET, &format!("referrers/{subject}")).await?;
        match reply.head.status.as_u16() {
            200 => {
                let content_type = reply.head.text(&CONTENT_TYPE).unwrap_or_default();
                Ok(content_type.split(';').next().map(str::trim) == Some(OCI_INDEX))
            }
            401 | 403 => Err(self.refusal(repository, &format!("the referrers of {subject}"), &reply)),
            _ => Ok(false),
        }
    }
}
