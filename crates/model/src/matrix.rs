//! Positive definite matrices, row by row in 64 bits: factors, and what is solved
//! with them.

use burn::tensor::{Device, Tensor, TensorData};

/// The lower triangular `L` with `L Lᵀ = matrix`; `None` if the matrix is not
/// positive definite. Of `matrix` only the lower triangle is read; above it the
/// result has no meaning.
pub(crate) fn cholesky(mut matrix: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    for i in 0..size {
        let (above, from_i) = matrix.split_at_mut(i * size);
        let row = &mut from_i[..size];
        for j in 0..i {
            let other = &above[j * size..j * size + j + 1];
            let dot = dot(&row[..j], &other[..j]);
            row[j] = (row[j] - dot) / other[j];
        }
        let rest = row[i] - dot(&row[..i], &row[..i]);
        // NaN too.
        if rest.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) {
            return None;
        }
        row[i] = rest.sqrt();
    }
    Some(matrix)
}

/// The solution of `L Lᵀ x = right`.
pub(crate) fn solve(factor: &[f64], right: &[f64]) -> Vec<f64> {
    let size = right.len();
    let mut x = right.to_vec();
    for i in 0..size {
        let row = &factor[i * size..i * size + i + 1];
        x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
    }
    for i in (0..size).rev() {
        x[i] /= factor[i * size + i];
        let (before, at) = x.split_at_mut(i);
        let row = &factor[i * size..i * size + i];
        before
            .iter_mut()
            .zip(row)
            .for_each(|(x, l)| *x -= l * at[0]);
    }
    x
}

/// The largest eigenvalues of a symmetric matrix with nothing below zero, from the
/// largest on, each with its direction of length 1: at most `count`, by orthogonal
/// iteration (Golub and Van Loan, 2013, section 8.2). Directions whose eigenvalues
/// are nearly the same come out mixed, which does not matter to what is spanned.
///
/// The products are those of Burn's CPU backend, in 32 bits, many times faster than
/// a plain loop.
pub(crate) fn leading(matrix: &[f64], size: usize, count: usize) -> Vec<(f64, Vec<f64>)> {
    let count = count.min(size);
    let single: Vec<f32> = matrix.iter().map(|x| *x as f32).collect();
    let single = Tensor::<2>::from_data(TensorData::new(single, [size, size]), &Device::flex());
    let products = |directions: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let rows = directions.concat().into_iter().map(|x| x as f32).collect();
        let rows = Tensor::<2>::from_data(TensorData::new(rows, [count, size]), &Device::flex());
        // A CPU tensor can always be read; without it nothing is found.
        let flat: Vec<f32> = rows
            .matmul(single.clone())
            .try_into_vec_as()
            .unwrap_or_default();
        let wide = flat
            .chunks_exact(size)
            .map(|row| row.iter().map(|x| f64::from(*x)).collect());
        wide.collect()
    };
    // Any start serves that is not orthogonal to a direction; sines of unlike
    // frequencies are not.
    let start = |k: usize| (0..size).map(move |i| ((i + 1) as f64 * (k as f64 + 0.7)).sin());
    let mut directions: Vec<Vec<f64>> = (0..count).map(|k| start(k).collect()).collect();
    orthogonalise(&mut directions);
    for _ in 0..ITERATIONS {
        directions = products(&directions);
        orthogonalise(&mut directions);
    }
    let after = products(&directions);
    let pairs = directions.into_iter().zip(after);
    let mut pairs: Vec<(f64, Vec<f64>)> = pairs
        .map(|(d, after)| (dot(&d, &after).max(0.0), d))
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    pairs
}

/// Enough for what lies 5 % above the rest to be told from it.
const ITERATIONS: usize = 30;

/// Gram and Schmidt, twice, since once loses digits.
fn orthogonalise(vectors: &mut [Vec<f64>]) {
    for k in 0..vectors.len() {
        let (before, from_k) = vectors.split_at_mut(k);
        let vector = &mut from_k[0];
        for other in before.iter().chain(before.iter()) {
            let along = dot(vector, other);
            vector
                .iter_mut()
                .zip(other)
                .for_each(|(x, y)| *x -= along * y);
        }
        let length = dot(vector, vector).sqrt();
        // What lies in the span of the others has no direction of its own.
        let factor = if length > 1e-150 { 1.0 / length } else { 0.0 };
        vector.iter_mut().for_each(|x| *x *= factor);
    }
}

/// A product of vectors in 32 bits.
pub(crate) fn times(a: &[f32], b: &[f32]) -> f32 {
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for (a, b) in a8.iter().zip(b8) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Four sums, so that the additions do not wait for each other.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a4, a_rest) = a.as_chunks::<4>();
    let (b4, b_rest) = b.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (a, b) in a4.iter().zip(b4) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_gives_the_matrix_back_and_solves_with_it() {
        let matrix = vec![4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let factor = cholesky(matrix.clone(), 3).unwrap();
        for i in 0..3 {
            for j in 0..=i {
                let square: f64 = (0..=j).map(|k| factor[i * 3 + k] * factor[j * 3 + k]).sum();
                assert!((square - matrix[i * 3 + j]).abs() < 1e-12);
            }
        }
        let right = [1.0, -2.0, 0.5];
        let x = solve(&factor, &right);
        for (row, right) in matrix.chunks_exact(3).zip(right) {
            let sum: f64 = row.iter().zip(&x).map(|(a, x)| a * x).sum();
            assert!((sum - right).abs() < 1e-12);
        }
        assert!(cholesky(vec![1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(cholesky(vec![f64::NAN], 1).is_none());
    }

    #[test]
    fn the_leading_directions_are_eigenvectors() {
        // numpy.linalg.eigvalsh([[8, 1, .5], [1, 4, .3], [.5, .3, 1]])
        let matrix = [8.0, 1.0, 0.5, 1.0, 4.0, 0.3, 0.5, 0.3, 1.0];
        let pairs = leading(&matrix, 3, 2);
        let values = [8.278_512_2, 3.774_959_5];
        assert_eq!(pairs.len(), 2);
        for ((value, direction), expected) in pairs.iter().zip(values) {
            assert!((value - expected).abs() < 1e-5, "{value}");
            for (row, y) in matrix.chunks_exact(3).zip(direction) {
                assert!((dot(row, direction) - value * y).abs() < 1e-5);
            }
        }
    }
}
