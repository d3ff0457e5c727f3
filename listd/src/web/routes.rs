//! Which path leads to which page.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

use super::{Site, fixed, guard, list, options, problem, question};

/// All pages, with what holds for each request.
pub fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(fixed::home))
        .route("/a11y", get(fixed::a11y))
        .route("/static/pages.css", get(fixed::style))
        .route("/robots.txt", get(fixed::robots))
        .route("/q/{token}", get(question::show).post(question::decide))
        .route("/u/{token}", get(options::leave).post(options::one_click))
        .route("/o/{token}", get(options::show).post(options::save))
        .route("/list/{address}", get(list::show).post(list::send))
        .fallback(problem::no_page)
        .method_not_allowed_fallback(problem::no_method)
        .layer(from_fn_with_state(site.clone(), guard::alone))
        .layer(from_fn_with_state(site.clone(), guard::turns))
        .layer(from_fn(guard::headers))
        .with_state(site)
}
