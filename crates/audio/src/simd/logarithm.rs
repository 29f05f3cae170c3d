//! A natural logarithm that the compiler can vectorise: no table, no branch.
//!
//! A frame needs a logarithm for each mel band; calling the C library for each
//! would take longer than the frame's Fourier transform.

/// The smallest mantissa, `sqrt(1/2)`.
const CUT: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();

/// `ln x` within 2 units in the last place, exact at 1, for every `f32`: minus
/// infinity for 0, NaN for negative numbers; infinity and NaN are returned as they
/// are.
///
/// `x = 2^e m` with `m` from `sqrt(1/2)` to `sqrt(2)`, then the polynomial of
/// Cephes (Moshier, [`logf`](https://www.netlib.org/cephes/)) in `m - 1`.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 8_388_608.0 } else { x }; // 2^23
    let above_cut = scaled.to_bits().wrapping_sub(CUT);
    let e = ((above_cut as i32) >> 23) as f32 - if subnormal { 23.0 } else { 0.0 };
    let f = f32::from_bits((above_cut & 0x007F_FFFF) + CUT) - 1.0;
    let f2 = f * f;
    let mut p = 7.037_683_6e-2;
    for c in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p * f + c;
    }
    // ln 2 in two parts; the product of the larger one with e is exact.
    let low = p * f * f2 + e * -2.121_944_4e-4 - 0.5 * f2;
    let y = f + low + e * (355.0 / 512.0);
    // One choice after the other becomes masks; nested ones would be branches.
    let y = if x > 0.0 { y } else { f32::NAN };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x == f32::INFINITY { x } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error in units in the last place of the exact value.
    fn error(x: f32) -> f64 {
        let exact = f64::from(x).ln();
        let nearest = exact as f32;
        let unit =
            f64::from(f32::from_bits(nearest.abs().to_bits() + 1)) - f64::from(nearest.abs());
        (f64::from(ln(x)) - exact).abs() / unit
    }

    #[test]
    fn it_is_within_two_units_of_the_last_place_everywhere() {
        let all = (1..f32::INFINITY.to_bits()).step_by(1009);
        let near_1 = (1.0f32 - 0.01).to_bits()..(1.0f32 + 0.01).to_bits();
        let (mut worst, mut at) = (0.0, 0.0);
        for x in all.chain(near_1.step_by(7)).map(f32::from_bits) {
            if x != 1.0 && error(x) > worst {
                (worst, at) = (error(x), x);
            }
        }
        println!("{worst:.2} units at {at:e}");
        assert!(worst < 2.0, "{worst} units at {at:e}");
    }

    #[test]
    fn the_ends_of_the_range_are_those_of_the_standard_library() {
        for x in [
            0.0,
            -0.0,
            1.0,
            f32::INFINITY,
            f32::NEG_INFINITY,
            -1.0,
            -1e-40,
            f32::NAN,
            -f32::NAN,
        ] {
            let (ours, theirs) = (ln(x), x.ln());
            assert!(
                ours == theirs || ours.is_nan() && theirs.is_nan(),
                "ln {x} is {ours}"
            );
        }
    }

    #[test]
    fn it_rises_with_its_argument_from_floor_to_floor() {
        for x in [f32::from_bits(1), 1e-40, f32::MIN_POSITIVE, 1e-10, f32::MAX] {
            assert!(error(x) < 2.0, "{x:e}");
        }
    }
}
