//! What strangers write: mails, their headers, their parts, and the words in them.

use std::ops::Range;

use listcore::address::Address;
use listcore::answer::{self, Asked, SENTENCE, Said};
use listcore::command::{self, Command, Day};
use listcore::list::{AuthorAddress, List, ListId, Settings};
use listcore::message::fields::{fields, split};
use listcore::message::loops::{Marks, loops};
use listcore::message::parts::{Piece, pieces};
use listcore::message::{Lines, Mail, automatic, lines, params, received};
use listcore::notice::{About, MAX_REPLY, refusal};
use listcore::policy::{
    Author, Decision, Facts, Others, Pace, Refusal, Remembered, Shown, Standing, Unproven,
    Verified, decide,
};
use listcore::rewrite::{
    BodyOf, Frozen, Hidden, Ours, PostKind, Unsendable, copy_head, to_seven_bit, wrap_lines,
};
use listcore::scan::Finding;
use listcore::storm::Storm;
use listcore::time::{Local, Timestamp};

use super::text;

const LIST: &str = "klasse-5b@schule.example";
const NOW: Timestamp = Timestamp(1_795_309_323_000);

fn list_address() -> Address {
    Address::parse(LIST).expect("an address")
}

/// Reads the header and everything that is decided by it.
pub fn mail(raw: &[u8]) {
    let Ok(mail) = Mail::parse(raw) else { return };
    let head = &mail.head;
    assert!(raw.starts_with(head) && mail.head_len() == split(raw));
    let mut end = 0;
    for field in &mail.fields {
        assert_eq!(field.whole.start, end, "fields stand one behind the other");
        end = field.whole.end;
        for Range { start, end } in [field.name.clone(), field.value.clone()] {
            assert!(field.whole.start <= start && start <= end && end <= field.whole.end);
        }
    }
    assert!(end <= head.len());
    if let Some(id) = &mail.message_id {
        assert!(!id.chars().any(|c| c.is_whitespace() || c.is_control()));
    }
    assert!(mail.top_received.iter().all(|line| !line.contains(['\r', '\n'])));
    let client = received::client(mail.top_received.as_deref().unwrap_or_default());
    let words = [&client.name, &client.helo, &client.id];
    let sound = |word: &String| word.len() <= 255 && word.chars().all(|c| c.is_ascii_graphic());
    assert!(words.into_iter().flatten().all(sound), "{client:?}");
    verdicts(&mail, raw.len() as u64);
}

/// A reply says what fits its question, and an empty sender says nothing.
pub fn answer(raw: &[u8]) {
    let Ok(mail) = Mail::parse(raw) else { return };
    for asked in [Asked::Confirm, Asked::Moderate, Asked::Withdraw, Asked::Admit] {
        assert!(answer::read(raw, &mail, true, asked).is_err());
        let fits = match answer::read(raw, &mail, false, asked) {
            Ok(Said::Yes | Said::No) => asked == Asked::Confirm,
            Ok(Said::Withdraw) => asked == Asked::Withdraw,
            Ok(Said::Reject(why)) => {
                let clean = |c: char| c == '\n' || !c.is_control();
                matches!(asked, Asked::Moderate | Asked::Admit)
                    && why.chars().count() <= SENTENCE
                    && why.chars().all(clean)
            }
            Ok(Said::Accept) => matches!(asked, Asked::Moderate | Asked::Admit),
            Ok(Said::Always | Said::Discard | Said::Spam) => asked == Asked::Moderate,
            Err(_) => true,
        };
        assert!(fits, "{asked:?}");
    }
}

/// A command is one of ours; a pause ends on a day that there is, soon and not today.
pub fn command(raw: &[u8]) {
    let today = Local { year: 2026, month: 11, day: 22, weekday: 7, hour: 2, minute: 2 };
    let said = Mail::parse(raw).ok().and_then(|mail| command::read(raw, &mail, &today));
    let lines = text(raw);
    let lines = lines.lines().take(50).map(|line| command::line(line, &today));
    for said in lines.chain([said]).flatten() {
        if let Command::Mute(Some(end)) = said {
            assert!(end > Day { year: 2026, month: 11, day: 22 }, "{end:?}");
            assert!(end < Day { year: 2028, month: 12, day: 1 }, "{end:?}");
            assert!((1..=12).contains(&end.month) && (1..=31).contains(&end.day), "{end:?}");
        }
    }
}

/// What policy says to this mail from a member: nothing malformed, looping or unproven passes.
fn verdicts(mail: &Mail, size: u64) {
    let list = List {
        id: ListId("5b".to_owned()),
        dn: "cn=5b,dc=x".to_owned(),
        address: list_address(),
        aliases: Vec::new(),
        name: "klasse-5b".to_owned(),
        description: String::new(),
        settings: Settings::default(),
        expires: None,
    };
    let addresses = [list_address()];
    let marks = Marks {
        list_id: Some("klasse-5b.schule.example"),
        addresses: &addresses,
        max_received: 100,
    };
    for verified in [Verified::Dkim("schule.example".to_owned()), Verified::No(Unproven::Nothing)] {
        let author = mail
            .author()
            .map(|a| Author { address: a.address.clone(), verified: verified.clone() });
        let facts = Facts {
            kind: PostKind::List,
            list: &list,
            now: NOW,
            size,
            looped: loops(mail, &marks),
            automatic: automatic(mail, false),
            malformed: mail.malformed(),
            finding: &Finding::Clean,
            author,
            others: Others::Nobody,
            standing: Standing { member: true, ..Standing::default() },
            remembered: Remembered::default(),
            shown: Shown::default(),
            pace: Pace::Fine,
            storm: Storm::Calm,
            approved: false,
        };
        if decide(&facts).decision == Decision::Distribute {
            assert!(
                facts.looped.is_none() && facts.automatic.is_none() && facts.malformed.is_none()
            );
            assert!(facts.author.is_some() && !matches!(verified, Verified::No(_)), "promise 8");
        }
    }
}

/// Rewrites the header: what goes out has no line that may not, one of each field, and nothing injected.
pub fn head(raw: &[u8]) {
    let raw = raw.get(..split(raw)).unwrap_or_default();
    let ids = ["mx.schule.example".to_owned()];
    for utf8 in [true, false] {
        let ours = Ours {
            signs_for: &|domain| domain == "schule.example",
            authserv_ids: &ids,
            body: BodyOf::Original,
            utf8,
        };
        match copy_head(raw, &frozen(), &ours) {
            Ok(head) => head_is_sound(&head.bytes, utf8, head.needs_utf8, &head.from),
            Err(Unsendable::Malformed(why)) => {
                let mail = Mail::parse(raw);
                assert!(mail.is_err() || mail.is_ok_and(|mail| mail.malformed() == Some(why)));
            }
            Err(Unsendable::NeedsUtf8) => assert!(!utf8),
            Err(other) => panic!("{other}"),
        }
        hidden_head(raw, &ours);
    }
}

/// GD3: where the author is hidden, no field that people read shows the address.
fn hidden_head(raw: &[u8], ours: &Ours<'_>) {
    let mail = Mail::parse(raw);
    let Some(author) = mail.as_ref().ok().and_then(Mail::author) else { return };
    let relay = Address::parse("klasse-5b-author+abc@schule.example").expect("an address");
    let mut frozen = frozen();
    frozen.settings.author_address = AuthorAddress::Hidden;
    frozen.hidden = Some(Hidden {
        relay: relay.clone(),
        name: author.name.clone(),
        addresses: vec![author.address.clone()],
        answers: None,
        ids: Vec::new(),
    });
    let Ok(head) = copy_head(raw, &frozen, ours) else { return };
    assert_eq!(head.from, relay);
    head_is_sound(&head.bytes, ours.utf8, head.needs_utf8, &head.from);
    let copy = Mail::parse(&head.bytes).expect("our own head");
    let people = copy.from.iter().chain(&copy.to).chain(&copy.reply_to);
    assert!(!people.into_iter().any(|shown| shown.address.same_as(&author.address)));
}

fn head_is_sound(head: &[u8], utf8: bool, needs_utf8: bool, from: &Address) {
    let found = lines(head);
    let expect = Lines { longest: found.longest, eight_bit: needs_utf8, bare: false, nul: false };
    assert_eq!(found, expect);
    assert!(found.longest <= 998 && head.ends_with(b"\r\n") && (utf8 || !needs_utf8));
    assert_eq!(split(head), head.len(), "no empty line, so nothing falls into the body");
    let names: Vec<String> =
        fields(head).iter().map(|field| text(field.name(head)).to_ascii_lowercase()).collect();
    assert!(fields(head).iter().all(|field| field.valid));
    let count = |name: &str| names.iter().filter(|have| *have == name).count();
    for once in
        ["from", "message-id", "date", "list-id", "list-post", "list-unsubscribe", "precedence"]
    {
        assert_eq!(count(once), 1, "{once}: {}", text(head));
    }
    for gone in ["bcc", "return-path", "disposition-notification-to", "x-spam-status"] {
        assert_eq!(count(gone), 0, "{gone}: {}", text(head));
    }
    let again = Mail::parse(head).expect("our own head");
    assert_eq!(again.malformed(), None);
    assert_eq!(again.author().map(|author| &author.address), Some(from));
}

pub(super) fn frozen() -> Frozen {
    Frozen {
        description: "Klasse 5b \u{e4}".to_owned(),
        settings: Settings { subject_tag: "[5b \u{e4}]".to_owned(), ..Settings::default() },
        language: "de".to_owned(),
        received: "Received: from mx by lists with LMTP; Thu, 01 Jan 1970 00:00:00 +0000\r\n"
            .to_owned(),
        add_message_id: Some("<new@schule.example>".to_owned()),
        add_date: Some("Thu, 01 Jan 1970 00:00:00 +0000".to_owned()),
        ..Frozen::new(PostKind::List, ListId("5b".to_owned()), list_address())
    }
}

/// Encodes bodies that can't stay: once is enough, and what need not change does not.
pub fn body(raw: &[u8]) {
    let before = lines(raw.get(split(raw)..).unwrap_or_default());
    let wrapped = wrap_lines(raw);
    if before.longest <= 998 {
        assert_eq!(wrapped, Ok(None), "promise 9: the body stays as it is");
    }
    if let Ok(Some(new)) = &wrapped {
        assert!(lines(new.get(split(new)..).unwrap_or_default()).longest <= 998);
        assert_eq!(wrap_lines(new), Ok(None), "once is enough");
        untouched(raw, new, |bytes| lines(bytes).longest <= 998);
    }
    if let Ok(Some(new)) = &to_seven_bit(raw) {
        let found = lines(new.get(split(new)..).unwrap_or_default());
        assert!(found.longest <= 998 && !found.eight_bit);
        assert_eq!(to_seven_bit(new), Ok(None), "once is enough");
        untouched(raw, new, |bytes| lines(bytes).longest <= 998 && bytes.is_ascii());
    }
    if let Ok(Some(new)) = wrapped {
        assert!(new.len() <= 8 * raw.len() + 4_000, "no bomb");
    }
}

/// The parts of a multipart stay as many, and those that are sound stay byte for byte.
fn untouched(raw: &[u8], new: &[u8], sound: impl Fn(&[u8]) -> bool) {
    let (head, body) = raw.split_at(split(raw));
    let (new_head, new_body) = new.split_at(split(new));
    let kind = |head: &[u8]| {
        let field = fields(head).into_iter().find(|field| field.is(head, "Content-Type"));
        params::content_type(field.map(|field| field.value(head).to_vec()).as_deref())
    };
    let (old_kind, new_kind) = (kind(head), kind(new_head));
    let boundary =
        |params: &[(String, String)]| params::param(params, "boundary").map(str::to_owned);
    let Some(boundary) = boundary(&old_kind.1).filter(|b| !b.is_empty()) else { return };
    if !old_kind.0.starts_with("multipart/") || new_kind != old_kind {
        return;
    }
    // An encoded multipart is one leaf for us: in quoted-printable its boundaries still stand there, in base64 none does.
    let encoding = fields(head).into_iter().find(|f| f.is(head, "Content-Transfer-Encoding"));
    let encoding = encoding.map(|field| text(field.value(head)).to_ascii_lowercase());
    if encoding.is_some_and(|e| e.contains("quoted-printable") || e.contains("base64")) {
        return;
    }
    let (old, new) = (pieces(body, &boundary), pieces(new_body, &boundary));
    let parts = |all: &[Piece], body: &[u8]| -> Vec<Vec<u8>> {
        let part = |piece: &Piece| match piece {
            Piece::Part(range) => body.get(range.clone()).map(<[u8]>::to_vec),
            _ => None,
        };
        all.iter().filter_map(part).collect()
    };
    let (old, new) = (parts(&old, body), parts(&new, new_body));
    // So is one in an encoding that nobody knows.
    if new.is_empty() {
        return;
    }
    assert_eq!(old.len(), new.len(), "no part comes or goes");
    for (old, new) in old.iter().zip(&new).filter(|(old, _)| sound(old)) {
        assert!(
            new.starts_with(old) && new.len() <= old.len() + 2,
            "{:?} became {:?}",
            text(old),
            text(new)
        );
    }
}

/// What Authentication-Results fields prove, and who they claim to be from.
pub fn auth_results(value: &[u8]) {
    let trusted = ["mx.schule.example".to_owned()];
    let one_line: Vec<u8> =
        value.iter().copied().filter(|octet| !b"\r\n".contains(octet)).collect();
    let raw =
        [b"Authentication-Results: ", one_line.as_slice(), b"\r\nReceived: by x\r\n\r\n"].concat();
    let Ok(mail) = Mail::parse(&raw) else { return };
    let found = listcore::message::auth_results(&mail, &trusted);
    if found != Default::default() {
        let field = mail.values("Authentication-Results").next().expect("the field");
        assert!(
            listcore::message::auth_results::claims(field, &trusted),
            "T8: what counts is known as ours"
        );
        // Nothing is proved that the field does not name.
        let said = text(&one_line).to_lowercase();
        assert!(said.contains("pass"));
    }
    let nobody = [b"Received: by x\r\n", raw.as_slice()].concat();
    let nothing = Mail::parse(&nobody).map(|mail| listcore::message::auth_results(&mail, &trusted));
    assert_eq!(nothing, Ok(Default::default()), "below a Received anybody could have written it");
}

/// An address comes back from its wire form, and has nothing in it that ends a command or a field.
pub fn address(octets: &[u8]) {
    let Ok(address) = Address::parse(&text(octets)) else { return };
    let shown = address.to_string();
    assert!(!shown.chars().any(char::is_control));
    assert!((1..=64).contains(&address.local().len()) && address.domain().len() <= 255);
    assert!(address.domain().is_ascii() && !address.domain().contains(char::is_uppercase));
    assert_eq!(Address::parse(&shown).as_ref(), Ok(&address), "{shown}");
    let key = address.key().parse::<Address>();
    assert!(shown.starts_with('"') || key.is_ok_and(|key| key.same_as(&address)), "{shown}");
}

/// Address lists: each mailbox is an address, and there are never more of them than commas allow.
pub fn mailboxes(value: &[u8]) {
    let found = listcore::message::address::mailboxes(value);
    assert!(found.mailboxes.len() <= value.len() && found.mailboxes.len() <= 10_000);
    for mailbox in &found.mailboxes {
        let shown = mailbox.address.to_string();
        assert_eq!(Address::parse(&shown).as_ref(), Ok(&mailbox.address));
        let again = listcore::message::address::mailboxes(format!("<{shown}>").as_bytes());
        assert_eq!(again.mailboxes.first().map(|m| &m.address), Some(&mailbox.address), "{shown}");
        assert_eq!((again.mailboxes.len(), again.bad), (1, 0), "{shown}");
    }
}

/// Encoded words, dates and parameters.
pub fn words(value: &[u8]) {
    let decoded = listcore::message::text::decode(value);
    assert!(decoded.len() <= 8 * value.len() + 16, "no bomb");
    let _ = listcore::message::text::date(value);
    let (kind, _params) = params::content_type(Some(value));
    assert!(!kind.bytes().any(|octet| octet.is_ascii_uppercase()));
}

/// V5: whatever comes back, what is told of it is bounded and of one piece.
pub fn bounce(raw: &[u8]) {
    use listcore::bounce::{Class, Kind, MAX_RECIPIENTS, read};
    let bounce = read(raw);
    assert!(bounce.recipients.len() <= MAX_RECIPIENTS);
    let summary = bounce.summary();
    assert!(summary.len() <= 40 && summary.is_ascii() && !summary.chars().any(char::is_control));
    let told = matches!(bounce.kind, Kind::Bounce | Kind::Delayed);
    assert!(told || bounce.recipients.is_empty());
    for one in &bounce.recipients {
        // What is delayed is not over.
        assert!(bounce.kind != Kind::Delayed || one.class != Class::Hard, "{one:?}");
        let code = |status: &String| status.len() <= 11 && status.split('.').count() == 3;
        assert!(one.status.as_ref().is_none_or(code) && !one.rule.is_empty(), "{one:?}");
        let said = |text: &String| text.chars().count() <= 600;
        assert!(one.diagnostic.as_ref().is_none_or(said), "{one:?}");
    }
}

/// LM5, X4: whatever a list is called, a refusal is one line of ASCII.
pub fn notice(title: &[u8]) {
    let (title, address) = (text(title), list_address());
    for language in ["de", "en", title.get(..2).unwrap_or_default()] {
        for why in
            [Refusal::Expired, Refusal::UnknownList, Refusal::NotAllowed(Vec::new()), Refusal::Loop]
        {
            let said = refusal(language, &why, &About { title: &title, address: &address });
            assert!(
                said.len() <= MAX_REPLY && said.bytes().all(|b| (32..127).contains(&b)),
                "{said:?}"
            );
        }
    }
}
