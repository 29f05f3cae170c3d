//! What the server tells about itself: models, metrics, OpenAPI, OSCQuery, palette.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

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
    let mut tree = json!({"FULL_PATH": "/"});
    for address in &osc.addresses {
        insert(&mut tree, address);
    }
    Ok(Json(tree))
}

/// Adds an address to the tree, with what lies above it.
fn insert(tree: &mut Value, address: &stage::Address) {
    let (mut node, mut path) = (tree, String::new());
    for part in address.path.split('/').filter(|part| !part.is_empty()) {
        path = format!("{path}/{part}");
        node = &mut node["CONTENTS"][part];
        node["FULL_PATH"] = json!(path);
    }
    node["TYPE"] = json!(address.types);
    // 1: it can be read, not written.
    node["ACCESS"] = json!(1);
    if let Some((low, high)) = address.range {
        node["RANGE"] = json!([{"MIN": low, "MAX": high}]);
    }
}
