//! For servers without RFC 4533: the whole directory, page by page, every `poll_interval`.
//!
//! The simple form; a question for changed entries only can come later.

use std::sync::Arc;

use ldap3::Scope;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use listcore::dn;

use super::guard;
use super::query::{Query, StoredCookie};
use super::replica::Replica;
use super::session::{Shared, entry_of};

/// Entries in one page.
const PAGE: i32 = 500;

/// Asks once for everything and puts it in place where it differs.
pub async fn once(shared: Arc<Shared>, query: Query) -> Result<(), String> {
    let began = (shared.clock)();
    let new = fetch(&shared, &query).await?;
    let old = shared.live.read(Replica::clone);
    let changes = new.changes_from(&old);
    let cookie = StoredCookie::new(query.fingerprint(&shared.server.url), Vec::new());
    shared.keeper.update(&changes, Some(&cookie));
    if !changes.is_empty() {
        shared.live.swap(new);
    }
    shared.live.fresh(began, None);
    Ok(())
}

async fn fetch(shared: &Shared, query: &Query) -> Result<Replica, String> {
    let explain = |e: &ldap3::LdapError| {
        let error = shared.server.explain(e);
        if let ldap3::LdapError::LdapResult { result } = e
            && guard::is_partial(result.rc)
        {
            shared.live.doubt(error.clone());
        }
        error
    };
    let mut ldap = shared.server.connect().await?;
    ldap.with_timeout(shared.server.timeout);
    let adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
    let search = ldap.streaming_search_with(
        adapters,
        &query.base,
        Scope::Subtree,
        &query.filter,
        query.asked(),
    );
    let mut stream = search.await.map_err(|e| explain(&e))?;
    let mut replica = Replica::new(shared.mapping.clone());
    while let Some(message) = stream.next().await.map_err(|e| explain(&e))? {
        let mut entry = entry_of(message);
        let uuid = entry.first("entryuuid").map(str::to_ascii_lowercase);
        let uuid = uuid.or_else(|| dn::normal(&entry.dn).map(|key| super::uuid_of(&key)));
        entry.keep(|name| query.attributes.contains(name));
        if let Some(uuid) = uuid {
            replica.upsert(&uuid, entry);
        }
    }
    stream.finish().await.success().map_err(|e| explain(&e))?;
    Ok(replica)
}
