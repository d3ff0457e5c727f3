//! The retention job in memory: what is older goes, and recipients whom nothing names any more.

use std::collections::HashSet;

use listcore::time::Timestamp;

use super::State;
use crate::store::{MailId, PostId};

impl State {
    pub(super) fn erase(&mut self, before: Timestamp) {
        let waits = self.digests.iter().filter(|(_, kept)| kept.waits());
        let gathered: HashSet<PostId> = waits.map(|((_, post), _)| *post).collect();
        self.posts.retain(|id, post| {
            post.is_unfinished() || post.last >= before || gathered.contains(id)
        });
        let posts = &self.posts;
        self.digests.retain(|(_, post), _| posts.contains_key(post));
        self.erase_held(before);
        self.erase_last_mile(before);
        self.erase_brakes();
        self.strange.retain(|(mail, _)| mail.at >= before);
        let sent = self.posts.values().map(|p| p.stored.mail);
        let mails: HashSet<MailId> = sent.chain(self.held.values().map(|h| h.mail)).collect();
        self.bodies.retain(|id, _| mails.contains(id));
        self.traces.retain(|event| event.at >= before);
        self.bounces.retain(|event| event.at >= before);
        self.failures.retain(|_, kept| kept.at >= before);
        self.standings.retain(|_, standing| standing.until().is_none_or(|until| until >= before));
        self.seen.retain(|_, known| {
            known.retain(|(_, _, at)| *at >= before);
            !known.is_empty()
        });
        let batches = self.posts.values().flat_map(|post| &post.batches);
        let mut named: HashSet<u64> = batches.flat_map(|b| b.refs.iter().copied()).collect();
        named.extend(self.bounces.iter().filter_map(|b| b.recipient).map(|r| r.0));
        named.extend(self.failures.values().map(|kept| kept.who.0));
        self.recipients.retain(|number, _| named.contains(number));
        self.refs.retain(|_, number| named.contains(number));
    }

    /// Numbers of hidden authors, and what was remembered of people, past their own end.
    pub(super) fn erase_expired(&mut self, before: Timestamp) {
        self.hidden.retain(|_, hidden| hidden.expires >= before);
        self.marks.retain(|_, until| until.is_none_or(|end| end >= before));
    }
}
