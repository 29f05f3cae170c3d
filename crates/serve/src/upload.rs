//! Multipart uploads, read with limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;
use tokio::time::timeout;

use crate::api_error::ApiError;
use crate::state::{Shared, State};

/// Bytes of a field that is no file.
const TEXT: usize = 4096;
/// Fields at most.
const FIELDS: usize = 64;
/// All uploads in memory, in units of the largest one.
const AT_ONCE: usize = 4;
/// The longest time for a whole upload.
const LONGEST: Duration = Duration::from_secs(600);

/// The fields of a form.
pub(crate) struct Form {
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) files: Vec<(String, Bytes)>,
    reserved: Reserved,
}

/// Memory that an upload holds.
struct Reserved {
    state: Arc<State>,
    bytes: usize,
}

impl Reserved {
    fn add(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.bytes += bytes;
        let counter: &AtomicUsize = &self.state.uploading;
        let all = counter.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if self.bytes > self.state.limits.upload {
            let most = self.state.limits.upload >> 20;
            let text = format!("the upload is larger than {most} MiB");
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                text,
            ));
        }
        match all > AT_ONCE * self.state.limits.upload {
            true => Err(ApiError::busy(
                "too many uploads at a time; try again later",
            )),
            false => Ok(()),
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.state
            .uploading
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Form {
    /// Reads a form.
    pub(crate) async fn read(state: &Shared, mut parts: Multipart) -> Result<Self, ApiError> {
        let mut form = Form {
            texts: Vec::new(),
            files: Vec::new(),
            reserved: Reserved {
                state: Arc::clone(state),
                bytes: 0,
            },
        };
        let idle = state.limits.idle;
        let all = async {
            while let Some(field) = slow(idle, parts.next_field()).await? {
                form.take(field, idle).await?;
            }
            Ok::<(), ApiError>(())
        };
        timeout(LONGEST, all).await.map_err(|_| too_slow())??;
        Ok(form)
    }

    async fn take(&mut self, mut field: Field<'_>, idle: Duration) -> Result<(), ApiError> {
        let name = field.name().unwrap_or_default().to_owned();
        if self.texts.len() + self.files.len() >= FIELDS {
            return Err(ApiError::field(
                &name,
                "too_many",
                "there are too many fields",
            ));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = slow(idle, field.chunk()).await? {
            self.reserved.add(piece.len())?;
            if name != "file" && bytes.len() + piece.len() > TEXT {
                return Err(ApiError::field(
                    &name,
                    "too_long",
                    format!("{name} is too long"),
                ));
            }
            bytes.extend_from_slice(&piece);
        }
        if name == "file" {
            let file = field.file_name().unwrap_or("file");
            let file = file.rsplit(['/', '\\']).next().unwrap_or("file");
            let file = file.chars().filter(|c| !c.is_control()).take(200).collect();
            self.files.push((file, bytes.into()));
            return Ok(());
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| ApiError::field(&name, "not_text", format!("{name} is not UTF-8")))?;
        self.texts.push((name, text));
        Ok(())
    }
}

fn too_slow() -> ApiError {
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        "too_slow",
        "the upload pauses for too long",
    )
}

async fn slow<T>(
    idle: Duration,
    part: impl Future<Output = Result<T, MultipartError>>,
) -> Result<T, ApiError> {
    match timeout(idle, part).await {
        Ok(done) => done.map_err(|error| {
            let code = match error.status() {
                StatusCode::PAYLOAD_TOO_LARGE => "too_large",
                _ => "bad_form",
            };
            ApiError::new(error.status(), code, error.body_text())
        }),
        Err(_) => Err(too_slow()),
    }
}
