//! The two precisions that computations are compiled for.

use realfft::FftNum;

use super::logarithm;

/// `f32`, which is used, and `f64`, which is compared with references.
pub(crate) trait Real:
    FftNum
    + PartialOrd
    + std::iter::Sum
    + std::ops::AddAssign
    + std::ops::MulAssign
    + std::ops::SubAssign
{
    const ZERO: Self;
    fn new(value: f64) -> Self;
    fn to_f64(self) -> f64;
    fn ln(self) -> Self;
    /// The logarithm for use in loops, equal to within 2 units in the last place.
    fn ln_in_loop(self) -> Self;
    fn sqrt(self) -> Self;
}

macro_rules! real {
    ($t:ty, $ln_in_loop:path) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            fn new(value: f64) -> Self {
                value as $t
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn ln(self) -> Self {
                self.ln()
            }
            #[inline(always)]
            fn ln_in_loop(self) -> Self {
                $ln_in_loop(self)
            }
            fn sqrt(self) -> Self {
                self.sqrt()
            }
        }
    };
}

real!(f32, logarithm::ln);
real!(f64, f64::ln);
