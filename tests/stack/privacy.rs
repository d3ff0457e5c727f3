//! Promise 7 as a rule about what people saw, whatever the story: nobody is shown another member's address that she did
//! not get by its author's own hand.
//!
//! It knows nothing of the product: who is who stands in LDIF, what was written and shown are bytes. An address counts as
//! shown in whatever clothes: quoted-printable, base64, an encoded word, percent signs, or with `=` for `@` as in VERP.
//!
//! What may be shown to somebody:
//! - her own addresses, and in a mail those that stand in the mails that came in under its Message-ID;
//! - in a digest that for each mail in it, as if it had come by itself; around them what any of them may show;
//! - whatever she wrote herself;
//! - to those who look after a list, in letters and pages about it: what stands in the mail that waits (its Subject is in
//!   the letter), who else looks after the list ("who decided"), and who left it on her own page (they are asked to take
//!   her out of the group);
//! - to a domain's admins, not to owners: whose address is paused, in the letter that says how the pause ends.
//!
//! Replies in a dialogue show nothing but what the client said on that connection.

mod opened;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use data_encoding::{BASE64, Encoding, Specification};

use crate::mail;
use crate::talks::Talk;
use opened::opened;

/// Of a mail that much is looked at (octets): a file of megabytes is nobody's words.
const LOOKED_AT: usize = 256 * 1024;

/// Who is who.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// By DN: all addresses, in lower case.
    pub people: BTreeMap<String, BTreeSet<String>>,
    /// By the list's address: the addresses of all who look after it.
    pub keepers: BTreeMap<String, BTreeSet<String>>,
    /// Of the domain.
    pub admins: BTreeSet<String>,
}

/// What came to one person.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Her address, or the DN of whose mailbox it is.
    pub to: String,
    pub mail: Vec<u8>,
}

/// Everything that was seen of a story.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub registry: Registry,
    pub delivered: Vec<Delivered>,
    pub dialogues: Vec<Talk>,
    pub pages: Vec<Talk>,
}

impl Registry {
    /// Reads people and lists out of LDIF: entries, and changes that add to them.
    pub fn of(ldif: &str, admins: &[String]) -> Registry {
        let entries: Vec<Vec<(String, String)>> = ldif.split("\n\n").map(entry).collect();
        let mut registry =
            Registry { admins: admins.iter().cloned().collect(), ..Registry::default() };
        let values = |entry: &[(String, String)], name: &str| -> Vec<String> {
            let hits = entry.iter().filter(|(n, _)| n == name);
            hits.map(|(_, value)| value.to_lowercase()).collect()
        };
        for entry in &entries {
            let Some((dn, _)) = named(entry) else { continue };
            if dn.starts_with("uid=") {
                let addresses = entry.iter().filter(|(name, value)| {
                    value.contains('@') && !matches!(name.as_str(), "description" | "cn")
                });
                let known = registry.people.entry(dn).or_default();
                known.extend(addresses.map(|(_, value)| value.to_lowercase()));
            } else {
                // Whoever gets mail without an entry of her own.
                for attribute in ["gosamailforwardingaddress", "rfc822mailmember", "listexternal"] {
                    for address in values(entry, attribute) {
                        registry.people.entry(address.clone()).or_default().insert(address);
                    }
                }
            }
        }
        let of = |dn: &String| registry.people.get(dn).cloned().unwrap_or_default();
        let groups: BTreeMap<String, Vec<String>> = entries
            .iter()
            .filter_map(|entry| Some((named(entry)?.0, values(entry, "member"))))
            .collect();
        for entry in &entries {
            let mut keepers = registry.admins.clone();
            let named = [values(entry, "owner"), values(entry, "listmoderator")].concat();
            for dn in named {
                keepers.extend(of(&dn));
                keepers.extend(groups.get(&dn).into_iter().flatten().flat_map(&of));
            }
            for list in values(entry, "mail").into_iter().filter(|_| !is_person(entry)) {
                registry.keepers.entry(list).or_default().extend(keepers.clone());
            }
        }
        // A list that is on a list is nobody.
        let Registry { people, keepers, .. } = &mut registry;
        people.values_mut().for_each(|all| all.retain(|address| !keepers.contains_key(address)));
        registry
    }

    /// All addresses of whom an address belongs to, or a DN.
    fn own(&self, who: &str) -> BTreeSet<String> {
        let who = who.to_lowercase();
        if let Some(addresses) = self.people.get(&who) {
            return addresses.clone();
        }
        let hers = self.people.values().filter(|addresses| addresses.contains(&who));
        hers.flatten().cloned().chain([who.clone()]).collect()
    }

    fn everybody(&self) -> BTreeSet<&str> {
        self.people.values().flatten().map(String::as_str).collect()
    }
}

fn named(entry: &[(String, String)]) -> Option<(String, ())> {
    let (_, dn) = entry.iter().find(|(name, _)| name == "dn")?;
    Some((dn.to_lowercase().replace(", ", ","), ()))
}

fn is_person(entry: &[(String, String)]) -> bool {
    named(entry).is_some_and(|(dn, ())| dn.starts_with("uid="))
}

/// The lines of one entry, unfolded, with names in lower case.
fn entry(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\n ", "");
    let line = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let value = match value.strip_prefix(':') {
            Some(coded) => {
                String::from_utf8_lossy(&BASE64.decode(coded.trim().as_bytes()).ok()?).into_owned()
            }
            None => value.trim().to_owned(),
        };
        Some((name.to_lowercase(), value))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
}

impl Evidence {
    /// Every address that somebody saw and should not have, in words.
    pub fn leaks(&self) -> Vec<String> {
        let everybody = self.registry.everybody();
        let inputs: Vec<Input> =
            self.dialogues.iter().flat_map(|talk| transactions(&talk.said)).collect();
        let mut leaks = Vec::new();
        for Delivered { to, mail } in &self.delivered {
            for piece in opened(mail) {
                let views = views(&piece.mail);
                let about = || {
                    let field = |name| mail::header(&piece.mail, name);
                    format!("the mail {} ({})", field("Message-ID"), field("Subject"))
                };
                let shown = shown(&views, &everybody);
                for address in self.leaked(to, &piece.of, &views, &shown, &inputs) {
                    leaks.push(format!("{to} got {address} in {}", about()));
                }
            }
        }
        for talk in &self.dialogues {
            let said = shown(&views(&talk.said), &everybody);
            for address in shown(&views(&talk.heard), &everybody).difference(&said) {
                let heard = String::from_utf8_lossy(&talk.heard);
                leaks.push(format!("a client heard {address} in {:?}", line_with(&heard, address)));
            }
        }
        for page in &self.pages {
            let path = page.path.clone().unwrap_or_default();
            let allowed = self.allowed_on_page(page, &path, &inputs, &everybody);
            for address in shown(&views(&page.heard), &everybody).difference(&allowed) {
                leaks.push(format!("the page {path} shows {address}"));
            }
        }
        leaks
    }

    /// What a mail shows its reader that it should not; `of` are the Message-IDs of the mails that it is.
    fn leaked(
        &self,
        to: &str,
        of: &[String],
        views: &[String],
        shown: &BTreeSet<String>,
        inputs: &[Input],
    ) -> BTreeSet<String> {
        if shown.is_empty() {
            return BTreeSet::new();
        }
        let own = self.registry.own(to);
        let same = inputs.iter().filter(|input| !input.id.is_empty() && of.contains(&input.id));
        let written: BTreeSet<&String> = same.flat_map(Input::shows).chain(&own).collect();
        let left: BTreeSet<String> =
            shown.iter().filter(|address| !written.contains(address)).cloned().collect();
        // The copies of a whole town need no further look.
        match left.is_empty() {
            true => left,
            false => &left - &self.by_role(&own, views, inputs),
        }
    }

    /// Whom the link was sent to decides what the page may show: what may stand in the letter with it.
    fn allowed_on_page(
        &self,
        page: &Talk,
        path: &str,
        inputs: &[Input],
        everybody: &BTreeSet<&str>,
    ) -> BTreeSet<String> {
        let mut allowed = shown(&views(&page.said), everybody);
        let token = path.rsplit('/').next().filter(|token| token.len() > 20);
        for delivered in self.delivered.iter().filter(|_| token.is_some()) {
            let letter = views(&delivered.mail);
            if letter.iter().any(|view| view.contains(token.unwrap_or_default())) {
                let own = self.registry.own(&delivered.to);
                allowed.extend(self.by_role(&own, &letter, inputs));
                allowed.extend(own);
            }
        }
        allowed
    }

    /// What somebody may see in what is written about mails to a list: what she wrote herself; where she looks after the
    /// list, the mails of which this is, and who else looks after it.
    fn by_role(
        &self,
        own: &BTreeSet<String>,
        views: &[String],
        inputs: &[Input],
    ) -> BTreeSet<String> {
        let names = |text: &str| !text.is_empty() && views.iter().any(|view| view.contains(text));
        let kept = self.registry.keepers.iter().filter(|(list, keepers)| {
            let local = list.split('@').next().unwrap_or_default();
            let at = |after: &str| names(&format!("{local}{after}"));
            !keepers.is_disjoint(own) && (at("@") || at("-owner@") || at("-confirm+"))
        });
        let kept: Vec<&BTreeSet<String>> = kept.map(|(_, keepers)| keepers).collect();
        let mut allowed: BTreeSet<String> = BTreeSet::new();
        for input in inputs {
            let hers = !own.is_disjoint(&input.by);
            let of_this = !kept.is_empty() && names(&input.subject);
            if hers || of_this {
                allowed.extend(input.shows().clone());
            }
        }
        if !kept.is_empty() {
            allowed.extend(self.by_own_hand());
        }
        allowed.extend(kept.into_iter().flatten().cloned());
        if !self.registry.admins.is_disjoint(own) {
            allowed.extend(views.iter().flat_map(|view| paused(view)));
        }
        allowed
    }

    /// Who did something on a page of her own: the link stands in a mail of hers.
    fn by_own_hand(&self) -> BTreeSet<String> {
        let own = |talk: &Talk| {
            let path = talk.path.as_deref().filter(|_| talk.said.starts_with(b"POST "))?;
            let token = path.strip_prefix("/u/").or_else(|| path.strip_prefix("/o/"))?;
            let has = |delivered: &&Delivered| {
                token.len() > 20 && views(&delivered.mail).iter().any(|view| view.contains(token))
            };
            self.delivered.iter().find(has).map(|delivered| self.registry.own(&delivered.to))
        };
        self.pages.iter().filter_map(own).flatten().collect()
    }
}

/// A mail as it came in.
struct Input {
    /// Its Message-ID, with brackets, in lower case.
    id: String,
    subject: String,
    /// Envelope sender and From.
    by: BTreeSet<String>,
    piece: Vec<u8>,
    shows: OnceCell<BTreeSet<String>>,
}

/// What was said on a connection, mail by mail.
fn transactions(said: &[u8]) -> Vec<Input> {
    let starts: Vec<usize> = said
        .windows(10)
        .enumerate()
        .filter(|(_, w)| *w == b"MAIL FROM:")
        .map(|(at, _)| at)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([said.len()]);
    let pieces = starts.iter().zip(ends).filter_map(|(start, end)| said.get(*start..end));
    pieces.map(input).collect()
}

fn input(piece: &[u8]) -> Input {
    let letter = letter(piece);
    let field = |name: &str| mail::header(&letter, name);
    let envelope = String::from_utf8_lossy(piece.split(|b| *b == b'\n').next().unwrap_or_default());
    let by = [decoded(&field("From")).to_lowercase(), envelope.to_lowercase()];
    Input {
        id: field("Message-ID").to_lowercase(),
        subject: decoded(&field("Subject")).to_lowercase(),
        by: by.iter().flat_map(|text| addresses(text)).collect(),
        piece: piece.to_vec(),
        shows: OnceCell::new(),
    }
}

impl Input {
    /// All addresses in it and in its envelope. Most are asked by nobody.
    fn shows(&self) -> &BTreeSet<String> {
        self.shows.get_or_init(|| {
            let mut all = views(&self.piece);
            if let Cow::Owned(whole) = letter(&self.piece) {
                all.extend(views(&whole));
            }
            all.iter().flat_map(|view| addresses(view)).collect()
        })
    }
}

/// The mail of a transaction: behind DATA, or put together from its chunks (RFC 3030).
fn letter(piece: &[u8]) -> Cow<'_, [u8]> {
    let at = |word: &[u8]| piece.windows(word.len()).position(|window| window == word);
    let (data, chunk) = (at(b"\nDATA\r\n"), at(b"\nBDAT "));
    let Some(start) = chunk.filter(|chunk| data.is_none_or(|data| *chunk < data)) else {
        return piece.get(data.map_or(0, |at| at + 7)..).unwrap_or_default().into();
    };
    let (mut whole, mut rest) = (Vec::new(), piece.get(start + 1..).unwrap_or_default());
    while let Some(behind) = rest.strip_prefix(b"BDAT ") {
        let line = behind.iter().position(|b| *b == b'\n').unwrap_or(behind.len());
        let (size, chunk) = behind.split_at(line);
        let digits: Vec<u8> = size.iter().take_while(|b| b.is_ascii_digit()).copied().collect();
        let size: usize = String::from_utf8_lossy(&digits).parse().unwrap_or(0);
        let chunk = chunk.get(1..).unwrap_or_default();
        let (own, more) = chunk.split_at(size.min(chunk.len()));
        whole.extend_from_slice(own);
        rest = more;
    }
    whole.into()
}

fn line_with<'a>(text: &'a str, address: &str) -> &'a str {
    text.lines().find(|line| line.to_lowercase().contains(address)).unwrap_or(text)
}

/// Whose addresses are shown in any of the views.
fn shown(views: &[String], everybody: &BTreeSet<&str>) -> BTreeSet<String> {
    let all = views.iter().flat_map(|view| addresses(view));
    all.filter(|address| everybody.contains(address.as_str())).collect()
}

/// Of whose address it says how its pause ends.
fn paused(view: &str) -> BTreeSet<String> {
    let behind = view.split("listctl member resume ").skip(1);
    behind.flat_map(|text| addresses(text.lines().next().unwrap_or_default())).collect()
}

/// Everything that looks like an address, also with `=` or `%40` for `@`.
fn addresses(view: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_alphanumeric() || ".-_+'&/".contains(c);
    let mut found = BTreeSet::new();
    for (at, sign) in view.char_indices().filter(|(_, c)| matches!(c, '@' | '=')) {
        let (before, after) =
            (view.get(..at).unwrap_or_default(), view.get(at..).unwrap_or_default());
        let start = before.char_indices().rev().take_while(|(_, c)| is_part(*c)).last();
        let local = before.get(start.map_or(at, |(start, _)| start)..).unwrap_or_default();
        let rest = after.get(sign.len_utf8()..).unwrap_or_default();
        let ends = |c: char| !(c.is_alphanumeric() || c == '.' || c == '-');
        let end = rest.find(ends).unwrap_or(rest.len());
        let domain = rest.get(..end).unwrap_or_default().trim_end_matches(['.', '-']);
        // As it stands, and behind a `+` as in VERP.
        for local in [Some(local), local.rsplit('+').next()].into_iter().flatten() {
            let local = local.trim_start_matches(['.', '\'', '/']);
            if !local.is_empty() && domain.contains('.') {
                found.insert(format!("{local}@{domain}"));
            }
        }
    }
    found
}

/// The bytes as text in every coding that a mail or a page may have, in lower case.
fn views(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes).replace("\r\n ", " ").replace("\r\n\t", " ");
    let percent = coded(&text, b'%', "");
    let quoted = coded(&text, b'=', "=\r\n");
    let html =
        ["&#64;", "&#x40;", "&commat;"].iter().fold(quoted.clone(), |t, e| t.replace(e, "@"));
    let all = [decoded(&text), text.clone(), percent, quoted, html, base64(&text)];
    all.iter().map(|view| view.to_lowercase()).collect()
}

/// Two hexadecimal digits behind a sign become the octet; `soft` vanishes.
fn coded(text: &str, sign: u8, soft: &str) -> String {
    let text = if soft.is_empty() { text.to_owned() } else { text.replace(soft, "") };
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        let octet = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *byte == sign);
        out.push(octet.unwrap_or(*byte));
        at += if octet.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// With encoded words (RFC 2047) decoded.
pub fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("=?") {
        out.push_str(before);
        match word(behind) {
            Some((plain, after)) => {
                out.push_str(&plain);
                rest = after;
            }
            None => rest = behind,
        }
    }
    out + rest
}

/// An encoded word behind its `=?`, and what follows it.
fn word(text: &str) -> Option<(String, &str)> {
    let (_charset, rest) = text.split_once('?')?;
    let (coding, rest) = rest.split_once('?')?;
    let (word, rest) = rest.split_once("?=")?;
    let plain = match coding {
        "b" | "B" => lenient(word),
        "q" | "Q" => coded(&word.replace('_', " "), b'=', ""),
        _ => return None,
    };
    Some((plain, rest))
}

/// Every run of lines that may be base64, decoded.
fn base64(text: &str) -> String {
    let is_coded = |line: &&str| {
        line.len() >= 4 && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    };
    let (mut out, mut run) = (String::new(), String::new());
    for line in text.lines().chain([""]) {
        if is_coded(&line) {
            run.push_str(line);
        } else if !run.is_empty() {
            out.push_str(&lenient(&run));
            out.push('\n');
            run.clear();
        }
    }
    out
}

/// Padding or not, whole or not.
fn lenient(text: &str) -> String {
    let mut plain = Specification::new();
    plain.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    plain.check_trailing_bits = false;
    let Ok(plain): Result<Encoding, _> = plain.encoding() else { return String::new() };
    let text = text.trim_end_matches('=');
    let whole = text.len() - usize::from(text.len() % 4 == 1);
    let bytes = plain.decode(text.get(..whole).unwrap_or_default().as_bytes());
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
