//! The table of recipients: a person at a mailbox gets a number once, and keeps it.
//!
//! Batches carry only the numbers, so that one person can be erased in one place.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use listcore::address::Address;
use listcore::recipients::{PersonId, Recipient};
use sqlx::SqliteConnection;

use super::error::Trouble;

/// Most recipients the writer remembers; about 200 octets each.
const REMEMBERED: usize = 50_000;
/// Most recipients in one statement.
const CHUNK: usize = 1_000;

/// Numbers that are known without asking. Empty again after a rollback or an erasure: then it may be wrong.
#[derive(Default)]
pub(super) struct People {
    known: HashMap<(String, String), Known>,
    hasher: RandomState,
}

#[derive(Copy, Clone)]
struct Known {
    number: i64,
    /// Of what may change: spelling, name, language.
    details: u64,
}

const INSERT: &str = "INSERT INTO recipient (person, mailbox, address, name, language)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each($1) WHERE true
ON CONFLICT (person, mailbox) DO UPDATE
SET address = excluded.address, name = excluded.name, language = excluded.language
WHERE (recipient.address, recipient.name, recipient.language)
    IS NOT (excluded.address, excluded.name, excluded.language)";

const NUMBERS: &str = "SELECT r.person, r.mailbox, r.id FROM json_each($1) AS j
CROSS JOIN recipient AS r ON r.person = j.value ->> 0 AND r.mailbox = j.value ->> 1";

const LOAD: &str = "SELECT id, person, address, name, language FROM recipient
WHERE id IN (SELECT value FROM json_each($1))";

impl People {
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The numbers of these recipients, in their order; who is new gets one.
    pub(super) async fn refer(
        &mut self,
        db: &mut SqliteConnection,
        recipients: &[Recipient],
    ) -> Result<Vec<i64>, Trouble> {
        let mut numbers = Vec::with_capacity(recipients.len());
        for chunk in recipients.chunks(CHUNK) {
            self.learn(db, chunk).await?;
            for recipient in chunk {
                let known = self.known.get(&key(recipient));
                let missing = || Trouble::Failed("a recipient got no number".into());
                numbers.push(known.ok_or_else(missing)?.number);
            }
        }
        Ok(numbers)
    }

    /// Inserts or updates those that are not known as they are.
    async fn learn(
        &mut self,
        db: &mut SqliteConnection,
        chunk: &[Recipient],
    ) -> Result<(), Trouble> {
        if self.known.len() > REMEMBERED {
            self.forget();
        }
        let mut new: HashMap<(String, String), &Recipient> = HashMap::new();
        let mut rows = Vec::new();
        for recipient in chunk {
            let key = key(recipient);
            let known = self.known.get(&key).map(|known| known.details);
            if known != Some(self.details(recipient)) {
                let Recipient { person, address, name, language } = recipient;
                let person = person.as_ref().map_or("", |person| &person.0);
                rows.push((person, address.key(), address, name, language));
                new.insert(key, recipient);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let rows = serde_json::to_string(&rows).map_err(|e| Trouble::Failed(e.to_string()))?;
        sqlx::query(INSERT).bind(&rows).execute(&mut *db).await?;
        let found: Vec<(String, String, i64)> =
            sqlx::query_as(NUMBERS).bind(&rows).fetch_all(&mut *db).await?;
        for (person, mailbox, number) in found {
            let key = (person, mailbox);
            if let Some(recipient) = new.get(&key) {
                let details = self.details(recipient);
                self.known.insert(key, Known { number, details });
            }
        }
        Ok(())
    }

    fn details(&self, recipient: &Recipient) -> u64 {
        self.hasher.hash_one((&recipient.address, &recipient.name, &recipient.language))
    }
}

fn key(recipient: &Recipient) -> (String, String) {
    let person = recipient.person.as_ref().map_or_else(String::new, |person| person.0.clone());
    (person, recipient.address.key())
}

/// Those of the numbers that are still known.
pub(super) async fn load(
    db: &mut SqliteConnection,
    numbers: &[i64],
) -> Result<HashMap<i64, Recipient>, Trouble> {
    let mut found = HashMap::with_capacity(numbers.len());
    let list = serde_json::to_string(numbers).map_err(|e| Trouble::Failed(e.to_string()))?;
    type Row = (i64, String, String, Option<String>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(LOAD).bind(list).fetch_all(db).await?;
    for (number, person, address, name, language) in rows {
        let address = Address::parse(&address)
            .map_err(|e| Trouble::Failed(format!("stored recipient {number}: {e}")))?;
        let person = (!person.is_empty()).then_some(PersonId(person));
        found.insert(number, Recipient { person, address, name, language });
    }
    Ok(found)
}
