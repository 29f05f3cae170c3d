//! Long tracks made small enough to draw, by summing up each column of the picture.

/// The values of each column. Columns divide the time from 0 to `duration` into
/// equal parts; points are (time, value).
fn by_column(
    points: impl Iterator<Item = (f64, f64)>,
    duration: f64,
    columns: usize,
) -> Vec<Vec<f64>> {
    let mut values = vec![Vec::new(); columns.max(1)];
    let last = values.len() - 1;
    for (time, value) in points {
        let column = (time / duration * values.len() as f64) as usize;
        values[column.min(last)].push(value);
    }
    values
}

/// Lower quartile, median and upper quartile of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quartiles {
    pub(super) lower: f64,
    pub(super) median: f64,
    pub(super) upper: f64,
}

impl Quartiles {
    /// `None` without values.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = share * last as f64;
            let (below, above) = (
                values[place.floor() as usize],
                values[place.ceil() as usize],
            );
            below + place.fract() * (above - below)
        };
        Some(Quartiles {
            lower: at(0.25),
            median: at(0.5),
            upper: at(0.75),
        })
    }
}

/// The quartiles of each column; `None` for a column without values.
pub(super) fn quartiles(
    points: impl Iterator<Item = (f64, f64)>,
    duration: f64,
    columns: usize,
) -> Vec<Option<Quartiles>> {
    by_column(points, duration, columns)
        .into_iter()
        .map(Quartiles::of)
        .collect()
}

/// The minimum and maximum of each column as (time, minimum, maximum), from those of
/// shorter pieces of `step` seconds. A column without a piece is left out.
pub(super) fn extremes(
    pieces: &[(f32, f32)],
    step: f64,
    duration: f64,
    columns: usize,
) -> Vec<(f64, f32, f32)> {
    let columns = columns.min(pieces.len()).max(1);
    let mut merged: Vec<Option<(f32, f32)>> = vec![None; columns];
    for (i, &(low, high)) in pieces.iter().enumerate() {
        let column = ((i as f64 + 0.5) * step / duration * columns as f64) as usize;
        let known = &mut merged[column.min(columns - 1)];
        let (least, greatest) = known.unwrap_or((low, high));
        *known = Some((least.min(low), greatest.max(high)));
    }
    let middle = |column: usize| (column as f64 + 0.5) * duration / columns as f64;
    merged
        .into_iter()
        .enumerate()
        .filter_map(|(column, found)| found.map(|(low, high)| (middle(column), low, high)))
        .collect()
}

/// The points, split wherever two are more than `step` seconds apart.
pub(super) fn pieces(points: &[(f64, f64)], step: f64) -> impl Iterator<Item = &[(f64, f64)]> {
    points.chunk_by(move |a, b| b.0 - a.0 <= step)
}

/// Intervals of time in order, with those less than `gap` apart joined into one.
pub(super) fn joined(intervals: &[(f64, f64)], gap: f64) -> Vec<(f64, f64)> {
    let mut joined: Vec<(f64, f64)> = Vec::new();
    for &(start, end) in intervals {
        match joined.last_mut().filter(|last| start - last.1 < gap) {
            Some(last) => last.1 = end,
            None => joined.push((start, end)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_extreme_is_lost_and_columns_are_in_order() {
        let pieces: Vec<(f32, f32)> = (0..1000)
            .map(|i| (-(i as f32), if i == 777 { 5000.0 } else { i as f32 }))
            .collect();
        let columns = extremes(&pieces, 0.01, 10.0, 64);
        assert_eq!(columns.len(), 64);
        assert!(columns.is_sorted_by(|a, b| a.0 < b.0));
        let least = columns.iter().map(|c| c.1).fold(0.0, f32::min);
        let greatest = columns.iter().map(|c| c.2).fold(0.0, f32::max);
        assert_eq!((least, greatest), (-999.0, 5000.0));
        // Fewer pieces than columns stay as they are.
        assert_eq!(extremes(&[(0.0, 1.0)], 1.0, 1.0, 64), [(0.5, 0.0, 1.0)]);
    }

    #[test]
    fn quartiles_of_known_values() {
        let points = [
            (0.1, 4.0),
            (0.2, 0.0),
            (0.3, 2.0),
            (0.4, 1.0),
            (0.45, 3.0),
            (1.9, 7.0),
        ];
        let found = quartiles(points.into_iter(), 2.0, 4);
        let first = Quartiles {
            lower: 1.0,
            median: 2.0,
            upper: 3.0,
        };
        let last = Quartiles {
            lower: 7.0,
            median: 7.0,
            upper: 7.0,
        };
        assert_eq!(found, [Some(first), None, None, Some(last)]);
    }

    #[test]
    fn intervals_with_a_small_gap_are_joined() {
        let intervals = [(0.0, 1.0), (1.1, 2.0), (3.0, 4.0), (4.0, 5.0)];
        assert_eq!(joined(&intervals, 0.5), [(0.0, 2.0), (3.0, 5.0)]);
    }

    #[test]
    fn pieces_end_at_gaps() {
        let points = [0.0, 1.0, 2.0, 4.0, 7.0, 8.0].map(|t| (t, 0.0));
        let lengths: Vec<usize> = pieces(&points, 1.5).map(<[_]>::len).collect();
        assert_eq!(lengths, [3, 1, 2]);
    }
}
