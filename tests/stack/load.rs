//! A fast LMTP client for the bench and the kill test: many mails on a few connections, and who got which answer.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::smtp::Client;

/// One mail to deliver.
#[derive(Clone, Debug)]
pub struct Job {
    /// The caller's name for it, e.g. its Message-ID.
    pub name: String,
    pub from: String,
    pub to: Vec<String>,
    pub mail: Vec<u8>,
}

/// What became of one recipient of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted,
    /// The server said 4xx or 5xx.
    Said(u16),
    /// No reply came: nobody knows.
    Lost,
}

/// What became of all jobs.
#[derive(Debug)]
pub struct Report {
    /// In order of the jobs; one answer for each recipient.
    pub answers: Vec<Vec<Answer>>,
    /// From RCPT to the last reply, of each job that was answered.
    pub latencies: Vec<Duration>,
    pub elapsed: Duration,
}

impl Report {
    /// How many jobs got 250 for all their recipients.
    pub fn accepted(&self) -> usize {
        self.answers.iter().filter(|all| all.iter().all(|a| *a == Answer::Accepted)).count()
    }
}

/// Delivers all jobs over so many connections at a time. Each job is tried once; a connection that breaks is
/// opened anew for the next.
pub fn run(address: SocketAddr, connections: usize, jobs: &[Job]) -> Report {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(jobs.len()));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections.max(1) {
            scope.spawn(|| {
                let mut client = None;
                while let Some((at, job)) = claim(&next, jobs) {
                    let begun = Instant::now();
                    let answers = deliver(&mut client, address, job);
                    if let Ok(mut all) = results.lock() {
                        all.push((at, answers, begun.elapsed()));
                    }
                }
            });
        }
    });
    let elapsed = start.elapsed();
    let mut all = results.into_inner().unwrap_or_default();
    all.sort_by_key(|(at, ..)| *at);
    let answered = all.iter().filter(|(_, answers, _)| !answers.contains(&Answer::Lost));
    let latencies = answered.map(|(_, _, took)| *took).collect();
    Report { answers: all.into_iter().map(|(_, answers, _)| answers).collect(), latencies, elapsed }
}

fn claim<'a>(next: &AtomicUsize, jobs: &'a [Job]) -> Option<(usize, &'a Job)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(at).map(|job| (at, job))
}

fn deliver(client: &mut Option<Client>, address: SocketAddr, job: &Job) -> Vec<Answer> {
    let to: Vec<&str> = job.to.iter().map(String::as_str).collect();
    let outcome = connected(client, address).and_then(|c| c.deliver(&job.from, &to, &job.mail));
    match outcome {
        Ok(replies) => replies
            .iter()
            .map(|r| if r.code == 250 { Answer::Accepted } else { Answer::Said(r.code) })
            .collect(),
        Err(_) => {
            *client = None;
            vec![Answer::Lost; to.len()]
        }
    }
}

fn connected(client: &mut Option<Client>, address: SocketAddr) -> crate::Result<&mut Client> {
    if client.is_none() {
        let mut fresh = Client::connect(address)?;
        fresh.hello("LHLO", "load.example")?;
        *client = Some(fresh);
    }
    client.as_mut().ok_or_else(|| crate::Failure::new("no connection"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Sink;

    #[test]
    fn every_job_has_its_answers_in_order() {
        let sink = Sink::start().unwrap();
        sink.set(|f| {
            f.refuse.insert("m7@x.example".into(), "550 5.1.1 gone".into());
        });
        let job = |i: usize| Job {
            name: i.to_string(),
            from: "a@x.example".into(),
            to: vec![format!("m{i}@x.example")],
            mail: b"A: 1\r\n\r\n".to_vec(),
        };
        let report = run(sink.address(), 3, &(0..50).map(job).collect::<Vec<_>>());
        assert_eq!(report.answers.len(), 50);
        assert_eq!(report.answers[7], [Answer::Said(550)]);
        assert_eq!(report.accepted(), 49);
        assert_eq!(sink.recipients(), 49);
        assert!(sink.connections() <= 3);
    }
}
