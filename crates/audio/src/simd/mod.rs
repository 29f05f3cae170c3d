//! Loops that the compiler turns into vector instructions.
//!
//! A build is for the oldest processor of its kind. [`vectorised`] compiles a
//! closure for wider vectors as well and picks the widest that the processor has
//! when the program runs (through [pulp](https://docs.rs/pulp)). What runs in it
//! is plain code over slices in blocks of [`LANES`] values: sums are kept in
//! several running sums, because the compiler must not reorder a single sum of
//! floating-point numbers.
//!
//! The result does not depend on the width: every product and every sum is
//! rounded by itself, in the same order.

mod logarithm;
mod real;

pub(crate) use real::Real;

/// Values computed side by side. Loops over whole blocks of them become vector
/// instructions of the available width.
pub(crate) const LANES: usize = 8;

/// Runs `work` compiled for the widest vectors of the processor it runs on. All
/// functions that `work` calls must be inlined into it.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// The sum of the lanes, added in pairs.
#[inline(always)]
pub(crate) fn total<T: Real, const N: usize>(mut lanes: [T; N]) -> T {
    const { assert!(N.is_power_of_two()) };
    let mut n = N / 2;
    while n > 0 {
        for i in 0..n {
            let other = lanes[i + n];
            lanes[i] += other;
        }
        n /= 2;
    }
    lanes[0]
}

/// Sum of the products, in [`LANES`] running sums.
#[inline(always)]
pub(crate) fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let n = a.len().min(b.len());
    let (a, a_rest) = a[..n].as_chunks::<LANES>();
    let (b, b_rest) = b[..n].as_chunks::<LANES>();
    let mut sums = [T::ZERO; LANES];
    for (x, y) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: T = a_rest.iter().zip(b_rest).map(|(&x, &y)| x * y).sum();
    total(sums) + rest
}

/// Sum of the values.
#[inline(always)]
pub(crate) fn sum<T: Real>(values: &[T]) -> T {
    sum_of(values, |x| x)
}

/// Sum of `f` of the values, in 32 running sums: an addition takes about as long
/// as the next seven take to start.
#[inline(always)]
pub(crate) fn sum_of<T: Real>(values: &[T], f: impl Fn(T) -> T) -> T {
    let (chunks, rest) = values.as_chunks::<{ 4 * LANES }>();
    let mut sums = [T::ZERO; 4 * LANES];
    for x in chunks {
        for (sum, &x) in sums.iter_mut().zip(x) {
            *sum += f(x);
        }
    }
    total(sums) + rest.iter().map(|&x| f(x)).sum()
}

/// The largest value, or minus infinity if there is none; NaN is ignored.
#[inline(always)]
pub(crate) fn largest<T: Real>(values: &[T]) -> T {
    let (chunks, rest) = values.as_chunks::<{ 4 * LANES }>();
    let mut largest = [T::new(f64::NEG_INFINITY); 4 * LANES];
    for x in chunks {
        for (m, &x) in largest.iter_mut().zip(x) {
            *m = if x > *m { x } else { *m };
        }
    }
    let all = largest.iter().chain(rest);
    all.fold(T::new(f64::NEG_INFINITY), |m, &x| if x > m { x } else { m })
}

/// Whether no sample is NaN or infinite; in both, all bits of the exponent are 1.
pub(crate) fn all_finite(samples: &[f32]) -> bool {
    vectorised(
        #[inline(always)]
        || {
            let above = |s: &f32| u32::from(s.to_bits() & 0x7F80_0000 == 0x7F80_0000);
            samples.iter().fold(0, |any, s| any | above(s)) == 0
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_whole_numbers_are_exact_in_lanes() {
        for n in 0..100 {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            let b: Vec<f64> = (0..n).map(|v| f64::from(v * v % 7)).collect();
            let expected: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            assert_eq!(dot(&a, &b), expected, "{n} products");
            assert_eq!(sum(&b), b.iter().sum::<f64>(), "{n} values");
            let top = b.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(largest(&b), top, "{n} values");
        }
    }
}
