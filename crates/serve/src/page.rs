//! The page, the wall and their files, embedded in the program.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api_error::ApiError;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../page/", $name)))),*]
    };
}

const FILES: &[(&str, &[u8])] = files![
    "colours.js",
    "curves.js",
    "enrol.js",
    "example.wav",
    "exports.js",
    "files.js",
    "index.html",
    "live.js",
    "microphone.js",
    "page.js",
    "scene-aurora.js",
    "scene-ink.js",
    "scene-pulse.js",
    "scene-silk.js",
    "socket.js",
    "spectrogram.js",
    "style.css",
    "texts-de.js",
    "texts-en.js",
    "texts-zh.js",
    "texts.js",
    "timeline.js",
    "ui.js",
    "view.js",
    "wall-canvas.js",
    "wall-colour.js",
    "wall-demo.js",
    "wall-gl.js",
    "wall-state.js",
    "wall.css",
    "wall.html",
    "wall.js",
    "worklet.js",
];

/// Nothing but what this server sends may run on the page.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
    connect-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'";

/// Whether a path is a file of the page, which holds no secret.
pub(crate) fn is_public(path: &str) -> bool {
    let name = path.trim_start_matches('/');
    matches!(path, "/" | "/wall") || FILES.iter().any(|(known, _)| *known == name)
}

pub(crate) async fn index() -> Response {
    file("index.html", "frame-ancestors 'none'")
}

/// Programs such as OBS show the wall within something else.
pub(crate) async fn wall() -> Response {
    file("wall.html", "frame-ancestors *")
}

pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    file(&name, "frame-ancestors 'none'")
}

fn file(name: &str, ancestors: &str) -> Response {
    let Some((_, bytes)) = FILES.iter().find(|(known, _)| *known == name) else {
        return ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
            .into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wav") => "audio/wav",
        _ => "application/octet-stream",
    };
    let policy = format!("{POLICY}; {ancestors}");
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
    ];
    (headers, *bytes).into_response()
}
