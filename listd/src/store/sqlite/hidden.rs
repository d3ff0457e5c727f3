//! Hidden authors and the numbers that stand for them, in the store: one row for a list, an author and 30 days.
//!
//! Not what a relay address looks like: that is `listcore::token`.

use listcore::address::Address;
use listcore::list::ListId;
use listcore::recipients::PersonId;
use listcore::time::Timestamp;

use super::SqliteStore;
use super::error::Trouble;
use super::moves::number;
use super::writer::Writer;
use crate::store::{HiddenAuthor, StoreError};

impl Writer {
    pub(super) async fn hide(&mut self, hidden: &HiddenAuthor) -> Result<(), Trouble> {
        const SET: &str =
            "INSERT INTO hidden_author (list, number, address, person, member, expires)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (list, number) DO UPDATE SET address = excluded.address,
                person = excluded.person, member = excluded.member,
                expires = max(expires, excluded.expires)";
        sqlx::query(SET)
            .bind(&hidden.list.0)
            .bind(number(hidden.number)?)
            .bind(hidden.address.to_string())
            .bind(hidden.person.as_ref().map_or("", |person| &person.0))
            .bind(hidden.member)
            .bind(hidden.expires.0)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}

impl SqliteStore {
    pub(super) async fn read_hidden(
        &self,
        list: &ListId,
        of: u64,
    ) -> Result<Option<HiddenAuthor>, StoreError> {
        const ASK: &str = "SELECT address, person, member, expires FROM hidden_author
            WHERE list = $1 AND number = $2";
        let Ok(stored) = number(of) else { return Ok(None) };
        let row: Option<(String, String, bool, i64)> = sqlx::query_as(ASK)
            .bind(&list.0)
            .bind(stored)
            .fetch_optional(&self.readers)
            .await
            .map_err(Trouble::from)?;
        let Some((address, person, member, expires)) = row else { return Ok(None) };
        let address = Address::parse(&address)
            .map_err(|e| StoreError::Failed(format!("hidden author {of} of {}: {e}", list.0)))?;
        Ok(Some(HiddenAuthor {
            list: list.clone(),
            number: of,
            address,
            person: (!person.is_empty()).then_some(PersonId(person)),
            member,
            expires: Timestamp(expires),
        }))
    }
}
