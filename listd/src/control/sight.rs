//! How much of protected people an answer shows (rule GD4): nothing, unless the question has a `reason`, which is logged.
//!
//! Not who is protected, and not what an answer looks like without them (`office`).

use axum::extract::{ConnectInfo, FromRequestParts, Query};
use axum::http::request::Parts;

use super::peer::Peer;
use super::routes::named;
use super::{Answer, Problem};

/// Longest reason (characters).
const LONGEST: usize = 200;

/// Whether people whose entries say `listProtected` are shown.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// They are counted.
    #[default]
    Veiled,
    /// An admin gave a reason, and it is in the log.
    Whole,
}

impl<S: Send + Sync> FromRequestParts<S> for Sight {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Sight> {
        let args = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let args = args.map(|Query(args)| args).unwrap_or_default();
        let Some((_, reason)) = args.iter().find(|(name, _)| name == "reason") else {
            return Ok(Sight::Veiled);
        };
        let reason = makes_sense(reason)?;
        let peer = ConnectInfo::<Peer>::from_request_parts(parts, state).await;
        let who = named(peer.map_or(Peer { uid: None }, |ConnectInfo(peer)| peer));
        let rest = args.iter().filter(|(name, _)| name != "reason");
        let asked: Vec<String> = rest.map(|(name, value)| format!("{name}={value}")).collect();
        let (path, asked) = (parts.uri.path(), asked.join(" "));
        tracing::warn!(who, reason, path, asked, "an admin asked to see protected people");
        Ok(Sight::Whole)
    }
}

/// Something that can be read in the log a year from now.
fn makes_sense(reason: &str) -> Answer<&str> {
    let reason = reason.trim();
    let odd = reason.chars().any(char::is_control) || reason.chars().count() > LONGEST;
    if reason.is_empty() || odd {
        return Err(Problem::bad_request(
            "this is no reason",
            format!(
                "Say in one line of at most {LONGEST} characters why you must see protected people."
            ),
        ));
    }
    Ok(reason)
}
