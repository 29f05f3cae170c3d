//! Sound between a source and a session: a queue with a bound.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What happens to sound that comes faster than it is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The source waits: for files and pipes.
    Wait,
    /// The oldest sound is dropped, and counted: for microphones, which do not wait.
    DropOldest,
}

/// What [`Queue::take`] found.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// Sound, and how many seconds wait behind it.
    Samples {
        /// Mono samples.
        samples: Vec<f32>,
        /// Seconds in the queue after them; 0 where the source waits, since it would
        /// fill any queue.
        waiting: f64,
    },
    /// So many seconds are missing here.
    Gap(f64),
    /// A mark that was put between the sound.
    Mark(u64),
    /// Nothing came in the time given.
    Nothing,
    /// The source has ended, for this reason if it failed.
    End(Option<String>),
}

enum Part {
    Samples(Vec<f32>),
    Gap(f64),
    Mark(u64),
}

struct Inner {
    parts: VecDeque<Part>,
    /// Samples in all parts.
    count: usize,
    ended: Option<Option<String>>,
    /// Nobody listens any more.
    closed: bool,
}

/// Sound that waits to be heard. One thread pushes, another takes.
pub struct Queue {
    inner: Mutex<Inner>,
    changed: Condvar,
    rate: f64,
    most: usize,
    full: Full,
}

/// Samples taken at once, in seconds.
const AT_ONCE: f64 = 1.0;

impl Queue {
    /// For samples at `rate` Hz, at most so many seconds of them.
    pub fn new(rate: u32, seconds: f64, full: Full) -> Self {
        let rate = f64::from(rate);
        Self {
            inner: Mutex::new(Inner {
                parts: VecDeque::new(),
                count: 0,
                ended: None,
                closed: false,
            }),
            changed: Condvar::new(),
            rate,
            most: (seconds * rate).max(1.0) as usize,
            full,
        }
    }

    /// Adds samples; false if nobody listens any more. Without samples it only asks.
    pub fn push(&self, samples: Vec<f32>) -> bool {
        let mut inner = self.lock();
        if samples.is_empty() {
            return !inner.closed;
        }
        if self.full == Full::Wait {
            while inner.count >= self.most && !inner.closed {
                inner = self.wait(inner, Duration::from_secs(1));
            }
        }
        inner.count += samples.len();
        inner.parts.push_back(Part::Samples(samples));
        if self.full == Full::DropOldest {
            self.drop_oldest(&mut inner);
        }
        self.changed.notify_all();
        !inner.closed
    }

    /// Says that sound is missing.
    pub fn gap(&self, seconds: f64) {
        self.lock().parts.push_back(Part::Gap(seconds));
        self.changed.notify_all();
    }

    /// Puts a mark behind the sound so far: what whoever pushes wants done there.
    pub fn mark(&self, mark: u64) {
        self.lock().parts.push_back(Part::Mark(mark));
        self.changed.notify_all();
    }

    /// Whether [`take`](Self::take) has something to give: sound, a gap, a mark, or the end.
    pub fn is_ready(&self) -> bool {
        let inner = self.lock();
        !inner.parts.is_empty() || inner.ended.is_some()
    }

    /// Ends the sound, with a reason if it failed.
    pub fn end(&self, failure: Option<String>) {
        self.lock().ended = Some(failure);
        self.changed.notify_all();
    }

    /// Nobody listens any more: a waiting source goes on and is told.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The next sound; waits for it at most so long.
    pub fn take(&self, at_most: Duration) -> Taken {
        let until = Instant::now() + at_most;
        let mut inner = self.lock();
        while inner.parts.is_empty() && inner.ended.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::Nothing;
            }
            inner = self.wait(inner, left);
        }
        let mut samples = Vec::new();
        let at_once = (AT_ONCE * self.rate) as usize;
        while let Some(part) = inner.parts.pop_front() {
            match part {
                Part::Samples(part) => samples.extend(part),
                Part::Gap(seconds) if samples.is_empty() => return Taken::Gap(seconds),
                Part::Mark(mark) if samples.is_empty() => return Taken::Mark(mark),
                other => {
                    inner.parts.push_front(other);
                    break;
                }
            }
            if samples.len() >= at_once {
                break;
            }
        }
        inner.count -= samples.len();
        self.changed.notify_all();
        if samples.is_empty() {
            return Taken::End(inner.ended.clone().flatten());
        }
        Taken::Samples {
            samples,
            waiting: match self.full {
                Full::Wait => 0.0,
                Full::DropOldest => inner.count as f64 / self.rate,
            },
        }
    }

    /// What is too old becomes a gap before what is left.
    fn drop_oldest(&self, inner: &mut Inner) {
        let mut seconds = 0.0;
        // Marks stay; they are rare.
        let mut marks = Vec::new();
        while inner.count > self.most {
            match inner.parts.pop_front() {
                Some(Part::Samples(part)) => {
                    inner.count -= part.len();
                    seconds += part.len() as f64 / self.rate;
                }
                Some(Part::Gap(gap)) => seconds += gap,
                Some(mark @ Part::Mark(_)) => marks.push(mark),
                None => break,
            }
        }
        if seconds > 0.0 {
            match inner.parts.front_mut() {
                Some(Part::Gap(gap)) => *gap += seconds,
                _ => inner.parts.push_front(Part::Gap(seconds)),
            }
        }
        for mark in marks.into_iter().rev() {
            inner.parts.push_front(mark);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, inner: MutexGuard<'a, Inner>, time: Duration) -> MutexGuard<'a, Inner> {
        let waited = self.changed.wait_timeout(inner, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_full_queue_drops_the_oldest_and_says_how_much() {
        let queue = Queue::new(10, 2.0, Full::DropOldest);
        (0..5).for_each(|n| assert!(queue.push(vec![n as f32; 10])));
        assert_eq!(queue.take(Duration::ZERO), Taken::Gap(3.0));
        let taken = queue.take(Duration::ZERO);
        let expected = Taken::Samples {
            samples: vec![3.0; 10],
            waiting: 1.0,
        };
        assert_eq!(taken, expected);
        // A question is no sound.
        assert!(queue.push(Vec::new()));
        queue.gap(0.5);
        queue.end(Some("gone".into()));
        assert!(matches!(queue.take(Duration::ZERO), Taken::Samples { .. }));
        assert_eq!(queue.take(Duration::ZERO), Taken::Gap(0.5));
        assert_eq!(queue.take(Duration::ZERO), Taken::End(Some("gone".into())));
    }

    #[test]
    fn a_mark_keeps_its_place_and_is_never_dropped() {
        let queue = Queue::new(10, 1.0, Full::DropOldest);
        assert!(!queue.is_ready());
        queue.mark(1);
        assert!(queue.push(vec![1.0; 10]) && queue.push(vec![2.0; 10]));
        queue.mark(2);
        assert_eq!(queue.take(Duration::ZERO), Taken::Mark(1));
        assert_eq!(queue.take(Duration::ZERO), Taken::Gap(1.0));
        assert!(matches!(queue.take(Duration::ZERO), Taken::Samples { .. }));
        assert!(queue.is_ready());
        assert_eq!(queue.take(Duration::ZERO), Taken::Mark(2));
        assert_eq!(queue.take(Duration::ZERO), Taken::Nothing);
    }

    #[test]
    fn a_source_that_waits_loses_nothing_and_is_let_go() {
        let queue = Arc::new(Queue::new(10, 1.0, Full::Wait));
        let source = {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || {
                (0..100)
                    .take_while(|n| queue.push(vec![*n as f32; 5]))
                    .count()
            })
        };
        let mut heard = Vec::new();
        while heard.len() < 200 {
            if let Taken::Samples { samples, waiting } = queue.take(Duration::from_secs(5)) {
                assert_eq!(waiting, 0.0);
                heard.extend(samples);
            }
        }
        assert!(
            heard
                .iter()
                .enumerate()
                .all(|(n, value)| *value == (n / 5) as f32)
        );
        queue.close();
        assert!(source.join().unwrap() < 100);
    }
}
