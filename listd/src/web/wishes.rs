//! What a member wishes of a list, as pages show and take it, and whom the pages ask for it.
//!
//! Not where it is kept, nor what follows from it for a copy.

use async_trait::async_trait;
use listcore::time::Timestamp;

use super::{Links, NotNow};

/// Members and their own settings. The token in a link says who, and of which list.
#[async_trait]
pub trait Options: Send + Sync + 'static {
    /// Changes nothing. `None` alike for a token that is forged, unknown or old.
    async fn mine(&self, token: &str) -> Result<Option<Mine>, NotNow>;

    /// Idempotent. `None` as in [`Options::mine`].
    async fn set(&self, token: &str, wishes: Wishes) -> Result<Option<()>, NotNow>;

    /// One click (RFC 8058): no more mail of this list to her. Idempotent.
    async fn unsubscribe(&self, token: &str) -> Result<Option<()>, NotNow>;

    /// What everybody may know of the list with this address.
    async fn list(&self, address: &str) -> Result<Option<ListPage>, NotNow>;

    /// Sends a link to [`Options::mine`] if somebody on the list has this address. Neither the answer nor how long it
    /// takes tells whether that is so.
    async fn send_link(&self, list: &str, address: &str) -> Result<(), NotNow>;
}

/// One member and one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mine {
    /// Hers, e.g. `de`.
    pub language: String,
    pub list_title: String,
    pub list_address: String,
    pub links: Links,
    /// Where her copies go.
    pub address: String,
    /// Nothing goes there, because mail came back; to save the settings ends it.
    pub paused: bool,
    pub wishes: Wishes,
    pub offers: Offers,
}

/// Which wishes have an effect on this list.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    pub digest: bool,
    pub no_own: bool,
    pub no_addressed: bool,
    pub plain: bool,
}

/// What she wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    pub mail: Mail,
    pub digest: Digest,
    /// No copy of what she wrote herself.
    pub no_own: bool,
    /// No copy of what she gets anyway, in To or Cc.
    pub no_addressed: bool,
    /// Text without formatting.
    pub plain: bool,
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Mail {
    #[default]
    All,
    /// None before this.
    Until(Timestamp),
    None,
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Digest {
    #[default]
    Off,
    Daily,
    Weekly,
}

/// A list, for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    pub title: String,
    pub address: String,
    /// Of its domain.
    pub language: String,
    pub links: Links,
}
