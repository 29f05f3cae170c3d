//! `POST /v1/audio/emotions` and `/v1/speakers`: uploaded recordings.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use report::ReportError;
use report::segments::{self, Segment};
use report::tables::{self, Records};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::api_error::ApiError;
use crate::files::{Answer, Files, Heard, Job, Kind};
use crate::speakers::{Speaker, is_name};
use crate::state::Shared;
use crate::upload::Form;

/// The answer's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    VerboseJson,
    Csv,
    Vtt,
    Srt,
    Rttm,
    Textgrid,
    Audacity,
}

impl Format {
    const ALL: [(&str, Format); 8] = [
        ("json", Format::Json),
        ("verbose_json", Format::VerboseJson),
        ("csv", Format::Csv),
        ("vtt", Format::Vtt),
        ("srt", Format::Srt),
        ("rttm", Format::Rttm),
        ("textgrid", Format::Textgrid),
        ("audacity", Format::Audacity),
    ];

    fn is_json(self) -> bool {
        matches!(self, Format::Json | Format::VerboseJson)
    }
}

/// What a form asks for.
struct Asked {
    format: Format,
    stream: bool,
    job: Job,
}

async fn form(state: &Shared, request: Request) -> Result<Form, ApiError> {
    let parts = Multipart::from_request(request, state)
        .await
        .map_err(|error| {
            let status = match error.status() {
                StatusCode::BAD_REQUEST => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                status => status,
            };
            ApiError::new(
                status,
                "not_multipart",
                "send a form: multipart/form-data with a boundary",
            )
        })?;
    Form::read(state, parts).await
}

fn flag(name: &str, text: &str) -> Result<bool, ApiError> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ApiError::field(
            name,
            "bad_value",
            format!("{name} is true or false"),
        )),
    }
}

fn asked(state: &Shared, form: &Form) -> Result<Asked, ApiError> {
    let (mut format, mut over_time, mut is_stream) = (Format::Json, false, false);
    let (mut model, mut speaker) = (None, None);
    for (name, text) in &form.texts {
        match name.as_str() {
            "model" => model = Some(text.as_str()),
            "speaker" => speaker = Some(text.as_str()),
            "timeline" => over_time = flag(name, text)?,
            "stream" => is_stream = flag(name, text)?,
            "response_format" => {
                let found = Format::ALL.iter().find(|(known, _)| known == text);
                let known: Vec<&str> = Format::ALL.iter().map(|(known, _)| *known).collect();
                format = found.map(|(_, format)| *format).ok_or_else(|| {
                    let known = known.join(", ");
                    ApiError::field(
                        name,
                        "bad_value",
                        format!("response_format is one of {known}"),
                    )
                })?;
            }
            _ => {
                let text = format!("there is no field {name:?}");
                return Err(ApiError::field(name, "unknown_field", text));
            }
        }
    }
    let [file] = form.files.as_slice() else {
        return Err(ApiError::field(
            "file",
            "missing",
            "send one file, in the field `file`",
        ));
    };
    if is_stream && !format.is_json() {
        let text = "stream is for json and verbose_json";
        return Err(ApiError::field("stream", "bad_value", text));
    }
    let profile = match speaker {
        None => None,
        Some(name) => Some(profile(state, name)?),
    };
    let (model, recognizer) = state.model(model)?;
    let over_time = over_time || !(format.is_json() || format == Format::Csv);
    Ok(Asked {
        format,
        stream: is_stream,
        job: Job {
            kind: if over_time {
                Kind::Timeline
            } else {
                Kind::Classify
            },
            files: vec![file.clone()],
            model: model.clone(),
            recognizer: recognizer.clone(),
            profile,
            progress: None,
        },
    })
}

/// The profile of an enrolled speaker.
pub(crate) fn profile(state: &Shared, name: &str) -> Result<live::Profile, ApiError> {
    let missing = || {
        let text = format!("no speaker {name:?} is enrolled");
        ApiError::field("speaker", "speaker_not_found", text)
    };
    Ok(state.speakers.get(name).ok_or_else(missing)?.profile)
}

pub(crate) async fn classify(
    State(state): State<Shared>,
    request: Request,
) -> Result<Response, ApiError> {
    let form = form(&state, request).await?;
    let mut asked = asked(&state, &form)?;
    let (model, format) = (asked.job.model.clone(), asked.format);
    let labels = asked.job.recognizer.description().labels.clone();
    let name = form
        .files
        .first()
        .map(|(name, _)| name.clone())
        .unwrap_or_default();
    if !asked.stream {
        let heard = Files::hear(&state, asked.job).await?;
        return Ok(written(format, &name, &model, &labels, &heard));
    }
    let (progress, mut shares) = mpsc::channel(4);
    asked.job.progress = Some(progress);
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        // The memory of the upload is held until the answer is there.
        let _form = form;
        let hear = Files::hear(&state, asked.job);
        let mut hear = std::pin::pin!(hear);
        let event = |kind: &str, value: &Value| {
            Ok::<_, Infallible>(sse::Event::default().event(kind).data(value.to_string()))
        };
        let last = loop {
            tokio::select! {
                heard = &mut hear => break match heard {
                    Ok(heard) => event("result", &json(format, &model, &labels, &heard)),
                    Err(error) => event("error", &error.json()),
                },
                Some(share) = shares.recv() => {
                    if sender.send(event("progress", &json!({"progress": share}))).await.is_err() {
                        return;
                    }
                }
            }
        };
        // A client that has gone needs no answer.
        let _ = sender.send(last).await;
    });
    let events = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|event| (event, receiver))
    });
    let alive = sse::KeepAlive::new().interval(Duration::from_secs(10));
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

fn written(format: Format, name: &str, model: &str, labels: &[String], heard: &Heard) -> Response {
    let text =
        |kind: &'static str, text: String| ([(header::CONTENT_TYPE, kind)], text).into_response();
    let plain = "text/plain; charset=utf-8";
    match (format, &heard.answer) {
        (Format::Csv, _) => match csv(name, labels, heard) {
            Ok(bytes) => {
                ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], bytes).into_response()
            }
            Err(error) => internal(error).into_response(),
        },
        (Format::Vtt, Answer::Timeline { segments, .. }) => {
            text("text/vtt; charset=utf-8", segments::vtt(segments))
        }
        (Format::Srt, Answer::Timeline { segments, .. }) => text(
            "application/x-subrip; charset=utf-8",
            segments::srt(segments),
        ),
        (Format::Rttm, Answer::Timeline { segments, .. }) => {
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            text(plain, segments::rttm(stem, segments))
        }
        (Format::Textgrid, Answer::Timeline { segments, .. }) => {
            text(plain, segments::text_grid(segments))
        }
        (Format::Audacity, Answer::Timeline { segments, .. }) => {
            text(plain, segments::audacity(segments))
        }
        _ => Json(json(format, model, labels, heard)).into_response(),
    }
}

fn named(labels: &[String], values: &[f32]) -> Map<String, Value> {
    let pairs = labels.iter().zip(values);
    pairs.map(|(label, p)| (label.clone(), json!(p))).collect()
}

fn json(format: Format, model: &str, labels: &[String], heard: &Heard) -> Value {
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    match &heard.answer {
        Answer::Whole(said) => {
            let verdict = said.verdict();
            let scores: Vec<f32> = said.scores().iter().map(|(_, p)| *p).collect();
            let kind = serde_json::to_value(verdict).unwrap_or_default();
            set("label", json!(verdict.label()));
            set("probability", json!(said.probability()));
            set("verdict", kind.get("verdict").cloned().unwrap_or_default());
            set("probabilities", Value::Object(named(labels, &scores)));
            if format == Format::VerboseJson {
                set("speech_seconds", json!(said.speech_seconds()));
                set("unfamiliarity", json!(said.unfamiliarity()));
            }
        }
        Answer::Timeline { segments, curves } => {
            set(
                "segments",
                segments.iter().map(|s| segment(labels, s)).collect(),
            );
            if format == Format::VerboseJson {
                let times: Vec<f64> = curves.iter().map(|(time, _)| *time).collect();
                let of = |(n, label): (usize, &String)| {
                    let values = curves.iter().map(|(_, p)| json!(p.get(n)));
                    (label.clone(), values.collect::<Value>())
                };
                let all: Map<_, _> = labels.iter().enumerate().map(of).collect();
                set("curves", json!({"times": times, "probabilities": all}));
            }
        }
        Answer::Profile(_) => {}
    }
    if format == Format::VerboseJson {
        set("duration", json!(heard.read.seconds));
        set("model", json!(model));
        set("seconds_lost", json!(heard.read.seconds_lost));
        set("notes", json!(heard.read.notes));
    }
    Value::Object(object)
}

fn segment(labels: &[String], segment: &Segment) -> Value {
    json!({
        "start": segment.start, "end": segment.end, "label": segment.label,
        "verdict": segment.verdict, "speech": segment.speech,
        "unfamiliarity": segment.unfamiliarity,
        "probabilities": named(labels, &segment.probabilities),
    })
}

/// The tables of `affekt classify` and `affekt timeline`, as far as a server knows them.
fn csv(name: &str, labels: &[String], heard: &Heard) -> Result<Vec<u8>, ReportError> {
    match &heard.answer {
        Answer::Whole(said) => {
            let first = [
                ("path", tables::Kind::Text),
                ("label", tables::Kind::Text),
                ("probability", tables::Kind::Number),
                ("seconds", tables::Kind::Number),
                ("unfamiliarity", tables::Kind::Number),
            ];
            let first = first.map(|(name, kind)| (name.to_owned(), kind));
            let named = |label: &String| (format!("p_{label}"), tables::Kind::Number);
            let mut table = Records::new(first.into_iter().chain(labels.iter().map(named)));
            let first = [
                tables::Value::Text(name.to_owned()),
                tables::Value::text(said.verdict().label()),
                tables::Value::Number(said.probability().into()),
                tables::Value::Number(heard.read.seconds),
                tables::Value::number(said.unfamiliarity().map(f64::from)),
            ];
            let scores = said.scores().iter();
            let scores = scores.map(|(_, p)| tables::Value::Number(f64::from(*p)));
            table.push(first.into_iter().chain(scores).collect())?;
            table.csv()
        }
        Answer::Timeline { segments, .. } => {
            let mut table = segments::records(labels);
            for segment in segments {
                table.push(segments::row(name, segment))?;
            }
            table.csv()
        }
        Answer::Profile(_) => Ok(Vec::new()),
    }
}

/// `POST /v1/speakers`.
pub(crate) async fn enrol(
    State(state): State<Shared>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let form = form(&state, request).await?;
    let (mut name, mut model) = (None, None);
    for (field, text) in &form.texts {
        match field.as_str() {
            "name" => name = Some(text.as_str()),
            "model" => model = Some(text.as_str()),
            _ => {
                let text = format!("there is no field {field:?}");
                return Err(ApiError::field(field, "unknown_field", text));
            }
        }
    }
    let Some(name) = name.filter(|name| is_name(name)) else {
        let text = "give a name of letters, digits, spaces, - and _";
        return Err(ApiError::field("name", "bad_value", text));
    };
    if form.files.is_empty() {
        return Err(ApiError::field(
            "file",
            "missing",
            "send files, in the field `file`",
        ));
    }
    let (model, recognizer) = state.model(model)?;
    let job = Job {
        kind: Kind::Enrol,
        files: form.files.clone(),
        model: model.clone(),
        recognizer: recognizer.clone(),
        profile: None,
        progress: None,
    };
    let Answer::Profile(profile) = Files::hear(&state, job).await?.answer else {
        return Err(ApiError::field("file", "no_speech", "nothing was learned"));
    };
    let seconds = profile.seconds();
    let speaker = Speaker {
        model: model.clone(),
        profile,
    };
    state.speakers.set(name, speaker).map_err(internal)?;
    Ok(Json(json!({"name": name, "seconds": seconds})))
}

fn internal(error: impl std::error::Error) -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "failed",
        error.to_string(),
    )
}

/// `GET /v1/speakers`.
pub(crate) async fn speakers(State(state): State<Shared>) -> Json<Value> {
    let object = |(name, speaker): (String, Speaker)| json!({"name": name, "seconds": speaker.profile.seconds(), "model": speaker.model});
    let all: Vec<Value> = state.speakers.all().into_iter().map(object).collect();
    Json(json!({"speakers": all}))
}

/// `DELETE /v1/speakers/NAME`.
pub(crate) async fn forget(
    State(state): State<Shared>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, ApiError> {
    let Path(name) = name?;
    match state.speakers.delete(&name).map_err(internal)? {
        true => Ok(Json(json!({"name": name, "deleted": true}))),
        false => {
            let text = format!("no speaker {name:?} is enrolled");
            Err(ApiError::new(
                StatusCode::NOT_FOUND,
                "speaker_not_found",
                text,
            ))
        }
    }
}
