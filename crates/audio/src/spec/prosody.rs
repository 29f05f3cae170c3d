//! Prosody of rows: pitch, voicing and level, over a whole utterance or so far.

use super::prosody_config::{COLUMNS, FUNCTIONALS, ProsodyConfig};
use crate::frames::Frames;
use crate::functionals::percentile;

/// The settings that the columns depend on, besides pitch and level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prosody {
    /// Log F0 if none is known: the geometric middle of the pitch range.
    middle: f64,
    floor_db: f64,
}

impl Prosody {
    pub(super) fn new(config: &ProsodyConfig) -> Self {
        Prosody {
            middle: 0.5 * (config.pitch.floor * config.pitch.ceiling).ln(),
            floor_db: config.floor_db,
        }
    }

    /// The columns of a whole utterance, from `pitch` (F0 in Hz, 0 if unvoiced, and
    /// strength) and `level` in dB.
    pub(super) fn columns(&self, pitch: &Frames, level: &Frames) -> Frames {
        let log_f0: Vec<Option<f64>> = pitch.rows().map(|row| log_f0(row[0])).collect();
        let mean = mean(&flat(&log_f0)).unwrap_or(self.middle);
        let loudest = level.column(0).fold(f32::NEG_INFINITY, f32::max);
        let interpolated = interpolate(&log_f0, self.middle);
        let mut data = Vec::with_capacity(COLUMNS.len() * level.len());
        for (t, row) in pitch.rows().enumerate() {
            data.extend(self.row(
                interpolated[t],
                log_f0[t].map(|f| f - mean),
                row[1],
                level.row(t)[0],
                f64::from(loudest),
            ));
        }
        Frames::new(data, COLUMNS.len())
    }

    fn row(
        &self,
        log_f0: f64,
        relative: Option<f64>,
        strength: f32,
        level: f32,
        loudest: f64,
    ) -> [f32; COLUMNS.len()] {
        [
            log_f0 as f32,
            relative.unwrap_or(0.0) as f32,
            f32::from(u8::from(relative.is_some())),
            strength,
            level,
            (f64::from(level) - loudest).max(self.floor_db) as f32,
        ]
    }

    /// The functionals of a whole utterance whose rows are `period` seconds apart.
    pub(super) fn functionals(
        &self,
        pitch: &Frames,
        level: &Frames,
        period: f64,
        syllables_per_second: f64,
    ) -> Vec<f32> {
        let log_f0: Vec<Option<f64>> = pitch.rows().map(|row| log_f0(row[0])).collect();
        let levels: Vec<Option<f64>> = level.column(0).map(|v| Some(f64::from(v))).collect();
        let where_voiced = |values: &mut dyn Iterator<Item = f32>| -> Vec<f64> {
            values
                .zip(&log_f0)
                .filter_map(|(v, voiced)| voiced.map(|_| f64::from(v)))
                .collect()
        };
        let strengths = where_voiced(&mut pitch.column(1));
        let voiced_levels = where_voiced(&mut level.column(0));
        let (stretches, gaps) = runs(&log_f0);
        let seconds = |rows: f64| rows * period;

        let mut out = Vec::with_capacity(FUNCTIONALS.len());
        out.extend(contour(&log_f0, period, self.middle));
        out.extend(contour(&levels, period, 0.0));
        out.extend([
            mean(&voiced_levels)
                .or_else(|| mean(&flat(&levels)))
                .unwrap_or(0.0),
            strengths.len() as f64 / level.len().max(1) as f64,
            mean(&strengths).unwrap_or(0.0),
            deviation(&strengths),
            stretches.len() as f64 / seconds(level.len().max(1) as f64),
            seconds(mean(&stretches).unwrap_or(0.0)),
            seconds(stretches.iter().copied().fold(0.0, f64::max)),
            seconds(mean(&gaps).unwrap_or(0.0)),
            syllables_per_second,
        ]);
        out.into_iter().map(|v| v as f32).collect()
    }

    /// The columns row by row, without knowledge of later rows; see [`Running`].
    pub(super) fn running(&self, rows_at_most: f64) -> Running {
        Running {
            prosody: *self,
            rows_at_most,
            held: self.middle,
            voiced_rows: 0.0,
            mean: 0.0,
            loudest: f64::NEG_INFINITY,
        }
    }
}

/// Prosody without knowledge of later rows: log F0 keeps the value of the last
/// voiced row, its mean is over the voiced rows so far, and the loudest row is the
/// loudest so far. Older rows fade: both move `1 / rows_at_most` of the way towards
/// the current row (the loudest one only if that is quieter).
#[derive(Clone, Debug)]
pub(super) struct Running {
    prosody: Prosody,
    rows_at_most: f64,
    held: f64,
    voiced_rows: f64,
    mean: f64,
    loudest: f64,
}

impl Running {
    /// The columns of the next row.
    pub(super) fn next(&mut self, pitch: &[f32], level: f32) -> [f32; COLUMNS.len()] {
        let log_f0 = log_f0(pitch[0]);
        if let Some(log_f0) = log_f0 {
            self.held = log_f0;
            self.voiced_rows = (self.voiced_rows + 1.0).min(self.rows_at_most);
            self.mean += (log_f0 - self.mean) / self.voiced_rows;
        }
        let now = f64::from(level);
        self.loudest = if now >= self.loudest {
            now
        } else {
            self.loudest + (now - self.loudest) / self.rows_at_most
        };
        let relative = log_f0.map(|f| f - self.mean);
        self.prosody
            .row(self.held, relative, pitch[1], level, self.loudest)
    }

    pub(super) fn reset(&mut self) {
        *self = self.prosody.running(self.rows_at_most);
    }
}

fn log_f0(hertz: f32) -> Option<f64> {
    (hertz > 0.0).then(|| f64::from(hertz).ln())
}

/// The values that exist.
fn flat(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().copied().flatten().collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard deviation of the population; 0 without values.
fn deviation(values: &[f64]) -> f64 {
    let Some(mean) = mean(values) else { return 0.0 };
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (squares / values.len() as f64).sqrt()
}

/// Linear interpolation over missing values, the outermost values beyond the ends;
/// `otherwise` if there is no value at all.
fn interpolate(values: &[Option<f64>], otherwise: f64) -> Vec<f64> {
    let mut out = Vec::with_capacity(values.len());
    let mut before: Option<(usize, f64)> = None;
    let known = values
        .iter()
        .enumerate()
        .filter_map(|(t, v)| Some((t, (*v)?)));
    for (t, value) in known {
        match before {
            None => out.resize(t, value),
            Some((start, from)) => {
                let step = (value - from) / (t - start) as f64;
                out.extend((start + 1..t).map(|i| from + step * (i - start) as f64));
            }
        }
        out.push(value);
        before = Some((t, value));
    }
    out.resize(values.len(), before.map_or(otherwise, |(_, value)| value));
    out
}

/// The ten functionals of a contour; its mean and percentiles are `otherwise` if
/// it has no values.
fn contour(values: &[Option<f64>], period: f64, otherwise: f64) -> [f64; 10] {
    let mut present = flat(values);
    if present.is_empty() {
        present.push(otherwise);
    }
    let average = mean(&present).unwrap_or(otherwise);
    let mut sorted: Vec<f32> = present.iter().map(|&v| v as f32).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let at = |share| f64::from(percentile(&sorted, share));
    let slopes: Vec<f64> = values
        .windows(2)
        .filter_map(|pair| Some((pair[1]? - pair[0]?) / period))
        .collect();
    let mean_of = |keep: fn(f64) -> Option<f64>| {
        let kept: Vec<f64> = slopes.iter().copied().filter_map(keep).collect();
        mean(&kept).unwrap_or(0.0)
    };
    [
        average,
        deviation(&present),
        at(0.05),
        at(0.50),
        at(0.95),
        at(0.95) - at(0.05),
        mean_of(|s| Some(s.abs())),
        mean_of(|s| (s > 0.0).then_some(s)),
        mean_of(|s| (s < 0.0).then_some(s)),
        trend(values) / period,
    ]
}

/// Slope per row of the least-squares line; 0 for fewer than two values.
fn trend(values: &[Option<f64>]) -> f64 {
    let points: Vec<(f64, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(t, v)| Some((t as f64, (*v)?)))
        .collect();
    let n = points.len().max(1) as f64;
    let (t_mean, v_mean) = points
        .iter()
        .fold((0.0, 0.0), |(t, v), p| (t + p.0 / n, v + p.1 / n));
    let (products, squares) = points.iter().fold((0.0, 0.0), |(products, squares), p| {
        let t = p.0 - t_mean;
        (products + t * (p.1 - v_mean), squares + t * t)
    });
    if squares > 0.0 {
        products / squares
    } else {
        0.0
    }
}

/// Lengths in rows of the voiced stretches, and of the gaps between them.
fn runs(values: &[Option<f64>]) -> (Vec<f64>, Vec<f64>) {
    let (mut stretches, mut gaps) = (Vec::new(), Vec::new());
    for run in values.chunk_by(|a, b| a.is_some() == b.is_some()) {
        if run[0].is_some() {
            stretches.push(run.len() as f64);
        } else {
            gaps.push(run.len() as f64);
        }
    }
    // Unvoiced rows before the first stretch and after the last are not a gap.
    let ends = [values.first(), values.last()];
    if ends[0].is_some_and(Option::is_none) {
        gaps.remove(0);
    }
    if ends[1].is_some_and(Option::is_none) {
        gaps.pop();
    }
    (stretches, gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_interpolated_linearly_and_ends_are_constant() {
        let values = [None, Some(1.0), None, None, Some(4.0), None];
        assert_eq!(interpolate(&values, 9.0), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert_eq!(interpolate(&[None, None], 9.0), [9.0, 9.0]);
        assert_eq!(interpolate(&[], 9.0), [0.0; 0]);
    }

    #[test]
    fn stretches_and_the_gaps_between_them_are_measured() {
        let of = |text: &str| {
            let values: Vec<Option<f64>> =
                text.chars().map(|c| (c == 'v').then_some(1.0)).collect();
            runs(&values)
        };
        assert_eq!(of("..vv.vvv...v."), (vec![2.0, 3.0, 1.0], vec![1.0, 3.0]));
        assert_eq!(of("vv.v"), (vec![2.0, 1.0], vec![1.0]));
        assert_eq!(of("...."), (vec![], vec![]));
        assert_eq!(of(""), (vec![], vec![]));
    }

    #[test]
    fn the_functionals_of_a_contour_are_those_of_numpy() {
        // v = numpy.array([1, 3, 2, 6], float); t = 0.5 * numpy.array([0, 1, 2, 4])
        // v.mean(), v.std(), *numpy.percentile(v, [5, 50, 95]), numpy.polyfit(t, v, 1)[0]
        let values = [Some(1.0), Some(3.0), Some(2.0), None, Some(6.0)];
        let expected = [
            3.0,
            1.870_828_7,
            1.15,
            2.5,
            5.55,
            4.4,
            3.0,
            4.0,
            -2.0,
            2.285_714_3,
        ];
        for (got, expected) in contour(&values, 0.5, 9.0).iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "{got}, not {expected}");
        }
        let none = contour(&[None, None], 0.5, 9.0);
        assert_eq!(none, [9.0, 0.0, 9.0, 9.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
