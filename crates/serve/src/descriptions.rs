//! What the server tells about itself: models, metrics, OpenAPI, OSCQuery, palette.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::api_error::ApiError;
use crate::state::Shared;

pub(crate) async fn server() -> Json<Value> {
    Json(json!({"name": "affekt", "version": env!("CARGO_PKG_VERSION"), "extensions": []}))
}

pub(crate) async fn live() -> Json<Value> {
    Json(json!({"live": true}))
}

pub(crate) async fn ready(State(state): State<Shared>) -> Response {
    let ready = !state.is_stopping();
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(json!({"ready": ready}))).into_response()
}

pub(crate) async fn model(
    State(state): State<Shared>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, ApiError> {
    let Path(name) = name?;
    let (name, recognizer) = state.model(Some(&name)).map_err(|error| ApiError {
        status: StatusCode::NOT_FOUND,
        ..error
    })?;
    let description = recognizer.description();
    Ok(Json(json!({
        "name": name, "platform": "affekt", "versions": ["1"],
        "inputs": [{"name": "sound", "datatype": "FP32", "shape": [-1]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [description.labels.len()]}],
        "labels": description.labels,
        "provenance": serde_json::to_value(&description.provenance).unwrap_or_default(),
    })))
}

pub(crate) async fn metrics(State(state): State<Shared>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], state.metrics.text()).into_response()
}

pub(crate) async fn openapi() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, include_str!("../../../docs/openapi.json")).into_response()
}

pub(crate) async fn palette(State(state): State<Shared>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, state.palette.clone()).into_response()
}

/// What `--osc` sends, as an OSCQuery tree.
pub(crate) async fn oscquery(
    State(state): State<Shared>,
    uri: axum::http::Uri,
) -> Result<Json<Value>, ApiError> {
    let Some(osc) = &state.osc else {
        let text = "nothing is sent by OSC; start the server with --osc HOST:PORT";
        return Err(ApiError::new(StatusCode::NOT_FOUND, "no_osc", text));
    };
    if uri.query().is_some_and(|query| query.contains("HOST_INFO")) {
        return Ok(Json(json!({
            "NAME": "affekt", "OSC_PORT": osc.port, "OSC_TRANSPORT": "UDP",
            "EXTENSIONS": {"ACCESS": true, "TYPE": true, "RANGE": true, "VALUE": false},
        })));
    }
    let labels: &[String] = state
        .models
        .first()
        .map_or(&[], |(_, model)| &model.description().labels);
    let node = |path: String, kind: &str, low: f64, high: f64| json!({"FULL_PATH": path, "TYPE": kind, "ACCESS": 1, "RANGE": [{"MIN": low, "MAX": high}]});
    let mut all = Map::new();
    let mut raw = Map::new();
    let prefix = &osc.prefix;
    for label in labels {
        all.insert(
            label.clone(),
            node(format!("{prefix}/{label}"), "f", 0.0, 1.0),
        );
        raw.insert(
            label.clone(),
            node(format!("{prefix}/raw/{label}"), "f", 0.0, 1.0),
        );
    }
    let rest = [
        ("label", "i", -1.0, labels.len() as f64 - 1.0),
        ("confidence", "f", 0.0, 1.0),
        ("speech", "i", 0.0, 1.0),
        ("level", "f", 0.0, 1.0),
        ("pitch", "f", 0.0, 1000.0),
        ("valence", "f", -1.0, 1.0),
        ("arousal", "f", -1.0, 1.0),
        ("unfamiliarity", "f", 0.0, 100.0),
        ("lag", "f", 0.0, 10.0),
        ("alive", "i", 0.0, f64::from(i32::MAX)),
    ];
    for (name, kind, low, high) in rest {
        all.insert(
            name.into(),
            node(format!("{prefix}/{name}"), kind, low, high),
        );
    }
    all.insert(
        "raw".into(),
        json!({"FULL_PATH": format!("{prefix}/raw"), "CONTENTS": raw}),
    );
    let mut tree = json!({"FULL_PATH": prefix, "CONTENTS": all});
    let mut path = prefix.as_str();
    while let Some((above, name)) = path.rsplit_once('/') {
        let full = if above.is_empty() { "/" } else { above };
        tree = json!({"FULL_PATH": full, "CONTENTS": {name: tree}});
        path = above;
    }
    Ok(Json(tree))
}
