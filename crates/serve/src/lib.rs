//! A server and a page: the same ears for browsers, phones and other programs.
//!
//! [`Server::bind`] takes a [`Config`] and [`Server::run`] serves until it is told to
//! stop. What it speaks is described in `docs/server.md`.
//!
//! ```text
//! connection ─ accept ─ guard ─┬─ emotions ──── file queue ─┐
//!              (limits) (who)  ├─ speakers                  ├─ threads that compute
//!                              ├─ listen ─ live session ────┘        │
//!                              ├─ watch ──────── mailboxes ──────────┘
//!                              └─ page, wall, metrics, descriptions
//! ```
//!
//! Connections are asynchronous and never compute; what computes has threads of its own
//! and never waits for a connection: answers are put into mailboxes, which keep the
//! newest state for a slow reader. Recordings and live sessions have separate threads, so
//! that a long recording does not hold up anybody who speaks.

mod accept;
mod api_error;
mod audio_in;
mod config;
mod descriptions;
mod emotions;
mod error;
mod files;
mod guard;
mod listen;
mod mailbox;
mod metrics;
mod page;
mod protocol;
mod sessions;
mod socket;
mod speakers;
mod state;
mod upload;
mod watch;

pub use accept::Server;
pub use config::{Config, Limits, OscQuery};
pub use error::ServeError;
