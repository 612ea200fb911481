//! Finds out whether credentials serve (OCI distribution spec, "Determining Support", which every registry asks them for).

use reqwest::StatusCode;

use super::refusal::said;
use super::{RegistryClient, Repository};
use crate::model::error::{Error, Result};
use crate::stores::http::{MAX_SMALL, NO_REGISTRY, Request, is_page, unexpected_page};
use crate::stores::registry::auth::Scopes;

/// How a registry took credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// It knows them.
    Known,
    /// It lets everybody in, so that nothing is known of them.
    Unasked,
}

impl RegistryClient {
    /// Shows the client's credentials to a registry as a whole.
    ///
    /// Errors: [`Error::Denied`] where they are refused.
    pub async fn log_in(&self, registry: &str) -> Result<Welcome> {
        let repository = Repository::whole(registry);
        let what = format!("the login at `{registry}`");
        let base = self.http.base(repository.host()).await?;
        let url = base.join("v2/").map_err(|_| Error::usage(format!("`{registry}` is not a host"), None))?;
        let mut turn = self.turn(&repository, &base, Scopes::default()).await?;
        let mut request = Request::get(url);
        let reply = loop {
            turn.sign(&mut request);
            let reply = self.http.fetch(&request, MAX_SMALL).await?;
            if !turn.refused(&reply.head).await? {
                break reply;
            }
        };
        if reply.head.status.is_success() && reply.head.media_type().is_some_and(|kind| is_page(&kind)) {
            return Err(unexpected_page(&reply, &what));
        }
        let (status, said) = (reply.head.status, said(&reply));
        match status {
            StatusCode::OK => Ok(if turn.was_asked() { Welcome::Known } else { Welcome::Unasked }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Error::Denied { what, why: format!("HTTP status {}{said}", status.as_u16()), hint: None })
            }
            _ => Err(Error::Remote {
                what,
                status: status.as_u16(),
                detail: said.trim_start_matches(": ").to_owned(),
                hint: (status == StatusCode::NOT_FOUND).then(|| NO_REGISTRY.to_owned()),
            }),
        }
    }
}
