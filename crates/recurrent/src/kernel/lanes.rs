//! Vectors as wide as the processor's, and the two activation functions on them.

use pulp::{Simd, WithSimd};

/// Rows of the kernel's matrices are multiples of this many numbers, the widest
/// vector that there is (AVX-512), so that no loop has a remainder.
pub(super) const BLOCK: usize = 16;

/// A set of vector instructions: [`pulp::Arch`], the best of the machine, and
/// others in tests.
pub(super) trait Instructions: Copy + Send + Sync {
    /// Runs an operation compiled for them.
    fn run<Op: WithSimd>(self, operation: Op) -> Op::Output;

    /// Numbers in a vector.
    fn lanes(self) -> usize {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;
            fn with_simd<S: Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        self.run(Lanes)
    }
}

impl Instructions for pulp::Arch {
    fn run<Op: WithSimd>(self, operation: Op) -> Op::Output {
        self.dispatch(operation)
    }
}

/// `n` rounded up to whole blocks.
pub(super) fn padded(n: usize) -> usize {
    n.next_multiple_of(BLOCK)
}

/// The distance between rows of `n` numbers if columns of them are read: an odd
/// number of blocks, so that the rows do not compete for the same cache sets.
pub(super) fn apart(n: usize) -> usize {
    (n.div_ceil(BLOCK) | 1) * BLOCK
}

/// The vector that starts at `values[at]`.
#[inline(always)]
pub(super) fn load<S: Simd>(values: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&values[at..at + S::F32_LANES]).0[0]
}

/// Writes `vector` to `values`, starting at `at`.
#[inline(always)]
pub(super) fn store<S: Simd>(values: &mut [f32], at: usize, vector: S::f32s) {
    S::as_mut_simd_f32s(&mut values[at..at + S::F32_LANES]).0[0] = vector;
}

/// Hyperbolic tangent as a quotient of polynomials of degrees 13 and 6, with the
/// coefficients of Eigen's `ptanh`. The argument is clamped to ±7.9, beyond which
/// tanh is ±1 in single precision. Within 3e-7 of `f64::tanh`.
#[inline(always)]
pub(super) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const P: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297e-8,
        1.485_722_4e-5,
        6.372_619e-4,
        4.893_524_6e-3,
    ];
    const Q: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    let limit = simd.splat_f32s(7.905_311);
    let x = simd.min_f32s(x, limit);
    let x = simd.max_f32s(x, simd.neg_f32s(limit));
    let square = simd.mul_f32s(x, x);
    let horner = |coefficients: &[f32]| {
        let mut sum = simd.splat_f32s(coefficients[0]);
        for &c in &coefficients[1..] {
            sum = simd.mul_add_e_f32s(sum, square, simd.splat_f32s(c));
        }
        sum
    };
    simd.div_f32s(simd.mul_f32s(x, horner(&P)), horner(&Q))
}

/// The logistic function σ(x) = (1 + tanh(x/2)) / 2.
#[inline(always)]
pub(super) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    simd.mul_add_e_f32s(tanh(simd, simd.mul_f32s(x, half)), half, half)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Both<'a>(&'a [f32], &'a mut [f32], &'a mut [f32]);

    impl WithSimd for Both<'_> {
        type Output = ();
        fn with_simd<S: Simd>(self, simd: S) {
            for at in (0..self.0.len()).step_by(S::F32_LANES) {
                let x = load::<S>(self.0, at);
                store::<S>(self.1, at, tanh(simd, x));
                store::<S>(self.2, at, sigmoid(simd, x));
            }
        }
    }

    #[test]
    fn tanh_and_sigmoid_are_true_to_single_precision_everywhere() {
        let mut x: Vec<f32> = (-16_000..16_000).map(|k| k as f32 * 1e-3).collect();
        x.extend((0..64).map(|k| 10f32.powi(-k)));
        x.extend([f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN]);
        x.resize(padded(x.len()), 0.0);
        let mut tanh = vec![0.0; x.len()];
        let mut sigmoid = vec![0.0; x.len()];
        pulp::Arch::new().dispatch(Both(&x, &mut tanh, &mut sigmoid));
        for ((&x, &t), &s) in x.iter().zip(&tanh).zip(&sigmoid) {
            let wide = f64::from(x);
            assert!((f64::from(t) - wide.tanh()).abs() < 3e-7, "tanh({x}) = {t}");
            let logistic = 1.0 / (1.0 + (-wide).exp());
            assert!((f64::from(s) - logistic).abs() < 3e-7, "sigmoid({x}) = {s}");
        }
    }
}
