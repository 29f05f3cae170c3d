//! A synthetic voice.
