//! Who was let onto a list, in the store: one row for each list and mailbox.

use async_trait::async_trait;
use listcore::address::Address;
use listcore::list::ListId;

use super::SqliteStore;
use super::error::Trouble;
use super::packing::{from_json, to_json};
use super::writer::Writer;
use crate::store::admitted::{Admissions, Admitted};
use crate::store::{Done, StoreError};

impl Writer {
    pub(super) async fn admit(&mut self, admitted: &Admitted) -> Result<Done, Trouble> {
        const SET: &str = "INSERT INTO admitted (list, mailbox, admitted) VALUES ($1, $2, $3)
            ON CONFLICT (list, mailbox) DO UPDATE SET admitted = excluded.admitted";
        let set = sqlx::query(SET).bind(&admitted.list.0).bind(admitted.address.key());
        set.bind(to_json(admitted)?).execute(&mut self.db).await?;
        Ok(Done::Ok)
    }

    pub(super) async fn dismiss(
        &mut self,
        list: &ListId,
        address: &Address,
    ) -> Result<Done, Trouble> {
        let gone = sqlx::query("DELETE FROM admitted WHERE list = $1 AND mailbox = $2");
        gone.bind(&list.0).bind(address.key()).execute(&mut self.db).await?;
        Ok(Done::Ok)
    }
}

#[async_trait]
impl Admissions for SqliteStore {
    async fn admitted(&self) -> Result<Vec<Admitted>, StoreError> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT admitted FROM admitted ORDER BY list, mailbox")
                .fetch_all(&self.readers)
                .await
                .map_err(Trouble::from)?;
        let admitted = |(blob,): (Vec<u8>,)| from_json(&blob, "admitted person");
        Ok(rows.into_iter().map(admitted).collect::<Result<_, Trouble>>()?)
    }
}
