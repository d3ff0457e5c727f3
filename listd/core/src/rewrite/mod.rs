//! What a copy looks like: the header of the post rewritten by surgery, the body left alone.
//!
//! Pure: the same frozen settings and the same bytes give the same copy, today and at a retry.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::list::{ListId, Role, Settings};

/// What kind of mail it is to be.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostKind {
    /// A post to all members.
    List,
    /// Mail to a role address, on its way to the owners.
    Role(Role),
}

/// All that compose needs to know, frozen when the mail was accepted, so that a retry sends the same mail.
/// Stored with a version; a new field gets a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    pub kind: PostKind,
    pub list: ListId,
    pub address: Address,
    pub name: String,
    pub description: String,
    /// The tenant; also the signing domain.
    pub domain: String,
    pub settings: Settings,
    /// Set for List-Help.
    pub help_url: Option<String>,
    /// The language of the list's own words (domain or list), e.g. `de`.
    pub language: String,
    /// The `Received` line we put on top, complete, with CRLF.
    pub received: String,
    /// The Message-ID (with brackets) and Date to add where the mail has none.
    pub add_message_id: Option<String>,
    pub add_date: Option<String>,
}
