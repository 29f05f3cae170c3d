//! Deltas of frames that are still arriving.

use super::delta::{DeltaMethod, delta, derivative_kernel, regression_kernel};
use crate::error::AudioError;
use crate::frames::Frames;

/// The most frames on either side of a delta in a stream.
const HALF_AT_MOST: usize = 1_000;
/// The highest order of deltas in a stream.
const ORDERS_AT_MOST: usize = 8;

/// Appends deltas to rows that arrive one by one.
///
/// A delta needs later rows, so the output is delayed:
///
/// | method | delay in rows |
/// |---|---|
/// | [`Regression`](DeltaMethod::Regression) over `n` frames | `n` for every order: 2 for HTK's deltas, 4 with their deltas |
/// | [`SavitzkyGolay`](DeltaMethod::SavitzkyGolay) of a width | `width / 2` for all orders together; `width - 1` at the start |
///
/// [`finish`](Self::finish) outputs the rows still delayed. All rows together
/// equal the input rows with their [`delta`] beside them, bit for bit, including
/// the ends. Nothing is allocated after `new`, except by `finish` for a stream
/// shorter than `width`.
///
/// ```
/// use audio::{DeltaMethod, DeltaStream, Frames, delta};
/// let mut stream = DeltaStream::new(1, 1, DeltaMethod::HTK)?;
/// let mut slopes = Vec::new();
/// for value in [1.0, 2.0, 4.0, 4.0, 5.0] {
///     stream.push(&[value], |row| slopes.push(row[1]));
/// }
/// assert_eq!(slopes.len(), 3); // two rows late
/// stream.finish(|row| slopes.push(row[1]));
///
/// let frames = Frames::new(vec![1.0, 2.0, 4.0, 4.0, 5.0], 1);
/// assert_eq!(slopes, delta(&frames, 1, DeltaMethod::HTK).data());
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Debug)]
pub struct DeltaStream {
    columns: usize,
    method: DeltaMethod,
    /// The input rows, then their deltas of each order.
    levels: Vec<Level>,
    /// Number of rows output so far.
    given: usize,
    sums: Vec<f64>,
    row: Vec<f32>,
}

/// The latest rows of one order.
#[derive(Debug)]
struct Level {
    /// Computes this level's rows from those of level `source`.
    kernel: Vec<f64>,
    source: usize,
    /// Number of rows so far.
    len: usize,
    /// Whether no more rows will follow.
    ended: bool,
    /// Row `t` is at `t % capacity`.
    ring: Vec<f32>,
}

impl DeltaStream {
    /// Deltas of the orders 1 to `orders` of rows of `columns` values.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if an order, the width or `n` is out of range, or
    /// the width is even or too short for the order.
    pub fn new(columns: usize, orders: usize, method: DeltaMethod) -> Result<Self, AudioError> {
        let half = match method {
            DeltaMethod::Regression { n } => n.max(1),
            DeltaMethod::SavitzkyGolay { width } if width % 2 == 0 => {
                return Err(AudioError::settings(format!(
                    "the width of the deltas is {width}, it must be odd"
                )));
            }
            DeltaMethod::SavitzkyGolay { width } => width / 2,
        };
        if half > HALF_AT_MOST || orders > ORDERS_AT_MOST {
            return Err(AudioError::settings(format!(
                "deltas of order {orders} over {half} frames on either side are too many for a \
                 stream; at most {ORDERS_AT_MOST} orders and {HALF_AT_MOST} frames are allowed"
            )));
        }
        // The first level may be this far ahead of the last, plus one kernel.
        let capacity = (orders + 2) * half + 1;
        let levels = (0..=orders)
            .map(|order| {
                let (kernel, source) = match method {
                    DeltaMethod::Regression { .. } => {
                        (regression_kernel(half), order.saturating_sub(1))
                    }
                    DeltaMethod::SavitzkyGolay { width } => (
                        derivative_kernel(half, order).ok_or_else(|| {
                            AudioError::settings(format!(
                                "the width of the deltas is {width}, too short for order {order}"
                            ))
                        })?,
                        0,
                    ),
                };
                Ok(Level {
                    kernel,
                    source,
                    len: 0,
                    ended: false,
                    ring: vec![0.0; capacity * columns],
                })
            })
            .collect::<Result<_, AudioError>>()?;
        Ok(DeltaStream {
            columns,
            method,
            levels,
            given: 0,
            sums: vec![0.0; columns],
            row: vec![0.0; columns * (orders + 1)],
        })
    }

    /// Values in an output row: the columns, then their deltas of each order.
    pub fn columns(&self) -> usize {
        self.row.len()
    }

    /// Takes the next row and calls `each` with every row that it completes.
    ///
    /// # Panics
    ///
    /// If the number of values in `row` is not the number of input columns.
    pub fn push(&mut self, row: &[f32], mut each: impl FnMut(&[f32])) {
        let base = &mut self.levels[0];
        base.row_mut(base.len, self.columns).copy_from_slice(row);
        base.len += 1;
        self.advance(1, &mut each);
    }

    /// Ends the stream: calls `each` with the rows still delayed. The stream is
    /// then ready for new rows.
    pub fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        match self.method {
            DeltaMethod::SavitzkyGolay { width } if self.levels[0].len < width => {
                self.finish_short(each);
            }
            _ => {
                for order in 1..=self.levels.len() {
                    self.levels[order - 1].ended = true;
                    self.advance(order, &mut each);
                }
            }
        }
        self.reset();
    }

    /// Discards the rows so far; the next row is the first of a new stream.
    pub fn reset(&mut self) {
        self.given = 0;
        for level in &mut self.levels {
            level.len = 0;
            level.ended = false;
        }
    }

    /// Fewer rows than the width of the fit: computed as for whole clips.
    fn finish_short(&mut self, mut each: impl FnMut(&[f32])) {
        let base = &self.levels[0];
        let frames = Frames::new(base.ring[..base.len * self.columns].to_vec(), self.columns);
        let deltas: Vec<Frames> = (1..self.levels.len())
            .map(|order| delta(&frames, order, self.method))
            .collect();
        let all = frames.beside(&deltas.iter().collect::<Vec<_>>());
        all.rows().skip(self.given).for_each(&mut each);
    }

    /// Computes the rows that can be computed of the orders from `order` on.
    fn advance(&mut self, order: usize, each: &mut impl FnMut(&[f32])) {
        if order == self.levels.len() {
            while self.levels.iter().all(|level| level.len > self.given) {
                let rows = self.row.chunks_exact_mut(self.columns.max(1));
                for (out, level) in rows.zip(&self.levels) {
                    out.copy_from_slice(level.row(self.given, self.columns));
                }
                self.given += 1;
                each(&self.row);
            }
            return;
        }
        while self.compute_next(order) {
            self.advance(order + 1, each);
        }
        if matches!(self.method, DeltaMethod::SavitzkyGolay { .. }) {
            // All orders are computed directly from the input rows.
            self.advance(order + 1, each);
        }
    }

    /// Computes the next row of `order` if the rows it needs have arrived.
    fn compute_next(&mut self, order: usize) -> bool {
        let (before, rest) = self.levels.split_at_mut(order);
        let level = &mut rest[0];
        let source = &before[level.source];
        let half = level.kernel.len() / 2;
        let t = level.len;
        if t == source.len {
            return false;
        }
        // The position of the kernel: a regression repeats the end rows, a fit
        // stays within the rows.
        let centre = match self.method {
            DeltaMethod::Regression { .. } => t,
            DeltaMethod::SavitzkyGolay { .. } if source.ended => {
                t.clamp(half, source.len - 1 - half)
            }
            DeltaMethod::SavitzkyGolay { .. } => t.max(half),
        };
        if !source.ended && centre + half >= source.len {
            return false;
        }
        self.sums.fill(0.0);
        for (k, &weight) in level.kernel.iter().enumerate() {
            let i = (centre + k).saturating_sub(half).min(source.len - 1);
            for (sum, &x) in self.sums.iter_mut().zip(source.row(i, self.columns)) {
                *sum += weight * f64::from(x);
            }
        }
        for (out, &sum) in level.row_mut(t, self.columns).iter_mut().zip(&self.sums) {
            *out = sum as f32;
        }
        level.len += 1;
        true
    }
}

impl Level {
    fn row(&self, t: usize, columns: usize) -> &[f32] {
        let at = t * columns % self.ring.len().max(1);
        &self.ring[at..at + columns]
    }

    fn row_mut(&mut self, t: usize, columns: usize) -> &mut [f32] {
        let at = t * columns % self.ring.len().max(1);
        &mut self.ring[at..at + columns]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(length: usize) -> Frames {
        let value = |i: usize| ((i * i * 7 + i * 13) % 101) as f32 * 0.37 - 11.0;
        Frames::new((0..length * 2).map(value).collect(), 2)
    }

    #[test]
    fn streamed_deltas_equal_those_of_whole_clips_bit_for_bit_including_the_ends() {
        for method in [
            DeltaMethod::HTK,
            DeltaMethod::Regression { n: 1 },
            DeltaMethod::Regression { n: 5 },
            DeltaMethod::LIBROSA,
            DeltaMethod::SavitzkyGolay { width: 5 },
        ] {
            for orders in 0..=3 {
                let mut stream = DeltaStream::new(2, orders, method).unwrap();
                assert_eq!(stream.columns(), 2 * (orders + 1));
                for length in (0..40).chain([200]) {
                    let frames = rows(length);
                    let deltas: Vec<Frames> =
                        (1..=orders).map(|o| delta(&frames, o, method)).collect();
                    let batch = frames.beside(&deltas.iter().collect::<Vec<_>>());
                    let mut all = Vec::new();
                    for row in frames.rows() {
                        stream.push(row, |row| all.extend_from_slice(row));
                    }
                    stream.finish(|row| all.extend_from_slice(row));
                    let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                    assert_eq!(
                        bits(&all),
                        bits(batch.data()),
                        "{method:?}, {orders} orders, {length} rows"
                    );
                }
            }
        }
    }

    #[test]
    fn rows_are_delayed_as_documented() {
        for (method, orders, late) in [
            (DeltaMethod::HTK, 0, 0),
            (DeltaMethod::HTK, 1, 2),
            (DeltaMethod::HTK, 2, 4),
            (DeltaMethod::LIBROSA, 1, 4),
            (DeltaMethod::LIBROSA, 2, 4),
        ] {
            let mut stream = DeltaStream::new(2, orders, method).unwrap();
            let mut given = 0;
            for (t, row) in rows(50).rows().enumerate() {
                stream.push(row, |_| given += 1);
                if t >= 8 {
                    assert_eq!(given, t + 1 - late, "{method:?}, {orders} orders, row {t}");
                }
            }
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for (orders, method) in [
            (9, DeltaMethod::HTK),
            (1, DeltaMethod::Regression { n: 1_001 }),
            (1, DeltaMethod::SavitzkyGolay { width: 4 }),
            (3, DeltaMethod::SavitzkyGolay { width: 3 }),
        ] {
            let refused = DeltaStream::new(2, orders, method);
            assert!(matches!(refused, Err(AudioError::Settings { .. })));
        }
    }
}
