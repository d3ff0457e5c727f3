//! The part of the store in memory that keeps what waits for somebody's word.

use async_trait::async_trait;
use listcore::hold::{Ended, Reason, Waiting};
use listcore::list::ListId;
use listcore::time::Timestamp;

use super::{MemoryStore, State};
use crate::store::held::{DUE, Held, Holds, Mark, MarkKind, NewHeld, Ticket, Told};
use crate::store::{Done, NewMail, NewPost, PostId, StoreError, rules};

impl State {
    pub(super) fn hold(&mut self, mail: &NewMail, size: u64, new: NewHeld) {
        let held = Held {
            mail: mail.id,
            sender: mail.sender.clone(),
            utf8: mail.utf8,
            at: mail.received,
            step: 0,
            next: Some(new.next),
            ended: None,
            size,
            new,
        };
        self.held.insert(held.id, held);
    }

    pub(super) fn told(&mut self, told: Told) -> Result<Done, String> {
        let held = self.held.get(&told.id).ok_or_else(|| rules::no_held(told.id))?;
        if rules::is_stale(held, &told) {
            return Ok(Done::Stale);
        }
        for (mail, post) in &told.letters {
            self.check(mail, std::slice::from_ref(post), &[])?;
        }
        self.check_tickets(&told.tickets)?;
        for (mail, post) in told.letters {
            self.accept(mail, vec![post], Vec::new(), &mut Vec::new());
        }
        if let Some(held) = self.held.get_mut(&told.id) {
            (held.step, held.next) = (told.step, told.next);
        }
        self.enter_tickets(told.tickets);
        told.marks.into_iter().for_each(|mark| self.mark(mark));
        Ok(Done::Ok)
    }

    pub(super) fn rehold(
        &mut self,
        id: PostId,
        reason: Reason,
        waits_for: Waiting,
        next: Timestamp,
        expires: Timestamp,
    ) -> Result<Done, String> {
        let held = self.held.get_mut(&id).ok_or_else(|| rules::no_held(id))?;
        if let Some(done) = rules::rehold(held, reason, waits_for) {
            return Ok(done);
        }
        (held.new.reason, held.new.waits_for) = (reason, waits_for);
        (held.new.next, held.new.expires) = (next, expires);
        (held.step, held.next) = (0, Some(next));
        Ok(Done::Ok)
    }

    pub(super) fn end(
        &mut self,
        id: PostId,
        ended: Ended,
        post: Option<NewPost>,
        marks: Vec<Mark>,
    ) -> Result<Done, String> {
        let held = self.held.get_mut(&id).ok_or_else(|| rules::no_held(id))?;
        if let Some(first) = &held.ended {
            return Ok(Done::Ended(first.clone()));
        }
        if let Some(post) = &post {
            rules::may_release(id, post)?;
            if self.posts.contains_key(&id) {
                return Err(format!("post {} exists already", id.0));
            }
        }
        let (at, may_keep) = (ended.at, rules::may_keep(&ended.end));
        held.next = Some(at);
        held.ended = Some(ended);
        let held = held.clone();
        if let Some(post) = post {
            self.insert((held.mail, &held.message_id, held.at), held.size, post);
        }
        self.release(held.mail, at, may_keep);
        marks.into_iter().for_each(|mark| self.mark(mark));
        Ok(Done::Ok)
    }

    fn check_tickets(&self, tickets: &[Ticket]) -> Result<(), String> {
        let mut numbers: Vec<u64> = tickets.iter().map(|ticket| ticket.number).collect();
        numbers.sort_unstable();
        let twice = numbers.windows(2).any(|pair| pair.first() == pair.last());
        match numbers.iter().find(|number| self.tickets.contains_key(number)) {
            Some(number) => Err(format!("ticket {number} exists already")),
            None if twice => Err("a ticket's number is there twice".to_owned()),
            None => Ok(()),
        }
    }

    fn enter_tickets(&mut self, tickets: Vec<Ticket>) {
        self.tickets.extend(tickets.into_iter().map(|ticket| (ticket.number, ticket)));
    }

    pub(super) fn add_tickets(&mut self, tickets: Vec<Ticket>) -> Result<(), String> {
        self.check_tickets(&tickets)?;
        self.enter_tickets(tickets);
        Ok(())
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.marks.insert((mark.kind, mark.list, mark.who, mark.value), mark.until);
    }

    pub(super) fn erase_held(&mut self, before: Timestamp) {
        self.held.retain(|_, held| held.ended.as_ref().is_none_or(|ended| ended.at >= before));
        self.tickets.retain(|_, ticket| ticket.expires >= before);
    }
}

#[async_trait]
impl Holds for MemoryStore {
    async fn held(&self, id: PostId) -> Result<Option<Held>, StoreError> {
        Ok(self.state().held.get(&id).cloned())
    }

    async fn held_as(&self, message_id: &str) -> Result<Vec<Held>, StoreError> {
        let state = self.state();
        let named = state.held.values().filter(|held| held.message_id == message_id);
        let mut all: Vec<Held> = named.cloned().collect();
        all.sort_by_key(|held| (held.at, held.id));
        Ok(all)
    }

    async fn held_on(&self, list: Option<&ListId>, limit: usize) -> Result<Vec<Held>, StoreError> {
        let state = self.state();
        let waits = |held: &&Held| held.ended.is_none() && list.is_none_or(|l| *l == held.list);
        let mut all: Vec<Held> = state.held.values().filter(waits).cloned().collect();
        all.sort_by_key(|held| (held.at, held.id));
        all.truncate(limit);
        Ok(all)
    }

    async fn held_due(&self, now: Timestamp) -> Result<(Vec<Held>, Option<Timestamp>), StoreError> {
        let state = self.state();
        let mut all: Vec<&Held> = state.held.values().filter(|held| held.next.is_some()).collect();
        all.sort_by_key(|held| (held.next, held.id));
        let due = all.iter().take(DUE).take_while(|held| held.next.is_some_and(|at| at <= now));
        let due: Vec<Held> = due.map(|held| (*held).clone()).collect();
        let next = all.get(due.len()).and_then(|held| held.next);
        Ok((due, next))
    }

    async fn ticket(&self, number: u64) -> Result<Option<Ticket>, StoreError> {
        Ok(self.state().tickets.get(&number).cloned())
    }

    async fn tickets_about(&self, post: PostId) -> Result<Vec<Ticket>, StoreError> {
        let state = self.state();
        let about = state.tickets.values().filter(|ticket| ticket.about.post() == Some(post));
        Ok(about.cloned().collect())
    }

    async fn marked(
        &self,
        kind: MarkKind,
        list: Option<&ListId>,
        who: &str,
        now: Timestamp,
    ) -> Result<Vec<Mark>, StoreError> {
        let state = self.state();
        let wanted = |((k, l, w, value), until): (&super::MarkKey, &Option<Timestamp>)| {
            let same = *k == kind && l.as_ref() == list && w == who;
            let mark = || Mark {
                kind,
                list: l.clone(),
                who: w.clone(),
                value: value.clone(),
                until: *until,
            };
            (same && until.is_none_or(|end| end > now)).then(mark)
        };
        Ok(state.marks.iter().filter_map(wanted).collect())
    }
}
