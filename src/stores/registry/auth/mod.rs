//! Who we are to a registry: credentials from files and flags, challenges, tokens.

mod advice;
mod authorizer;
mod challenge;
mod credentials;
mod file;
mod keep;
mod key;
mod keychain;
mod keychains;
mod login_file;
mod realm;
mod scope;
mod secret;
mod token;

pub use advice::{Turned, advice, cut_off};
pub use authorizer::{Authorizer, Purpose, TokenHost};
pub use challenge::Challenge;
pub use credentials::{
    Credential, CredentialFile, CredentialSources, Credentials, ExplicitLogin, Found, Lookup, Presence,
};
pub use keep::{Account, Place, forget, keep, winner};
pub use scope::{Access, Scopes};
pub use secret::Secret;
