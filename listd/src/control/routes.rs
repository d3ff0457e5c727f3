//! From a request to a question to the rooms, and from their answer to JSON.

use std::sync::Arc;

use axum::extract::{
    ConnectInfo, DefaultBodyLimit, FromRequest, FromRequestParts, Query, Request, State,
};
use axum::http::request::Parts;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use listcore::api::{self, path};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::peer::{Act, Peer, allow};
use super::{Answer, Problem, Rooms, Sight, Wanted};

/// Largest request without a mail in it (octets).
const SMALL_BODY: usize = 16 * 1024;
/// Largest mail that `simulate` takes (octets).
const MAIL_BODY: usize = 128 * 1024 * 1024;
/// Most posts that `queue` shows at once.
const QUEUE_MOST: usize = 1_000;
/// Outcomes are kept so long.
const MOST_DAYS: u16 = 30;
/// How many it shows where nothing else is asked for.
const QUEUE_USUAL: usize = 100;

type Handle = State<Arc<dyn Rooms>>;

/// All paths of [`path`]. `own` is the daemon's user.
pub fn router(rooms: Arc<dyn Rooms>, own: u32) -> Router {
    let reads = Router::new()
        .route(path::STATUS, get(status))
        .route(path::LISTS, get(lists))
        .route(path::LIST, get(list))
        .route(path::MEMBERS, get(members))
        .route(path::EMERGENCY, get(stopped))
        .route(path::QUEUE, get(queue))
        .route(path::POST, get(post_of))
        .route(path::TRACE, get(trace))
        .route(path::STRANGE, get(strange))
        .route(path::HELD, get(held))
        .route(path::HELD_MAIL, get(held_mail))
        .route(path::DIRECTORY, get(directory))
        .route(path::DIRECTORY_DIFF, get(directory_diff))
        .route(path::DKIM, get(dkim))
        .route(path::PROVIDERS, get(providers))
        .route(path::FACTS, get(facts))
        .layer(DefaultBodyLimit::max(SMALL_BODY));
    let mail =
        Router::new().route(path::SIMULATE, post(simulate)).layer(DefaultBodyLimit::max(MAIL_BODY));
    let changes = Router::new()
        .route(path::RETRY, post(retry))
        .route(path::RELEASE, post(release))
        .route(path::CANCEL, post(cancel))
        .route(path::RESUME, post(resume))
        .route(path::ADMIT, post(admit))
        .route(path::DISMISS, post(dismiss))
        .route(path::SET, post(set))
        .route(path::EMERGENCY, post(emergency))
        .route(path::HELD_DECIDE, post(decide))
        .route(path::LEARN, post(learn))
        .route(path::DIRECTORY_ACCEPT, post(directory_accept))
        .route(path::DIRECTORY_REJECT, post(directory_reject))
        .layer(DefaultBodyLimit::max(SMALL_BODY))
        .route_layer(middleware::from_fn(move |peer, request, next| {
            guard(peer, Act::Change, own, request, next)
        }));
    reads
        .merge(mail)
        .route_layer(middleware::from_fn(move |peer, request, next| {
            guard(peer, Act::Read, own, request, next)
        }))
        .merge(changes)
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(middleware::from_fn(one_panic_one_request))
        .with_state(rooms)
}

async fn guard(
    ConnectInfo(peer): ConnectInfo<Peer>,
    act: Act,
    own: u32,
    request: Request,
    next: Next,
) -> Response {
    match allow(peer, act, own) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Runs each request as a task of its own, so that a panic is this request's answer and nobody else's.
async fn one_panic_one_request(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(path, "a request to the control socket panicked");
            Problem::trouble(
                "the daemon failed on this request; it goes on with the others",
                "Please report it with the lines that the log has for it (journalctl -u listd).",
            )
            .into_response()
        }
    }
}

async fn unknown(request: Request) -> Problem {
    Problem::bad_request(
        format!("listd knows no {} {}", request.method(), request.uri().path()),
        "Use the listctl that came with this listd (listctl --version; listctl status).",
    )
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self.failure)).into_response()
    }
}

/// Query parameters whose absence or nonsense is told as a [`Problem`].
struct Args<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Args<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Args<T>, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(args)) => Ok(Args(args)),
            Err(rejection) => Err(Problem::bad_request(
                rejection.body_text(),
                "Use the listctl that came with this listd.",
            )),
        }
    }
}

#[derive(Deserialize)]
struct ListArg {
    list: String,
}

#[derive(Deserialize)]
struct DiffArg {
    list: Option<String>,
}

#[derive(Deserialize)]
struct QueueArg {
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct PostArg {
    id: String,
}

#[derive(Deserialize)]
struct TraceArg {
    message_id: String,
}

#[derive(Deserialize)]
struct SimulateArg {
    list: String,
    #[serde(default)]
    copies: bool,
    #[serde(default)]
    diff: bool,
    #[serde(default)]
    as_verified: bool,
}

#[derive(Deserialize)]
struct DaysArg {
    days: Option<u16>,
}

#[derive(Deserialize)]
struct DkimArg {
    domain: Option<String>,
}

async fn status(State(rooms): Handle) -> Answer<Json<api::Status>> {
    rooms.status().await.map(Json)
}

async fn lists(State(rooms): Handle) -> Answer<Json<Vec<api::ListLine>>> {
    rooms.lists().await.map(Json)
}

async fn list(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<ListArg>,
) -> Answer<Json<api::ListDetail>> {
    rooms.list(&arg.list, sight).await.map(Json)
}

async fn members(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<ListArg>,
) -> Answer<Json<api::Members>> {
    rooms.members(&arg.list, sight).await.map(Json)
}

async fn queue(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<QueueArg>,
) -> Answer<Json<api::Queue>> {
    let limit = arg.limit.unwrap_or(QUEUE_USUAL).min(QUEUE_MOST);
    rooms.queue(limit, sight).await.map(Json)
}

async fn post_of(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<PostArg>,
) -> Answer<Json<api::Post>> {
    rooms.post(post_id(&arg.id)?, sight).await.map(Json)
}

/// A request's body within its limit.
struct Body(Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body, Problem> {
        let told = |rejection: axum::extract::rejection::BytesRejection| {
            let mut problem = Problem::bad_request(
                rejection.body_text(),
                format!("A mail may have {MAIL_BODY} octets, any other request {SMALL_BODY}."),
            );
            problem.status = rejection.status();
            problem
        };
        Bytes::from_request(request, state).await.map(Body).map_err(told)
    }
}

/// A request's body as JSON.
fn json<T: DeserializeOwned>(body: &Bytes) -> Answer<T> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request(error.to_string(), "Use the listctl that came with this listd.")
    })
}

async fn set(State(rooms): Handle, Body(body): Body) -> Answer<Json<api::ListDetail>> {
    rooms.set(json(&body)?).await.map(Json)
}

async fn stopped(State(rooms): Handle) -> Answer<Json<api::Stopped>> {
    rooms.stopped().await.map(Json)
}

async fn emergency(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body,
) -> Answer<Json<api::Stopped>> {
    rooms.emergency(json(&body)?, &named(peer)).await.map(Json)
}

async fn retry(State(rooms): Handle, Body(body): Body) -> Answer<Json<api::Retried>> {
    let ask: api::Retry = json(&body)?;
    let id = ask.id.as_deref().map(post_id).transpose()?;
    rooms.retry(id).await.map(Json)
}

async fn release(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body,
) -> Answer<Json<api::Released>> {
    let ask: api::Release = json(&body)?;
    rooms.release(post_id(&ask.id)?, &named(peer)).await.map(Json)
}

async fn cancel(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body,
) -> Answer<Json<api::Cancelled>> {
    let ask: api::Cancel = json(&body)?;
    rooms.cancel(post_id(&ask.id)?, &named(peer)).await.map(Json)
}

async fn strange(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<PostArg>,
) -> Answer<Json<api::StrangeMail>> {
    let number = arg.id.parse().map_err(|_| {
        let hint = "The daily letter to the domain's admins has the numbers.";
        Problem::bad_request(format!("{:?} is no number of a bounce", arg.id), hint)
    })?;
    rooms.strange(number, sight).await.map(Json)
}

async fn resume(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body,
) -> Answer<Json<api::Resumed>> {
    let ask: api::Resume = json(&body)?;
    rooms.resume(&ask.address, &named(peer)).await.map(Json)
}

async fn admit(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body,
) -> Answer<Json<api::Changed>> {
    rooms.admit(json(&body)?, &named(peer)).await.map(Json)
}

async fn dismiss(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body,
) -> Answer<Json<api::Changed>> {
    rooms.dismiss(json(&body)?, &named(peer)).await.map(Json)
}

async fn directory(State(rooms): Handle) -> Answer<Json<api::DirectoryDetail>> {
    rooms.directory().await.map(Json)
}

async fn directory_diff(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<DiffArg>,
) -> Answer<Json<Vec<api::Difference>>> {
    rooms.directory_diff(arg.list.as_deref(), sight).await.map(Json)
}

async fn directory_accept(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body,
) -> Answer<Json<Vec<api::Held>>> {
    let wrong = |error: serde_json::Error| {
        Problem::bad_request(error.to_string(), "Use the listctl that came with this listd.")
    };
    let ask: api::Accept = serde_json::from_slice(&body).map_err(wrong)?;
    rooms.directory_accept(ask.list.as_deref(), &named(peer)).await.map(Json)
}

async fn directory_reject(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
) -> Answer<Json<Vec<api::Held>>> {
    rooms.directory_reject(&named(peer)).await.map(Json)
}

/// Who asks, for the log.
pub(super) fn named(peer: Peer) -> String {
    peer.uid.map_or_else(|| "somebody".to_owned(), |uid| format!("user {uid}"))
}

fn post_id(text: &str) -> Answer<u64> {
    text.parse().map_err(|_| {
        Problem::bad_request(
            format!("{text:?} is no id of a mail in the queue"),
            "listctl queue shows the ids in its first column.",
        )
    })
}

#[derive(Deserialize)]
struct HeldArg {
    list: Option<String>,
    limit: Option<usize>,
}

async fn held(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<HeldArg>,
) -> Answer<Json<api::HeldMails>> {
    let limit = arg.limit.unwrap_or(QUEUE_USUAL).min(QUEUE_MOST);
    rooms.held(arg.list.as_deref(), limit, sight).await.map(Json)
}

async fn held_mail(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<PostArg>,
) -> Answer<Json<api::HeldDetail>> {
    rooms.held_mail(held_id(&arg.id)?, sight).await.map(Json)
}

async fn decide(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body,
) -> Answer<Json<api::Decided>> {
    let api::Decide { id, choice } = json(&body)?;
    rooms.decide(held_id(&id)?, &choice, &named(peer)).await.map(Json)
}

fn held_id(text: &str) -> Answer<u64> {
    text.parse().map_err(|_| {
        Problem::bad_request(
            format!("{text:?} is no id of a held mail"),
            "listctl held shows the ids in its first column.",
        )
    })
}

async fn trace(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<TraceArg>,
) -> Answer<Json<api::Trace>> {
    rooms.trace(bare(&arg.message_id), sight).await.map(Json)
}

/// A Message-ID without brackets.
fn bare(id: &str) -> &str {
    let id = id.trim();
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

async fn learn(
    State(rooms): Handle,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body,
) -> Answer<Json<api::Learned>> {
    let api::Learn { message_id, spam } = json(&body)?;
    rooms.learn(bare(&message_id), spam, &named(peer)).await.map(Json)
}

async fn simulate(
    State(rooms): Handle,
    sight: Sight,
    Args(arg): Args<SimulateArg>,
    Body(mail): Body,
) -> Answer<Json<api::Simulation>> {
    let SimulateArg { list, copies, diff, as_verified } = arg;
    rooms.simulate(&list, mail, Wanted { copies, diff, as_verified, sight }).await.map(Json)
}

async fn dkim(
    State(rooms): Handle,
    Args(arg): Args<DkimArg>,
) -> Answer<Json<Vec<api::DkimRecord>>> {
    rooms.dkim(arg.domain.as_deref()).await.map(Json)
}

async fn providers(State(rooms): Handle, Args(arg): Args<DaysArg>) -> Answer<Json<api::Providers>> {
    rooms.providers(arg.days.unwrap_or(7).min(MOST_DAYS)).await.map(Json)
}

async fn facts(State(rooms): Handle) -> Answer<Json<api::Facts>> {
    rooms.facts().await.map(Json)
}
