//! The world outside: an SMTP server that takes everything, remembers who got what, and fails when told to.
//!
//! It does little per mail, so that a bench measures the product and not this. Not a strict receiver.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::claim::Port;
use crate::{Doing, Result, wait};

const IDLE: Duration = Duration::from_secs(600);

/// A mail that got 250.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Reverse path without brackets.
    pub from: String,
    /// Those of its recipients that were accepted.
    pub to: Vec<String>,
    /// Empty when the sink keeps no mails.
    pub mail: Arc<[u8]>,
    /// Without brackets; empty where the mail has none.
    pub message_id: String,
    /// When it was taken, before the reply.
    pub at: Instant,
    /// The MAIL line as it was said.
    pub mail_line: String,
    /// Which connection it came on, counted from 1.
    pub connection: u64,
}

/// What goes wrong. Changed while it runs by [`Sink::set`].
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Recipients that get this reply line at RCPT, always.
    pub refuse: HashMap<String, String>,
    /// Recipients that get 451 so many times more.
    pub defer: HashMap<String, u32>,
    /// So many transactions more are cut off in the middle of the data, without a reply.
    pub cut_data: u32,
    /// So many transactions more are taken and cut off instead of the 250.
    pub cut_reply: u32,
    /// At most so many recipients per transaction, then 452.
    pub full_after: Option<usize>,
    /// The reply to every end of data, instead of taking the mail.
    pub answer: Option<String>,
    /// Before each reply to the end of data.
    pub delay: Duration,
    /// Neither 8BITMIME nor SMTPUTF8 is offered.
    pub seven_bit: bool,
}

/// Where [`Sink::hold`] keeps a transaction: the client hears nothing until it is let go or cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A recipient was accepted, and not yet told so.
    Recipient,
    /// The mail is here as a whole, and not taken.
    Data,
    /// The mail is taken, and not yet told so.
    Reply,
}

#[derive(Default)]
struct Gate {
    at: Option<Point>,
    /// So many transactions more pass the point first.
    pass: usize,
    /// Transactions that are kept now.
    held: usize,
    /// Counts [`Sink::cut`]s: whoever was kept before one ends without a reply.
    cuts: u64,
}

#[derive(Default)]
struct State {
    faults: Mutex<Faults>,
    gate: Mutex<Gate>,
    moved: Condvar,
    deliveries: Mutex<Vec<Delivery>>,
    /// What [`Sink::clear`] forgot.
    cleared: Mutex<Vec<Delivery>>,
    recipients: AtomicU64,
    connections: AtomicU64,
    streams: Mutex<HashMap<u64, TcpStream>>,
    closing: AtomicBool,
    drops_bodies: AtomicBool,
}

/// A running sink. Ends when it is dropped.
pub struct Sink {
    port: Port,
    state: Arc<State>,
    acceptor: Option<std::thread::JoinHandle<()>>,
}

/// What a sink took, also what it was told to forget.
#[derive(Clone)]
pub struct Taken(Arc<State>);

impl Taken {
    pub fn all(&self) -> Vec<Delivery> {
        let mut all = locked(&self.0.cleared).clone();
        all.extend(locked(&self.0.deliveries).iter().cloned());
        all
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink {
    pub fn start() -> Result<Sink> {
        let mut sink = Sink { port: Port::claim()?, state: Arc::default(), acceptor: None };
        sink.open()?;
        Ok(sink)
    }

    /// Listens again after [`Sink::close`].
    pub fn open(&mut self) -> Result<()> {
        self.close();
        let listener = TcpListener::bind(self.port.address()).doing(|| "the sink".to_owned())?;
        self.state.closing.store(false, Ordering::SeqCst);
        let state = Arc::clone(&self.state);
        self.acceptor = Some(std::thread::spawn(move || accept(&listener, &state)));
        Ok(())
    }

    /// Stops listening and cuts every connection.
    pub fn close(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.state.closing.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.port.address());
        let _ = acceptor.join();
        self.cut();
    }

    /// Cuts every connection, also those that are held; nothing is held any more.
    pub fn cut(&self) {
        let mut gate = locked(&self.state.gate);
        *gate = Gate { cuts: gate.cuts + 1, ..Gate::default() };
        self.state.moved.notify_all();
        drop(gate);
        for stream in locked(&self.state.streams).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// From now on `pass` transactions get past `point`, and the next ones are kept there.
    pub fn hold(&self, point: Point, pass: usize) {
        let mut gate = locked(&self.state.gate);
        gate.at = Some(point);
        gate.pass = pass;
    }

    /// Lets everybody go on who is held.
    pub fn let_go(&self) {
        locked(&self.state.gate).at = None;
        self.state.moved.notify_all();
    }

    /// Waits until so many transactions are held.
    pub fn wait_held(&self, transactions: usize, limit: Duration) -> Result<()> {
        wait::until_true(&format!("{transactions} transactions to be held"), limit, || {
            locked(&self.state.gate).held >= transactions
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Changes what goes wrong.
    pub fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut locked(&self.state.faults));
    }

    /// Remembers no mails from now on, only who got which: for the bench and other floods.
    pub fn drop_bodies(&self) {
        self.state.drops_bodies.store(true, Ordering::Relaxed);
    }

    /// Everything taken so far, in order of acceptance.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries_after(0)
    }

    /// Everything after the first `seen`.
    pub fn deliveries_after(&self, seen: usize) -> Vec<Delivery> {
        locked(&self.state.deliveries).get(seen..).unwrap_or_default().to_vec()
    }

    /// Recipients that got a mail, counted for each mail.
    pub fn recipients(&self) -> u64 {
        self.state.recipients.load(Ordering::Relaxed)
    }

    /// Connections so far.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Forgets what was taken.
    pub fn clear(&self) {
        let forgotten = std::mem::take(&mut *locked(&self.state.deliveries));
        locked(&self.state.cleared).extend(forgotten);
        self.state.recipients.store(0, Ordering::Relaxed);
    }

    /// A look at all that it took and will take.
    pub fn taken(&self) -> Taken {
        Taken(Arc::clone(&self.state))
    }

    /// How often each recipient got a mail.
    pub fn counts(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for to in locked(&self.state.deliveries).iter().flat_map(|d| &d.to) {
            *counts.entry(to.clone()).or_default() += 1;
        }
        counts
    }

    /// Waits until so many recipients got a mail.
    pub fn wait_for(&self, recipients: u64, limit: Duration) -> Result<()> {
        wait::until(&format!("{recipients} copies in the sink"), limit, || {
            let now = self.recipients();
            if now >= recipients {
                Ok(Some(()))
            } else {
                Err(crate::Failure(format!("{now} so far")))
            }
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.close();
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for stream in listener.incoming().flatten() {
        if state.closing.load(Ordering::SeqCst) {
            return;
        }
        let id = state.connections.fetch_add(1, Ordering::Relaxed) + 1;
        if let Ok(copy) = stream.try_clone() {
            locked(&state.streams).insert(id, copy);
        }
        let state = Arc::clone(state);
        std::thread::spawn(move || {
            // A connection that breaks off is the client's business.
            let _ = Session::new(&state, stream, id).and_then(Session::serve);
            locked(&state.streams).remove(&id);
        });
    }
}

/// One transaction so far.
#[derive(Default)]
struct Transaction {
    from: Option<String>,
    mail_line: String,
    to: Vec<String>,
    data: Vec<u8>,
}

struct Session<'a> {
    state: &'a State,
    stream: BufReader<TcpStream>,
    out: Vec<u8>,
    open: Transaction,
    id: u64,
}

/// Whether the connection goes on.
enum Next {
    Go,
    Close,
}

impl<'a> Session<'a> {
    fn new(state: &'a State, stream: TcpStream, id: u64) -> std::io::Result<Session<'a>> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(IDLE))?;
        let stream = BufReader::with_capacity(64 << 10, stream);
        Ok(Session { state, stream, out: Vec::new(), open: Transaction::default(), id })
    }

    fn serve(mut self) -> std::io::Result<()> {
        self.say("220 sink.example ESMTP");
        loop {
            // Replies to pipelined commands leave together.
            if self.stream.buffer().is_empty() {
                self.flush()?;
            }
            let mut line = Vec::new();
            if self.stream.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if let Next::Close = self.command(&line)? {
                self.flush()?;
                return self.stream.get_ref().shutdown(Shutdown::Both);
            }
        }
    }

    fn command(&mut self, line: &str) -> std::io::Result<Next> {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "LHLO" | "HELO" => {
                self.open = Transaction::default();
                let seven_bit = locked(&self.state.faults).seven_bit;
                let wide = ["8BITMIME", "SMTPUTF8"].into_iter().filter(|_| !seven_bit);
                let always = ["sink.example", "PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES"];
                for extension in always.into_iter().chain(wide) {
                    self.say(&format!("250-{extension}"));
                }
                self.say("250 SIZE 209715200");
            }
            "MAIL" => {
                self.open = Transaction {
                    from: Some(path(line)),
                    mail_line: line.to_owned(),
                    ..Transaction::default()
                };
                self.say("250 2.1.0 ok");
            }
            "RCPT" => {
                self.recipient(path(line));
                return Ok(self.pass(Point::Recipient));
            }
            "DATA" if self.open.to.is_empty() => self.say("503 5.5.1 no recipients"),
            "DATA" => {
                self.say("354 go");
                self.flush()?;
                return self.data();
            }
            "BDAT" => return self.chunk(line),
            "RSET" => {
                self.open = Transaction::default();
                self.say("250 2.0.0 ok");
            }
            "NOOP" => self.say("250 2.0.0 ok"),
            "QUIT" => {
                self.say("221 2.0.0 bye");
                return Ok(Next::Close);
            }
            _ => self.say("500 5.5.1 unknown command"),
        }
        Ok(Next::Go)
    }

    fn recipient(&mut self, to: String) {
        let mut faults = locked(&self.state.faults);
        let reply = if self.open.from.is_none() {
            "503 5.5.1 MAIL first".to_owned()
        } else if let Some(reply) = faults.refuse.get(&to) {
            reply.clone()
        } else if let Some(left) = faults.defer.get_mut(&to).filter(|left| **left > 0) {
            *left -= 1;
            "451 4.2.1 try again".to_owned()
        } else if faults.full_after.is_some_and(|most| self.open.to.len() >= most) {
            "452 4.5.3 too many recipients".to_owned()
        } else {
            self.open.to.push(to);
            "250 2.1.5 ok".to_owned()
        };
        drop(faults);
        self.say(&reply);
    }

    fn data(&mut self) -> std::io::Result<Next> {
        let cut = take(&self.state.faults, |f| &mut f.cut_data);
        loop {
            let start = self.open.data.len();
            if self.stream.read_until(b'\n', &mut self.open.data)? == 0 || cut {
                return Ok(Next::Close);
            }
            match self.open.data.get(start..) {
                Some(b".\r\n") => {
                    self.open.data.truncate(start);
                    return self.end();
                }
                Some([b'.', ..]) => {
                    self.open.data.remove(start);
                }
                _ => {}
            }
        }
    }

    fn chunk(&mut self, line: &str) -> std::io::Result<Next> {
        let mut words = line.split_ascii_whitespace().skip(1);
        let size: u64 = words.next().and_then(|w| w.parse().ok()).unwrap_or(0);
        let last = words.next().is_some_and(|w| w.eq_ignore_ascii_case("LAST"));
        (&mut self.stream).take(size).read_to_end(&mut self.open.data)?;
        if take(&self.state.faults, |f| &mut f.cut_data) {
            return Ok(Next::Close);
        }
        if self.open.to.is_empty() {
            self.say("503 5.5.1 no recipients");
        } else if last {
            return self.end();
        } else {
            self.say("250 2.0.0 ok");
        }
        Ok(Next::Go)
    }

    fn end(&mut self) -> std::io::Result<Next> {
        let Faults { delay, answer, .. } = locked(&self.state.faults).clone();
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let done = std::mem::take(&mut self.open);
        if let Some(answer) = answer {
            self.say(&answer);
            return Ok(Next::Go);
        }
        if let Next::Close = self.pass(Point::Data) {
            return Ok(Next::Close);
        }
        let count = done.to.len();
        let message_id = message_id(&done.data);
        let mail =
            if self.state.drops_bodies.load(Ordering::Relaxed) { Vec::new() } else { done.data };
        let delivery = Delivery {
            from: done.from.unwrap_or_default(),
            to: done.to,
            mail: mail.into(),
            message_id,
            at: Instant::now(),
            mail_line: done.mail_line,
            connection: self.id,
        };
        let number = {
            let mut all = locked(&self.state.deliveries);
            all.push(delivery);
            all.len()
        };
        self.state.recipients.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        if take(&self.state.faults, |f| &mut f.cut_reply) {
            return Ok(Next::Close);
        }
        if let Next::Close = self.pass(Point::Reply) {
            return Ok(Next::Close);
        }
        self.say(&format!("250 2.0.0 ok sink{number}"));
        Ok(Next::Go)
    }

    /// Waits while transactions are held here.
    fn pass(&self, point: Point) -> Next {
        let mut gate = locked(&self.state.gate);
        if gate.at != Some(point) {
            return Next::Go;
        }
        if gate.pass > 0 {
            gate.pass -= 1;
            return Next::Go;
        }
        let cuts = gate.cuts;
        gate.held += 1;
        while gate.cuts == cuts && gate.at == Some(point) {
            gate = self.state.moved.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        if gate.cuts != cuts {
            // Whoever cut has counted us out already.
            return Next::Close;
        }
        gate.held -= 1;
        Next::Go
    }

    fn say(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.get_mut().write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }
}

/// Takes one from a counted fault.
fn take(faults: &Mutex<Faults>, which: impl FnOnce(&mut Faults) -> &mut u32) -> bool {
    let mut faults = locked(faults);
    let left = which(&mut faults);
    let hit = *left > 0;
    *left = left.saturating_sub(1);
    hit
}

/// The value of the first Message-ID, without brackets.
fn message_id(mail: &[u8]) -> String {
    const NAME: &[u8] = b"message-id:";
    let head = mail.split(|b| *b == b'\n').take_while(|line| !matches!(line, [] | [b'\r']));
    let is_it = |line: &&[u8]| line.get(..NAME.len()).is_some_and(|n| n.eq_ignore_ascii_case(NAME));
    let value = head.into_iter().find(is_it).and_then(|line| line.get(NAME.len()..));
    let value = String::from_utf8_lossy(value.unwrap_or_default());
    value.trim().trim_matches(['<', '>']).to_owned()
}

/// The path between the brackets, without them.
fn path(line: &str) -> String {
    let from = line.find('<').map_or(0, |at| at + 1);
    let to = line.rfind('>').unwrap_or(line.len());
    line.get(from..to).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::{As, Client, send};

    const LETTER: &[u8] = b"A: 1\r\nMessage-Id: <1@x.example>\r\n\r\nMessage-ID: none\r\n";

    #[test]
    fn a_mail_arrives_as_it_was_sent() {
        let sink = Sink::start().unwrap();
        let mail = b"Subject: x\r\n\r\n.dot\r\n..two\r\n";
        let reply =
            send(sink.address(), &As::Local, "a@x.example", &["b@y.example", "c@y.example"], mail)
                .unwrap();
        assert_eq!(reply.code, 250);
        let taken = sink.deliveries();
        assert_eq!(taken[0].from, "a@x.example");
        assert_eq!(taken[0].to, ["b@y.example", "c@y.example"]);
        assert_eq!(&*taken[0].mail, mail);
        assert_eq!(sink.recipients(), 2);
    }

    #[test]
    fn chunks_are_put_together() {
        let sink = Sink::start().unwrap();
        let mut client = Client::open(sink.address(), &As::Local).unwrap();
        client.say("MAIL FROM:<a@x.example>").unwrap().expect(250).unwrap();
        client.say("RCPT TO:<b@x.example>").unwrap().expect(250).unwrap();
        client.bdat(b"A: 1\r\n\r\n.\r\n.\r\n", 3).unwrap().expect(250).unwrap();
        assert_eq!(&*sink.deliveries()[0].mail, b"A: 1\r\n\r\n.\r\n.\r\n");
    }

    #[test]
    fn it_fails_as_told() {
        let sink = Sink::start().unwrap();
        sink.set(|f| {
            f.refuse.insert("gone@x.example".into(), "550 5.1.1 gone".into());
            f.defer.insert("busy@x.example".into(), 1);
            f.cut_reply = 1;
        });
        let to = |to: &str| send(sink.address(), &As::Local, "a@x.example", &[to], b"A: 1\r\n\r\n");
        assert_eq!(to("gone@x.example").unwrap().code, 550);
        assert_eq!(to("busy@x.example").unwrap().code, 451);
        assert!(to("busy@x.example").is_err(), "cut off instead of 250");
        assert_eq!(to("busy@x.example").unwrap().code, 250);
        assert_eq!(sink.counts()["busy@x.example"], 2);
    }

    #[test]
    fn a_mail_is_held_where_it_was_told() {
        let sink = Sink::start().unwrap();
        let give = || send(sink.address(), &As::Local, "a@x.example", &["b@x.example"], LETTER);
        for (point, taken) in [(Point::Recipient, 0), (Point::Data, 0), (Point::Reply, 1)] {
            sink.clear();
            sink.hold(point, 1);
            std::thread::scope(|scope| {
                assert_eq!(give().unwrap().code, 250, "one may pass");
                let held = scope.spawn(give);
                sink.wait_held(1, wait::MAIL).unwrap();
                assert_eq!(sink.recipients(), 1 + taken, "{point:?}");
                sink.cut();
                assert!(held.join().unwrap().is_err(), "cut off at {point:?}");
            });
            assert_eq!(give().unwrap().code, 250);
            assert_eq!(sink.recipients(), 2 + taken, "{point:?}");
        }
        assert_eq!(sink.deliveries()[0].message_id, "1@x.example");
    }

    #[test]
    fn closed_it_refuses_and_opened_it_takes_again() {
        let mut sink = Sink::start().unwrap();
        sink.close();
        assert!(Client::connect(sink.address()).is_err());
        sink.open().unwrap();
        assert!(Client::connect(sink.address()).is_ok());
    }
}
