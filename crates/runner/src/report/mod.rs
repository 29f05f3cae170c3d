//! Metrics and pictures.
