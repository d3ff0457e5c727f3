//! Failures and standings in the store: one row for a tenant, address, class and day, and one for a tenant and address.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use listcore::address::Address;
use listcore::bounce::score::Event;
use listcore::bounce::{Class, Kind};
use listcore::list::ListId;
use listcore::time::Timestamp;

use super::SqliteStore;
use super::error::Trouble;
use super::moves::number;
use super::packing;
use super::writer::Writer;
use crate::store::failures::{Failing, Failure, Failures, STRANGE, Standing, StrangeMail, day};
use crate::store::{Done, RecipientRef, StoreError, Strange};

impl Writer {
    /// Nothing where nobody has that number any more.
    pub(super) async fn failed(
        &mut self,
        who: RecipientRef,
        at: Timestamp,
        failure: &Failure,
    ) -> Result<Done, Trouble> {
        const ADD: &str = "INSERT INTO failure
                (domain, mailbox, class, probe, day, at, address, recipient, list, said)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (domain, mailbox, class, probe, day)
            DO UPDATE SET at = max(at, excluded.at), said = excluded.said";
        let who = number(who.0)?;
        let address: Option<String> =
            sqlx::query_scalar("SELECT address FROM recipient WHERE id = $1")
                .bind(who)
                .fetch_optional(&mut self.db)
                .await?;
        let Some(address) = address.and_then(|a| Address::parse(&a).ok()) else {
            return Ok(Done::Ok);
        };
        sqlx::query(ADD)
            .bind(&failure.domain)
            .bind(address.key())
            .bind(failure.class.as_str())
            .bind(failure.probe)
            .bind(day(at))
            .bind(at.0)
            .bind(address.to_string())
            .bind(who)
            .bind(&failure.list.0)
            .bind(&failure.said)
            .execute(&mut self.db)
            .await?;
        Ok(Done::Ok)
    }

    /// The oldest makes room for it: whoever has a good token must not fill the disk.
    pub(super) async fn strange(
        &mut self,
        at: Timestamp,
        list: &ListId,
        strange: &Strange,
    ) -> Result<(), Trouble> {
        const ADD: &str =
            "INSERT INTO strange (at, list, kind, what, mail) VALUES ($1, $2, $3, $4, $5)";
        const ROOM: &str = "DELETE FROM strange WHERE id <= (SELECT max(id) FROM strange) - $1";
        sqlx::query(ADD)
            .bind(at.0)
            .bind(&list.0)
            .bind(strange.kind.as_str())
            .bind(&strange.what)
            .bind(&strange.mail[..])
            .execute(&mut self.db)
            .await?;
        sqlx::query(ROOM).bind(STRANGE).execute(&mut self.db).await?;
        Ok(())
    }

    pub(super) async fn standing(&mut self, standing: &Standing) -> Result<Done, Trouble> {
        const SET: &str = "INSERT INTO standing (domain, mailbox, until, standing) VALUES ($1, $2, $3, $4)
            ON CONFLICT (domain, mailbox) DO UPDATE SET until = excluded.until, standing = excluded.standing";
        sqlx::query(SET)
            .bind(&standing.domain)
            .bind(standing.address.key())
            .bind(standing.until().map(|at| at.0))
            .bind(packing::to_json(standing)?)
            .execute(&mut self.db)
            .await?;
        Ok(Done::Ok)
    }
}

/// Domain, mailbox, class, probe, when, address, recipient, list, words.
type Row = (String, String, String, bool, i64, String, i64, String, String);

#[async_trait]
impl Failures for SqliteStore {
    async fn failing(&self) -> Result<Vec<Failing>, StoreError> {
        const ASK: &str = "SELECT domain, mailbox, class, probe, at, address, recipient, list, said
            FROM failure ORDER BY domain, mailbox, at";
        let rows: Vec<Row> =
            sqlx::query_as(ASK).fetch_all(&self.readers).await.map_err(Trouble::from)?;
        let mut standings: BTreeMap<(String, String), Standing> = self
            .standings()
            .await?
            .into_iter()
            .map(|s| ((s.domain.clone(), s.address.key()), s))
            .collect();
        let mut all: Vec<Failing> = Vec::new();
        for (domain, mailbox, class, probe, at, address, who, list, said) in rows {
            let (Some(class), Ok(address)) = (Class::from_name(&class), Address::parse(&address))
            else {
                continue;
            };
            let event = Event { at: Timestamp(at), class, probe };
            let who = RecipientRef(who.cast_unsigned());
            match all.last_mut().filter(|f| f.domain == domain && f.address.key() == mailbox) {
                Some(known) => {
                    known.events.push(event);
                    (known.who, known.said) = (who, said);
                }
                None => {
                    let standing = standings.remove(&(domain.clone(), mailbox));
                    let (events, list) = (vec![event], ListId(list));
                    all.push(Failing { domain, address, who, list, said, events, standing });
                }
            }
        }
        Ok(all)
    }

    async fn strange(&self, since: Timestamp) -> Result<Vec<StrangeMail>, StoreError> {
        const ASK: &str =
            "SELECT id, at, list, kind, what FROM strange WHERE at >= $1 ORDER BY at, id";
        let rows: Vec<(i64, i64, String, String, String)> = sqlx::query_as(ASK)
            .bind(since.0)
            .fetch_all(&self.readers)
            .await
            .map_err(Trouble::from)?;
        let one = |(id, at, list, kind, what): (i64, i64, String, String, String)| StrangeMail {
            number: id.cast_unsigned(),
            at: Timestamp(at),
            list: ListId(list),
            kind: Kind::from_name(&kind).unwrap_or(Kind::Other),
            what,
        };
        Ok(rows.into_iter().map(one).collect())
    }

    async fn strange_mail(&self, number: u64) -> Result<Option<Bytes>, StoreError> {
        let Ok(id) = i64::try_from(number) else { return Ok(None) };
        let mail: Option<Vec<u8>> = sqlx::query_scalar("SELECT mail FROM strange WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.readers)
            .await
            .map_err(Trouble::from)?;
        Ok(mail.map(Bytes::from))
    }

    async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT standing FROM standing ORDER BY domain, mailbox")
                .fetch_all(&self.readers)
                .await
                .map_err(Trouble::from)?;
        let all = rows.iter().map(|row| packing::from_json(row, "a standing"));
        Ok(all.collect::<Result<_, Trouble>>()?)
    }
}
