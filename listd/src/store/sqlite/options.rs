//! What members wish of lists, in the store: one row for each person and list.

use async_trait::async_trait;
use listcore::options::Choice;

use super::SqliteStore;
use super::error::Trouble;
use super::packing::{from_json, to_json};
use super::writer::Writer;
use crate::store::{Done, MemberOptions, StoreError};

impl Writer {
    pub(super) async fn choose(&mut self, choice: &Choice) -> Result<Done, Trouble> {
        const SET: &str = "INSERT INTO member_option (who, list, choice) VALUES ($1, $2, $3)
            ON CONFLICT (who, list) DO UPDATE SET choice = excluded.choice";
        let list = choice.list.as_ref().map_or("", |list| list.0.as_str());
        let set = sqlx::query(SET).bind(choice.who()).bind(list).bind(to_json(choice)?);
        set.execute(&mut self.db).await?;
        Ok(Done::Ok)
    }
}

#[async_trait]
impl MemberOptions for SqliteStore {
    async fn member_options(&self) -> Result<Vec<Choice>, StoreError> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT choice FROM member_option ORDER BY who, list")
                .fetch_all(&self.readers)
                .await
                .map_err(Trouble::from)?;
        let choice = |(blob,): (Vec<u8>,)| from_json(&blob, "member option");
        Ok(rows.into_iter().map(choice).collect::<Result<_, Trouble>>()?)
    }
}
