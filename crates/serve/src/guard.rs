//! Who may come in: `Host`, `Origin`, token; and the log of requests.

use std::net::IpAddr;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::api_error::ApiError;
use crate::page;
use crate::state::{Shared, State as Server};

pub(crate) async fn guard(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>();
    let path = matched.map_or("other", MatchedPath::as_str).to_owned();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let refuse = |(reason, error): Refusal| {
        state.metrics.refused(reason);
        error.into_response()
    };
    let mut response = match site(&state, request.headers()) {
        Err(refusal) => refuse(refusal),
        Ok(()) => {
            // Browsers ask first, without a token, whether a page may send one.
            let mut response = match token(&state, &request) {
                _ if method == Method::OPTIONS && origin.is_some() => {
                    StatusCode::NO_CONTENT.into_response()
                }
                Ok(()) => next.run(request).await,
                Err(refusal) => refuse(refusal),
            };
            if let Some(origin) = origin {
                allow(response.headers_mut(), origin);
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    let (status, time) = (response.status().as_u16(), began.elapsed());
    state.metrics.request(&path, status, time);
    // The query, which may hold the token, is left out.
    tracing::info!(%method, path, status, ms = time.as_millis() as u64, "request");
    response
}

/// Why somebody may not come in, for the metrics and for the client.
type Refusal = (&'static str, ApiError);

/// Another site that is allowed may ask and read the answer.
fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    let methods = HeaderValue::from_static("GET, POST, DELETE");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let asked = HeaderValue::from_static("authorization, content-type");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the request is for this server, and of no foreign page.
fn site(state: &Server, headers: &HeaderMap) -> Result<(), Refusal> {
    let host = text(headers, header::HOST).unwrap_or_default();
    if !is_ours(state, host) {
        let error = ApiError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            "this server is not known by this name; start it with --allow-host NAME",
        );
        return Err(("host", error));
    }
    if headers.contains_key(header::ORIGIN) {
        let origin = text(headers, header::ORIGIN).unwrap_or_default();
        let site = origin.split_once("://").map_or("", |(_, site)| site);
        let same = !site.is_empty() && site.eq_ignore_ascii_case(host);
        if !same && !state.allow_origins.iter().any(|known| known == origin) {
            let error = ApiError::new(
                StatusCode::FORBIDDEN,
                "foreign_origin",
                "pages of other sites may not use this server; start it with --allow-origin SITE",
            );
            return Err(("origin", error));
        }
    }
    Ok(())
}

/// Whether the request has the token, where there is one.
fn token(state: &Server, request: &Request) -> Result<(), Refusal> {
    let Some(token) = &state.token else {
        return Ok(());
    };
    let path = request.uri().path();
    // What holds nobody's secrets: the page's files, and whether the server lives.
    if page::is_public(path) || path.starts_with("/v2/health/") {
        return Ok(());
    }
    let bearer = text(request.headers(), header::AUTHORIZATION)
        .and_then(|value| value.strip_prefix("Bearer "));
    let query = request.uri().query().unwrap_or_default();
    let in_query = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="));
    match bearer.or(in_query) {
        Some(given) if is_same(given, token) => Ok(()),
        Some(_) => Err(("token", unauthorized("the token is wrong"))),
        None => {
            let text = "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN";
            Err(("token", unauthorized(text)))
        }
    }
}

fn unauthorized(text: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", text)
}

/// Whether a `Host` is a name or an address of this server. A page of another site that
/// points its own name here (DNS rebinding) has another one.
fn is_ours(state: &Server, host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let is_known = |known: &String| known.eq_ignore_ascii_case(name);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || !state.is_local,
        Err(_) => name.eq_ignore_ascii_case("localhost") || state.allow_hosts.iter().any(is_known),
    }
}

/// Compares digests, so that the time tells nothing about the token.
fn is_same(a: &str, b: &str) -> bool {
    let pairs = Sha256::digest(a).into_iter().zip(Sha256::digest(b));
    pairs.fold(0, |different, (a, b)| different | (a ^ b)) == 0
}
