//! Messages between a thread that computes and a connection: bounded, and never waited for.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::Notify;

/// Measurements that wait; of more the oldest is left out.
const MEASUREMENTS: usize = 8;
/// All messages that wait; a reader that is farther behind is given up.
const ALL: usize = 512;

/// What may be done with a message that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A newer one makes it superfluous.
    Measurement,
    /// It must not be lost.
    Keep,
}

/// What comes out of a mailbox.
#[derive(Debug, PartialEq)]
pub(crate) enum Post {
    Message(Utf8Bytes),
    /// Nothing more will come.
    End,
    /// So much waits that the reader is given up.
    Overflow,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<(Kind, Utf8Bytes)>,
    measurements: usize,
    ended: bool,
    overflow: bool,
}

/// Messages for one connection.
#[derive(Default)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    changed: Notify,
}

impl Mailbox {
    /// Adds a message; never waits.
    pub(crate) fn push(&self, kind: Kind, text: Utf8Bytes) {
        let mut inner = self.lock();
        if inner.ended || inner.overflow {
            return;
        }
        if kind == Kind::Measurement {
            inner.measurements += 1;
            if inner.measurements > MEASUREMENTS {
                let oldest = inner
                    .waiting
                    .iter()
                    .position(|(kind, _)| *kind == Kind::Measurement);
                if let Some(oldest) = oldest {
                    inner.waiting.remove(oldest);
                    inner.measurements -= 1;
                }
            }
        }
        inner.waiting.push_back((kind, text));
        if inner.waiting.len() > ALL {
            inner.overflow = true;
            inner.waiting.clear();
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// Nothing more comes after what waits.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    /// The next message.
    pub(crate) async fn next(&self) -> Post {
        loop {
            if let Some(post) = self.try_next() {
                return post;
            }
            self.changed.notified().await;
        }
    }

    fn try_next(&self) -> Option<Post> {
        let mut inner = self.lock();
        if inner.overflow {
            return Some(Post::Overflow);
        }
        match inner.waiting.pop_front() {
            Some((kind, text)) => {
                inner.measurements -= usize::from(kind == Kind::Measurement);
                Some(Post::Message(text))
            }
            None if inner.ended => Some(Post::End),
            None => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_gets_the_newest_measurements_and_every_utterance() {
        let mailbox = Mailbox::default();
        for n in 0..100 {
            if n % 10 == 0 {
                mailbox.push(Kind::Keep, format!("utterance {n}").into());
            }
            mailbox.push(Kind::Measurement, format!("{n}").into());
        }
        mailbox.end();
        let mut got = Vec::new();
        while let Some(Post::Message(text)) = mailbox.try_next() {
            got.push(text.to_string());
        }
        let (utterances, measurements): (Vec<String>, Vec<String>) =
            got.into_iter().partition(|text| text.starts_with('u'));
        assert_eq!(utterances.len(), 10);
        assert_eq!(
            measurements,
            (92..100).map(|n| n.to_string()).collect::<Vec<_>>()
        );
        assert_eq!(mailbox.try_next(), Some(Post::End));
    }

    #[test]
    fn what_must_not_be_lost_has_a_bound_too() {
        let mailbox = Mailbox::default();
        (0..=ALL).for_each(|n| mailbox.push(Kind::Keep, format!("{n}").into()));
        assert_eq!(mailbox.try_next(), Some(Post::Overflow));
    }
}
