//! The type-II cosine transform, lifter included, with half the products.
//!
//! Row `n` of the matrix is symmetric about its middle for even `n` and
//! antisymmetric for odd `n`: `cos(pi n (m + 1/2) / M)` at `M - 1 - m` is the value
//! at `m` times `(-1)^n`. So the even coefficients need only the sums of band `m`
//! and band `M - 1 - m`, and the odd ones only their differences.

use super::config::MfccConfig;
use super::tables;
use crate::simd::{LANES, Real, total};

/// Independent running sums, so that an addition need not wait for the previous one.
const CHAINS: usize = 4;

pub(crate) struct CosineTransform<T> {
    n_mels: usize,
    even: Rows<T>,
    odd: Rows<T>,
}

/// The rows of one symmetry.
struct Rows<T> {
    /// The output columns.
    columns: Vec<usize>,
    /// `[blocks of LANES rows, values]`, padded with zeros to whole blocks.
    weights: Vec<[T; LANES]>,
    /// Number of input values.
    values: usize,
}

impl<T: Real> CosineTransform<T> {
    pub(crate) fn new(config: &MfccConfig) -> Self {
        let (n_mels, order) = (config.n_mels, tables::coefficient_order(config));
        let matrix = tables::cosines(config);
        let rows = |remainder: usize, values: usize| {
            let columns: Vec<usize> = (0..order.len())
                .filter(|&column| order[column] % 2 == remainder)
                .collect();
            let mut weights = Vec::new();
            for block in columns.chunks(LANES) {
                for m in 0..values {
                    let mut lanes = [T::ZERO; LANES];
                    for (lane, column) in lanes.iter_mut().zip(block) {
                        *lane = T::new(matrix[column * n_mels + m]);
                    }
                    weights.push(lanes);
                }
            }
            Rows {
                columns,
                weights,
                values,
            }
        };
        CosineTransform {
            n_mels,
            // A band in the middle counts for the even rows only.
            even: rows(0, n_mels.div_ceil(2)),
            odd: rows(1, n_mels / 2),
        }
    }

    /// Writes the coefficients of `mel` to `out`; overwrites `mel`.
    #[inline(always)]
    pub(crate) fn apply(&self, mel: &mut [T], out: &mut [T]) {
        let mel = &mut mel[..self.n_mels];
        let (low, high) = mel.split_at_mut(self.even.values);
        for (a, b) in low.iter_mut().zip(high.iter_mut().rev()) {
            (*a, *b) = (*a + *b, *a - *b);
        }
        self.even.apply(low.iter(), out);
        self.odd.apply(high.iter().rev(), out);
    }
}

impl<T: Real> Rows<T> {
    #[inline(always)]
    fn apply<'a>(&self, values: impl Iterator<Item = &'a T> + Clone, out: &mut [T]) {
        if self.values == 0 {
            return;
        }
        let blocks = self.weights.chunks_exact(self.values);
        for (weights, columns) in blocks.zip(self.columns.chunks(LANES)) {
            let mut sums = [[T::ZERO; LANES]; CHAINS];
            let mut values = values.clone();
            let (fours, rest) = weights.as_chunks::<CHAINS>();
            for four in fours {
                for (sums, row) in sums.iter_mut().zip(four) {
                    let &x = values.next().expect("a value for every row");
                    for lane in 0..LANES {
                        sums[lane] += row[lane] * x;
                    }
                }
            }
            for (row, &x) in rest.iter().zip(values) {
                for lane in 0..LANES {
                    sums[0][lane] += row[lane] * x;
                }
            }
            for (lane, &column) in columns.iter().enumerate() {
                out[column] = total(sums.map(|s| s[lane]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{Lifter, Zeroth};
    use super::*;

    #[test]
    fn half_the_products_give_the_full_matrix_product() {
        for (n_mels, n_mfcc) in [
            (1, 1),
            (2, 2),
            (3, 1),
            (23, 13),
            (26, 13),
            (40, 39),
            (128, 40),
        ] {
            for (zeroth, zeroth_last) in [
                (Zeroth::Coefficient, false),
                (Zeroth::Coefficient, true),
                (Zeroth::Dropped, false),
            ] {
                let config = MfccConfig {
                    n_mels,
                    n_mfcc: n_mfcc - usize::from(zeroth == Zeroth::Dropped && n_mfcc == n_mels),
                    lifter: Lifter::Sine(22.0),
                    zeroth,
                    zeroth_last,
                    ..MfccConfig::librosa()
                };
                let mel: Vec<f64> = (0..n_mels).map(|m| (m * m % 17) as f64 - 5.0).collect();
                let expected: Vec<f64> = tables::cosines(&config)
                    .chunks_exact(n_mels)
                    .map(|row| row.iter().zip(&mel).map(|(c, x)| c * x).sum())
                    .collect();
                let mut out = vec![f64::NAN; config.n_mfcc];
                CosineTransform::new(&config).apply(&mut mel.clone(), &mut out);
                for (n, (got, expected)) in out.iter().zip(&expected).enumerate() {
                    assert!(
                        (got - expected).abs() < 1e-10,
                        "{n} of {n_mels} bands, {zeroth:?}: {got}, not {expected}"
                    );
                }
            }
        }
    }
}
