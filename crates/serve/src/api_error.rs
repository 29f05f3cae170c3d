//! Errors of requests, in the shape that OpenAI's clients know.

use audio::AudioError;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::ModelError;
use serde_json::json;

/// What is wrong with a request.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) param: Option<String>,
    /// Seconds after which it may be tried again.
    pub(crate) retry_after: Option<u32>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            param: None,
            retry_after: None,
        }
    }

    /// Of a field of the request.
    pub(crate) fn field(param: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.to_owned()),
            ..Self::new(StatusCode::BAD_REQUEST, code, message)
        }
    }

    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Self {
            retry_after: Some(5),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
        }
    }

    /// What is wrong with the uploaded recording `name`.
    pub(crate) fn recording(name: &str, error: &ModelError) -> Self {
        let (status, code) = match error {
            ModelError::Audio(error) => match error {
                AudioError::TooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_long"),
                AudioError::Unsupported { .. } | AudioError::NotBuiltIn { .. } => {
                    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_audio")
                }
                AudioError::Corrupt { .. } => (StatusCode::BAD_REQUEST, "damaged"),
                AudioError::TooShort { .. } => (StatusCode::BAD_REQUEST, "too_short"),
                _ => (StatusCode::BAD_REQUEST, "not_readable"),
            },
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "model"),
        };
        let text = error.to_string();
        // A client has no command line of ours and no file of this name here.
        let text = text
            .split("; convert it, for example")
            .next()
            .unwrap_or(&text);
        let text = text.strip_prefix("audio in memory: ").unwrap_or(text);
        Self {
            param: Some("file".into()),
            ..Self::new(status, code, format!("{name}: {text}"))
        }
    }

    fn kind(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 | 421 => "permission_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind(),
            "param": self.param,
            "code": self.code,
        }})
    }
}

impl From<PathRejection> for ApiError {
    fn from(error: PathRejection) -> Self {
        Self::new(error.status(), "bad_path", error.body_text())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.json())).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
