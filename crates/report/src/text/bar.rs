//! Bars made of characters.

/// A bar for a fraction from 0 to 1, where 1 is `width` characters long. The
/// length is rounded to an eighth of a character; a fraction above 0 is never
/// rounded to nothing.
///
/// ```
/// assert_eq!(report::text::bar(0.5, 8), "████");
/// ```
pub fn bar(fraction: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let fraction = if fraction > 0.0 {
        fraction.min(1.0)
    } else {
        0.0
    };
    let mut steps = (fraction * (width * 8) as f64).round() as usize;
    if fraction > 0.0 && width > 0 {
        steps = steps.max(1);
    }
    "█".repeat(steps / 8) + EIGHTHS[steps % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_fraction() {
        assert_eq!(bar(0.0, 8), "");
        assert_eq!(bar(0.5, 8), "████");
        assert_eq!(bar(1.0, 8), "████████");
        assert_eq!(bar(1.0 / 64.0, 8), "▏");
        assert_eq!(bar(1e-9, 8), "▏");
        assert_eq!(bar(7.0, 2), "██");
        assert_eq!(bar(f64::NAN, 8), "");
    }
}
