//! Drives the built `affekt` from outside, as a user would: a file a subject.

mod architecture;
mod bad_input;
mod checks;
mod classical;
mod confidence;
mod corpora;
mod cross_validation;
mod explain;
mod first_light;
mod harness;
mod listening;
mod plot;
mod ravdess;
mod results;
mod select;
mod sturdy;
mod tables;
