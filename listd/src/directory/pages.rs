//! One search, page by page (RFC 2696), so that no answer is larger than a server gives at once.
//!
//! What an answer means is the caller's: `poll` reads entries and stamps, `verify` names only.

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap, LdapError, ResultEntry, Scope, SearchOptions};

/// Entries in one page.
const PAGE: i32 = 500;

/// What is asked below the base.
pub struct Question<'a> {
    pub base: &'a str,
    pub filter: &'a str,
    pub attributes: Vec<String>,
    /// Which attributes an entry has, and no value of them (RFC 4511 4.5.1.6).
    pub names_only: bool,
}

/// Asks, and hands each entry over as it comes; referrals are not followed. The deadline is for each single answer.
///
/// # Errors
/// The connection's, or the server's word; what was handed over before is then not the whole answer.
pub async fn each(
    ldap: &mut Ldap,
    deadline: std::time::Duration,
    question: Question<'_>,
    mut take: impl FnMut(ResultEntry) + Send,
) -> Result<(), LdapError> {
    let Question { base, filter, attributes, names_only } = question;
    let adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
    ldap.with_timeout(deadline);
    ldap.with_search_options(SearchOptions::new().typesonly(names_only));
    let search = ldap.streaming_search_with(adapters, base, Scope::Subtree, filter, attributes);
    let mut stream = search.await?;
    while let Some(message) = stream.next().await? {
        take(message);
    }
    stream.finish().await.success().map(drop)
}
