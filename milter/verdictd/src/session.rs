//! One mail server's connection: envelope and mail in, the verdict out. The milter's side; the protocol is the crate's.
//!
//! The header is kept (its size is limited by the protocol's side), the body is handed on as it comes.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use bytes::Bytes;
use milter::answer::{Answer, BodyAnswer};
use milter::drive::Handler;
use milter::header::Field;
use milter::macros::Symbols;
use milter::negotiate::{Actions, Protocol, Terms, Wish};
use milter::packet::{Connect, Modification, Path};
use milter::reply_code::ReplyCode;

use crate::headers::{self, Forged};
use crate::maillog;
use crate::metrics::{Counted, Counters};
use crate::scan::envelope::Envelope;
use crate::scan::{Busy, Durations, Scan, Scanners};
use crate::verdict::{Decision, Greylist, Policy, Report, Verdict, merge};

/// What a reload may change.
#[derive(Debug)]
pub struct Rules {
    pub policy: Policy,
    /// Values of `{daemon_name}` whose mail is not greylisted.
    pub never_greylist: Vec<String>,
}

/// What all sessions share.
#[derive(Debug)]
pub struct House {
    pub rules: ArcSwap<Rules>,
    pub scanners: Arc<ArcSwap<Scanners>>,
    pub counters: Arc<Counters>,
}

/// What we want from each mail server: header changes; no question but at the end of the header, where a mail that
/// finds no turn is sent away before its body.
pub fn wish() -> Wish {
    Wish {
        needs: Actions::ADD_HEADERS | Actions::CHANGE_HEADERS,
        likes: Actions::QUARANTINE,
        protocol: Protocol::NO_UNKNOWN
            | Protocol::SILENT_CONNECT
            | Protocol::SILENT_HELO
            | Protocol::SILENT_MAIL
            | Protocol::SILENT_RCPT
            | Protocol::SILENT_DATA
            | Protocol::SILENT_HEADER
            | Protocol::SILENT_BODY
            | Protocol::SKIP
            | Protocol::LEADING_SPACE,
        macros: Vec::new(),
    }
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    house: Arc<House>,
    may_hold: bool,
    client: Client,
    mail: Option<Mail>,
}

/// What holds for all mails of one SMTP client.
#[derive(Clone, Debug, Default)]
struct Client {
    envelope: Envelope,
    /// As the log shows it: `mail.post.example [192.0.2.25]`.
    shown: String,
}

/// A mail under way.
#[derive(Debug)]
struct Mail {
    envelope: Envelope,
    head: Vec<u8>,
    forged: Forged,
    message_id: Option<String>,
    scan: Option<Scan>,
    /// From the end of its header on.
    counted: Option<Counted>,
    octets: u64,
    began: Instant,
}

impl Session {
    pub fn new(house: Arc<House>) -> Session {
        Session { house, may_hold: false, client: Client::default(), mail: None }
    }

    fn policy(&self, macros: &Symbols) -> Policy {
        let rules = self.house.rules.load();
        let daemon = macros.text("{daemon_name}");
        let is_named = |name: &String| daemon.as_deref() == Some(name.as_str());
        match rules.never_greylist.iter().any(is_named) {
            true => Policy { greylist: Greylist::Ignore, ..rules.policy },
            false => rules.policy,
        }
    }

    /// Log, figures, and what the mail server is told.
    fn close(
        &self,
        mail: &Mail,
        verdict: &Verdict,
        report: &Report,
        took: &Durations,
        server: &str,
    ) -> milter::answer::Verdict {
        self.house.counters.message(verdict, mail.octets, mail.forged.count());
        self.house.counters.scanned(report, took);
        maillog::write(&maillog::Line {
            envelope: &mail.envelope,
            client: &self.client.shown,
            message_id: mail.message_id.as_deref(),
            verdict,
            report,
            forged: mail.forged.count(),
            octets: mail.octets,
            took: mail.began.elapsed(),
        });
        self.told(mail, verdict, report, server)
    }

    fn told(
        &self,
        mail: &Mail,
        verdict: &Verdict,
        report: &Report,
        server: &str,
    ) -> milter::answer::Verdict {
        let mut modifications = mail.forged.deletions();
        modifications.extend(headers::tell(report, server));
        match &verdict.decision {
            Decision::Pass => {}
            Decision::Hold(why) if self.may_hold => {
                modifications.push(Modification::Quarantine(why.as_bytes().to_vec()));
            }
            // A server that can't hold it gets it with headers that call it spam.
            Decision::Hold(_) => {}
            Decision::Discard => return Answer::Discard.into(),
            Decision::Refuse(code, enhanced, text) => {
                return refusal(*code, enhanced, text).into();
            }
        }
        milter::answer::Verdict { modifications, answer: Answer::Continue }
    }
}

fn refusal(code: u16, enhanced: &str, text: &str) -> Answer {
    // Codes are our own, so this always is one; without its words it would be a refusal all the same.
    ReplyCode::new(code, enhanced, text).map_or(Answer::TempFail, Answer::Code)
}

impl Handler for Session {
    fn agreed(&mut self, terms: &Terms) {
        self.may_hold = terms.actions.contains(Actions::QUARANTINE);
    }

    async fn connect(&mut self, client: Connect, _macros: &Symbols) -> Answer {
        let ip = client.ip();
        let shown = maillog::client(&client.host, ip);
        // A name in brackets is the address again; Postfix says "unknown" where there is none.
        let named = !client.host.starts_with(b"[") && client.host != b"unknown";
        let hostname = (named && !client.host.is_empty()).then_some(client.host);
        self.client = Client { envelope: Envelope { ip, hostname, ..Envelope::default() }, shown };
        Answer::Continue
    }

    async fn helo(&mut self, name: Vec<u8>, _macros: &Symbols) -> Answer {
        self.client.envelope.helo = Some(name);
        Answer::Continue
    }

    async fn mail(&mut self, sender: Path, macros: &Symbols) -> Answer {
        let mut envelope = self.client.envelope.clone();
        envelope.from = sender.bare().to_vec();
        envelope.user =
            macros.get("{auth_authen}").filter(|user| !user.is_empty()).map(<[u8]>::to_vec);
        self.mail = Some(Mail {
            envelope,
            head: Vec::new(),
            forged: Forged::default(),
            message_id: None,
            scan: None,
            counted: None,
            octets: 0,
            began: Instant::now(),
        });
        Answer::Continue
    }

    async fn rcpt(&mut self, to: Path, _macros: &Symbols) -> Answer {
        if let Some(mail) = &mut self.mail {
            mail.envelope.add(to.bare());
        }
        Answer::Continue
    }

    async fn header(&mut self, field: Field, _macros: &Symbols) -> Answer {
        if let Some(mail) = &mut self.mail {
            mail.header(&field);
        }
        Answer::Continue
    }

    async fn header_end(&mut self, macros: &Symbols) -> Answer {
        let house = self.house.clone();
        let Some(mail) = &mut self.mail else { return Answer::Continue };
        mail.envelope.queue_id = macros.get("i").map(<[u8]>::to_vec);
        if mail.begin(&house).await.is_ok() {
            return Answer::Continue;
        }
        let Some(mail) = self.mail.take() else { return Answer::Continue };
        let (verdict, report) = (Verdict::busy(), Report::default());
        self.close(&mail, &verdict, &report, &Durations::default(), "").answer
    }

    async fn body(&mut self, piece: Vec<u8>) -> BodyAnswer {
        let Some(mail) = &mut self.mail else { return Answer::Continue.into() };
        mail.octets = mail.octets.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        match &mut mail.scan {
            Some(scan) => {
                scan.piece(Bytes::from(piece)).await;
                if scan.is_heard() { Answer::Continue.into() } else { BodyAnswer::Skip }
            }
            None => Answer::Continue.into(),
        }
    }

    async fn end(&mut self, macros: &Symbols) -> milter::answer::Verdict {
        let house = self.house.clone();
        let Some(mut mail) = self.mail.take() else { return Answer::TempFail.into() };
        if let Some(id) = macros.get("i") {
            mail.envelope.queue_id = Some(id.to_vec());
        }
        // A mail server that left out the end of the header.
        let begun = mail.begin(&house).await;
        let (verdict, report, took) = match (begun, mail.scan.take()) {
            (Ok(()), Some(scan)) => {
                let (report, took) = scan.finish().await;
                (merge(&report, self.policy(macros)), report, took)
            }
            _ => (Verdict::busy(), Report::default(), Durations::default()),
        };
        let server = macros.text("j").unwrap_or_else(|| "localhost".to_owned());
        self.close(&mail, &verdict, &report, &took, &server)
    }

    fn abort(&mut self) {
        self.mail = None;
    }

    fn new_connection(&mut self) {
        self.client = Client::default();
        self.mail = None;
    }
}

impl Mail {
    /// Keeps a field as it stands in the mail, folds with CRLF.
    fn header(&mut self, field: &Field) {
        self.forged.note(&field.name);
        if self.message_id.is_none() && field.is("Message-ID") {
            self.message_id = Some(maillog::word(field.text()));
        }
        self.head.extend_from_slice(&field.name);
        self.head.push(b':');
        let mut last = b':';
        for octet in &field.value {
            if *octet == b'\n' && last != b'\r' {
                self.head.push(b'\r');
            }
            self.head.push(*octet);
            last = *octet;
        }
        self.head.extend_from_slice(b"\r\n");
    }

    /// Gets a turn and sends the header, unless that is done.
    async fn begin(&mut self, house: &House) -> Result<(), Busy> {
        if self.scan.is_some() {
            return Ok(());
        }
        self.counted = Some(Counted::one(&house.counters.scans));
        let mut head = std::mem::take(&mut self.head);
        head.extend_from_slice(b"\r\n");
        self.octets = self.octets.saturating_add(u64::try_from(head.len()).unwrap_or(u64::MAX));
        let scanners = house.scanners.load_full();
        self.scan = Some(scanners.begin(&self.envelope, Bytes::from(head)).await?);
        Ok(())
    }
}
