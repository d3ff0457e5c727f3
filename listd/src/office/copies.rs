//! The copies that a mail would become, for `listctl simulate`: one for each edition, and what was changed in it.

use bytes::Bytes;
use listcore::api;
use listcore::list::Copies;
use listcore::recipients::Recipient;
use listcore::rewrite::Edition;
use listcore::time::Timestamp;

use crate::compose::Composer;
use crate::control::{Answer, Problem};
use crate::delivery::{Can, Copy, Payload};
use crate::scheduler::{NoCopy, Render};
use crate::store::{Body, MailId, NewPost, RecipientRef, StoredPost};

/// As Exim can.
const RELAY: Can = Can { eight_bit: true, utf8: true, chunking: true, size: None };

/// Each different copy that would go out. Personal copies of one edition differ in the recipient only: the first
/// stands for all. `plain`: who wishes for plain text. With `diff`, what was changed in each.
pub fn of(
    composer: &Composer,
    post: &NewPost,
    mail: &Bytes,
    plain: &dyn Fn(&Recipient) -> bool,
    diff: bool,
    now: Timestamp,
) -> Answer<Vec<api::SimulatedCopy>> {
    let stored = StoredPost {
        id: post.id,
        mail: MailId(0),
        message_id: String::new(),
        frozen: post.frozen.clone(),
        accepted: now,
        expires: post.expires,
        size: mail.len() as u64,
    };
    let editions = by_edition(composer, post, plain);
    let copy = |(edition, to): (Edition, Vec<Recipient>)| {
        one(composer, &stored, mail, &edition, &to, now, diff)
    };
    editions.into_iter().map(copy).collect()
}

/// The recipients of each edition, in the order of the list; without those who want no copy of this mail.
fn by_edition(
    composer: &Composer,
    post: &NewPost,
    plain: &dyn Fn(&Recipient) -> bool,
) -> Vec<(Edition, Vec<Recipient>)> {
    let mut editions: Vec<(Edition, Vec<Recipient>)> = Vec::new();
    for who in post.recipients.iter().filter(|who| post.frozen.spares(who).is_none()) {
        let edition = composer.edition(&post.frozen, who, plain(who));
        match editions.iter_mut().find(|(known, _)| *known == edition) {
            Some((_, readers)) => readers.push(who.clone()),
            None => editions.push((edition, vec![who.clone()])),
        }
    }
    editions
}

fn one(
    composer: &Composer,
    stored: &StoredPost,
    mail: &Bytes,
    edition: &Edition,
    readers: &[Recipient],
    now: Timestamp,
    diff: bool,
) -> Answer<api::SimulatedCopy> {
    let body = Body::Memory(mail.clone());
    let variant = composer.variant(stored, &body, &RELAY, edition).map_err(no_copy)?;
    let readers = readers.iter().map(|r| (RecipientRef(0), r.clone()));
    let to: Vec<(RecipientRef, Recipient)> = match stored.frozen.settings.copies {
        Copies::Personal => readers.take(1).collect(),
        Copies::Shared => readers.collect(),
    };
    let copy = composer.copy(&variant, &to, now).map_err(no_copy)?;
    let octets = octets(&copy)?;
    let changes = match diff {
        true => Some(changes(composer, stored, mail, edition, &octets)?),
        false => None,
    };
    Ok(api::SimulatedCopy {
        sender: copy.sender.map(|sender| sender.to_string()).unwrap_or_default(),
        to: copy.recipients.iter().map(ToString::to_string).collect(),
        language: edition.language.clone(),
        plain: edition.plain,
        mail: data_encoding::BASE64.encode(&octets),
        changes,
    })
}

fn changes(
    composer: &Composer,
    stored: &StoredPost,
    mail: &Bytes,
    edition: &Edition,
    copy: &[u8],
) -> Answer<api::SimulatedChanges> {
    let record = composer.changes(stored, mail, &RELAY, edition, copy).map_err(no_copy)?;
    let torn = |e| Problem::trouble(format!("the record is broken: {e}"), "Please report this.");
    let diff = record.diff(copy).map_err(torn)?;
    Ok(api::SimulatedChanges { diff, record })
}

fn octets(copy: &Copy) -> Answer<Vec<u8>> {
    match &copy.body {
        Payload::Memory(rest) => Ok([copy.head.as_ref(), rest.as_ref()].concat()),
        Payload::File { .. } | Payload::Pieces(_) => {
            Err(Problem::trouble("the copy is not in memory", "Please report this."))
        }
    }
}

fn no_copy(why: NoCopy) -> Problem {
    let why = match why {
        NoCopy::Never(reply) => format!("{} {}", reply.code, reply.text),
        NoCopy::Later(why) => why,
    };
    Problem::trouble(
        format!("no copy can be made: {why}"),
        "The mail would be accepted and fail for all recipients.",
    )
}
