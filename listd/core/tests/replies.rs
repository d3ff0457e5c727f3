//! Who gets an answer: a mail program's Reply, Reply all and Reply to list, worked out by the programs' own rules from
//! the header of a copy, for every `reply_to` and `from`. The programs' rules stand here, not the product's.

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

use listcore::rewrite::{BodyOf, Frozen, Ours, copy_head};

const LIST: &str = "klasse-5b@schule.example";
const ANNA: &str = "anna@gmx.example";
const WORK: &str = "anna@work.example";
const OFFICE: &str = "office@schule.example";
const BERT: &str = "bert@gmx.example";

/// The fields that a mail program looks at when somebody answers.
struct Seen {
    from: Vec<String>,
    reply_to: Vec<String>,
    others: Vec<String>,
    post: Option<String>,
}

/// A field's value on one line; empty where there is none.
fn field(head: &str, name: &str) -> String {
    let unfolded = head.replace("\r\n ", " ");
    let fields = unfolded.split("\r\n").filter_map(|line| line.split_once(':'));
    fields.filter(|(n, _)| *n == name).map(|(_, v)| v.trim().to_owned()).next().unwrap_or_default()
}

/// The addresses of a field; no name in these mails has a comma.
fn addresses(head: &str, name: &str) -> Vec<String> {
    let value = field(head, name);
    let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
    let bare =
        |item: &str| item.rsplit('<').next().unwrap_or(item).trim_end_matches('>').to_owned();
    items.map(bare).collect()
}

impl Seen {
    fn of(head: &[u8]) -> Seen {
        let head = String::from_utf8(head.to_vec()).expect("ASCII");
        let post = field(&head, "List-Post");
        Seen {
            from: addresses(&head, "From"),
            reply_to: addresses(&head, "Reply-To"),
            others: [addresses(&head, "To"), addresses(&head, "Cc")].concat(),
            post: post.strip_prefix("<mailto:").map(|p| p.trim_end_matches('>').to_owned()),
        }
    }

    /// Reply as RFC 5322 3.6.2 has it, and Gmail, Apple Mail and Outlook do.
    fn reply(&self) -> Vec<String> {
        if self.reply_to.is_empty() { self.from.clone() } else { self.reply_to.clone() }
    }

    /// Thunderbird (`mail.override_list_reply_to`): a Reply-To that is the list's own address was put there by the list,
    /// and Reply goes to From instead.
    fn thunderbird(&self) -> Vec<String> {
        match (&self.post, self.reply_to.as_slice()) {
            (Some(post), [only]) if only == post => self.from.clone(),
            _ => self.reply(),
        }
    }

    /// Reply all: the above, To and Cc, each once, without the reader.
    fn all(&self, reader: &str) -> Vec<String> {
        let mut all = self.reply();
        all.extend(self.others.iter().cloned());
        all.retain(|a| a != reader);
        all.sort();
        all.dedup();
        all
    }
}

fn seen(settings: &str, own: Option<&str>) -> Seen {
    let reply_to = own.map(|a| format!("Reply-To: <{a}>\r\n")).unwrap_or_default();
    let raw = format!(
        "From: Anna Oez <{ANNA}>\r\n{reply_to}To: {LIST}\r\nCc: {BERT}\r\nSubject: x\r\n\
         Date: Sun, 22 Nov 2026 11:59:57 +0100\r\nMessage-ID: <1@gmx.example>\r\n\r\n"
    );
    let frozen = format!(
        r#"{{"kind": "List", "list": "1", "address": "{LIST}", "name": "klasse-5b", "description": "Klasse 5b",
        "domain": "schule.example", "settings": {settings}, "help_url": null, "language": "de",
        "received": "Received: x\r\n", "add_message_id": null, "add_date": null}}"#
    );
    let frozen: Frozen = serde_json::from_str(&frozen).expect(settings);
    let ours = Ours {
        signs_for: &|d| d == "schule.example",
        authserv_ids: &[],
        body: BodyOf::Original,
        utf8: true,
    };
    Seen::of(&copy_head(raw.as_bytes(), &frozen, &ours).expect("a copy").bytes)
}

/// One row: settings, the author's own Reply-To, and who gets Reply, Thunderbird's Reply, and Bert's Reply all.
type Row = (
    &'static str,
    Option<&'static str>,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

/// P1, P2, F6: with the default a private answer stays private, whoever is in From; asked for, answers go elsewhere.
#[test]
fn answers_go_where_the_list_says() {
    let rows: [Row; 14] = [
        (r#"{"reply_to": "author", "from": "rewrite"}"#, None, &[ANNA], &[ANNA], &[ANNA, LIST]),
        (r#"{"reply_to": "author", "from": "keep"}"#, None, &[ANNA], &[ANNA], &[ANNA, LIST]),
        (
            r#"{"reply_to": "author", "from": "rewrite"}"#,
            Some(WORK),
            &[WORK],
            &[WORK],
            &[ANNA, WORK, LIST],
        ),
        (r#"{"reply_to": "author", "from": "keep"}"#, Some(WORK), &[WORK], &[WORK], &[WORK, LIST]),
        (r#"{"reply_to": "list", "from": "rewrite"}"#, None, &[LIST], &[LIST], &[ANNA, LIST]),
        (r#"{"reply_to": "list", "from": "keep"}"#, None, &[LIST], &[ANNA], &[LIST]),
        (r#"{"reply_to": "list", "from": "rewrite"}"#, Some(WORK), &[LIST], &[LIST], &[ANNA, LIST]),
        (r#"{"reply_to": "list", "from": "keep"}"#, Some(WORK), &[LIST], &[ANNA], &[LIST]),
        (
            r#"{"reply_to": "both", "from": "rewrite"}"#,
            None,
            &[ANNA, LIST],
            &[ANNA, LIST],
            &[ANNA, LIST],
        ),
        (
            r#"{"reply_to": "both", "from": "keep"}"#,
            None,
            &[ANNA, LIST],
            &[ANNA, LIST],
            &[ANNA, LIST],
        ),
        (
            r#"{"reply_to": "both", "from": "rewrite"}"#,
            Some(WORK),
            &[WORK, LIST],
            &[WORK, LIST],
            &[ANNA, WORK, LIST],
        ),
        (r#"{"reply_to": "both", "from": "keep"}"#, Some(LIST), &[LIST], &[ANNA], &[LIST]),
        (
            r#"{"reply_to": {"address": "office@schule.example"}, "from": "rewrite"}"#,
            None,
            &[OFFICE],
            &[OFFICE],
            &[ANNA, LIST, OFFICE],
        ),
        (
            r#"{"reply_to": {"address": "office@schule.example"}, "from": "keep"}"#,
            None,
            &[OFFICE],
            &[OFFICE],
            &[LIST, OFFICE],
        ),
    ];
    for (settings, own, reply, thunderbird, all) in rows {
        let seen = seen(settings, own);
        assert_eq!(seen.reply(), reply, "Reply: {settings} {own:?}");
        assert_eq!(seen.thunderbird(), thunderbird, "Thunderbird's Reply: {settings} {own:?}");
        assert_eq!(seen.all(BERT), all, "Reply all: {settings} {own:?}");
        assert_eq!(seen.post.as_deref(), Some(LIST), "Reply to list: {settings}");
    }
}

/// P3, F6: whatever is set, the author can be answered alone: the address stands in From, Reply-To, To or Cc.
#[test]
fn the_author_can_always_be_reached() {
    for reply_to in
        [r#""author""#, r#""list""#, r#""both""#, r#"{"address": "office@schule.example"}"#]
    {
        for from in ["rewrite", "keep"] {
            for own in [None, Some(WORK), Some(LIST)] {
                let seen = seen(&format!(r#"{{"reply_to": {reply_to}, "from": "{from}"}}"#), own);
                let reach = [seen.from, seen.reply_to, seen.others].concat();
                assert!(reach.iter().any(|a| a == ANNA), "{reply_to} {from} {own:?}: {reach:?}");
            }
        }
    }
}

/// H4: on a list where only owners write, Reply to list has no address to write to.
#[test]
fn an_announce_list_takes_no_answers() {
    let seen = seen(r#"{"post": [], "reply_to": {"address": "office@schule.example"}}"#, None);
    assert_eq!((seen.reply(), seen.post), (vec![OFFICE.to_owned()], None));
}
