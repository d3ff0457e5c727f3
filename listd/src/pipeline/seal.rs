//! What the seals of a mail's posts are to say, for the lists that seal; found out once, before anything is stored.
//!
//! Not the seal itself (`sign`).

use listcore::list::{ArcSet, AuthorAddress};
use listcore::message::Mail;
use listcore::rewrite::PostKind;

use super::judge::Step;
use super::{Incoming, Pipeline};
use crate::store::NewPost;
use crate::verify::Authenticity;

impl Pipeline {
    /// Validates the ARC chain where a post wants a seal, and freezes what the seal will say (rule D10).
    pub(super) async fn prepare_seals(
        &self,
        incoming: &Incoming,
        mail: &Mail,
        author: &Authenticity,
        steps: &mut [Step],
    ) {
        let mut posts: Vec<&mut NewPost> = steps.iter_mut().filter_map(sealed).collect();
        if posts.is_empty() {
            return;
        }
        let raw = &incoming.bytes;
        let asked = ((self.clock)(), &incoming.patience);
        let sealing = self.verifier.sealing(raw, mail, author, &self.house.hostname, asked).await;
        let Some(sealing) = sealing else {
            tracing::warn!("DNS did not answer for an ARC chain; the copies go out without a seal");
            return;
        };
        for post in &mut posts {
            let hidden = post.frozen.settings.author_address == AuthorAddress::Hidden;
            let said = if hidden { sealing.without_addresses() } else { sealing.clone() };
            post.frozen.arc = Some(said);
        }
    }
}

/// The post of a step whose list seals.
fn sealed(step: &mut Step) -> Option<&mut NewPost> {
    let Step::Post(post, _) = step else { return None };
    let wanted = post.frozen.kind == PostKind::List && post.frozen.settings.arc == ArcSet::Seal;
    wanted.then_some(post.as_mut())
}
