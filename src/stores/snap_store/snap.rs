//! What a store offers.

use reqwest::Url;

use crate::model::sha3::Sha3_384;
use crate::model::snap::{Channel, Confinement, SnapType};

/// A revision of a snap, as a store describes it. None of it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSnap {
    /// Its name.
    pub name: String,
    /// Its id, which stays when the name changes.
    pub id: String,
    /// The revision, from 1.
    pub revision: u32,
    /// What its maker calls this revision.
    pub version: String,
    /// The snap that it runs on, as it names it; [`SnapType::needs`] says which has to be installed first.
    pub base: Option<String>,
    /// What it is.
    pub kind: SnapType,
    /// How much of its host it sees.
    pub confinement: Confinement,
    /// The architectures that it runs on in snapd's words, sorted; `all` is one of them.
    pub architectures: Vec<String>,
    /// Who publishes it.
    pub publisher: Publisher,
    /// Where its bytes are.
    pub download: Download,
    /// The channel that it was found in; none where a revision was asked for.
    pub channel: Option<Channel>,
    /// The channel that the store took in the place of the one that was asked for.
    pub redirect: Option<Channel>,
}

/// The account that publishes a snap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// The id of the account.
    pub id: String,
    /// The name of the account.
    pub username: String,
    /// How the store knows who that is: `verified`, `starred`, `unproven`; empty where it says nothing.
    pub validation: String,
}

/// Where the bytes of a snap are, and what they have to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// What it is, for messages: ``revision 1234 of snap `k8s` ``.
    pub what: String,
    /// Where it is: `https`, or as plain as the store itself.
    pub url: Url,
    /// The length in bytes, from 1.
    pub size: u64,
    /// SHA3-384 of the bytes.
    pub sha3_384: Sha3_384,
}
