//! Flags about snaps: which store, who is trusted, and what time it is.

use std::time::SystemTime;

use camino::Utf8PathBuf;
use reqwest::Url;

use super::sideload;
use super::store_variables::StoreVariables;
use crate::kinds::{Clock, Prover, Snaps, Unknown};
use crate::model::assertion::{MAX_STREAM, Trust};
use crate::model::error::{Error, Result};
use crate::model::moment::Moment;
use crate::model::snap;
use crate::stores::file::read_at_most;
use crate::stores::http::HttpClient;
use crate::stores::snap_store::{DEFAULT_API, Downloads, MaxFormat, Settings, SnapStore, store_url};

/// Which snap store is asked, and how its snaps are proven.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Snaps")]
pub(super) struct SnapArguments {
    /// Ask this snap store, or Snap Store Proxy
    #[arg(long, value_name = "URL", value_parser = url)]
    snap_store_url: Option<Url>,
    /// Take no assertion of this type in a newer format than N, for an old snapd
    #[arg(long, value_name = "TYPE=N")]
    max_format: Vec<MaxFormat>,
    #[command(flatten)]
    proof: ProofArguments,
}

/// How snaps are proven.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Snaps")]
pub(super) struct ProofArguments {
    /// Trust the account and the key in this file of assertions as the root of a store, too
    #[arg(long, value_name = "FILE")]
    trusted_key: Vec<Utf8PathBuf>,
    /// Take this for the time, such as 2026-05-31T16:00:00Z, where the clock is wrong
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Moment>,
}

fn url(text: &str) -> Result<Url, String> {
    store_url(text).map_err(|error| error.to_string())
}

/// Reads a time, or a day, of which the beginning is meant.
fn time(text: &str) -> Result<Moment, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse().map_err(|_| {
        format!("`{text}` is not a time: expected one such as `2026-05-31T16:00:00Z`, or a day such as `2026-05-31`")
    })
}

impl ProofArguments {
    /// Reads the roots, and the clock of this host where no time was said.
    pub(super) fn prover(&self) -> Result<Prover> {
        let mut trust = Trust::built_in()?;
        for path in &self.trusted_key {
            let doing = format!("reading the key `{path}` (`--trusted-key`)");
            let bytes = read_at_most(path, MAX_STREAM).map_err(Error::io(doing))?;
            trust = trust.and(path.as_str(), &bytes)?;
        }
        let clock = if self.at.is_some() { Clock::Said } else { Clock::Host };
        Ok(Prover { trust, at: self.at.unwrap_or_else(|| Moment::from(SystemTime::now())), clock })
    }
}

impl SnapArguments {
    /// Returns where snaps come from.
    pub(super) fn snaps(
        &self,
        variables: StoreVariables,
        http: &HttpClient,
        unknown: Unknown,
    ) -> Result<Snaps> {
        let url = |name: &str| variables.url(name, "a snap store");
        let api = match &self.snap_store_url {
            Some(url) => url.clone(),
            None => match url("UBUNTU_STORE_URL")?
                .map_or_else(|| url("SNAPPY_FORCE_API_URL"), |url| Ok(Some(url)))?
            {
                Some(url) => url,
                None => store_url(DEFAULT_API)?,
            },
        };
        let settings = Settings {
            // Who names a store means all of it.
            assertions: if self.snap_store_url.is_some() { None } else { url("SNAPPY_FORCE_SAS_URL")? },
            store_id: variables.text("UBUNTU_STORE_ID")?,
            downloads: if variables.is_yes("SNAPPY_STORE_NO_CDN")? {
                Downloads::Store
            } else {
                Downloads::Anywhere
            },
            max_formats: self.max_format.clone(),
            ..Settings::new(api)
        };
        let architecture = variables.text("UBUNTU_STORE_ARCH")?;
        let architecture =
            architecture.as_deref().or_else(|| snap::architecture(&sideload::host())).unwrap_or("amd64");
        let store = SnapStore::new(http.clone(), settings).with_login(variables.login()?);
        Ok(Snaps::new(store, self.proof.prover()?, architecture, unknown))
    }
}
