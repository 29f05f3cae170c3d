//! Results as text for a terminal of 80 columns.

mod bar;
mod confusion_matrix;
mod cross_validation;
mod sturdy;

pub use bar::bar;
pub use confusion_matrix::confusion_matrix;
pub use cross_validation::cross_validation;
pub use sturdy::{SturdyLine, sturdy};

/// The width of a text in characters, as a terminal shows most of them.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// The text, cut with an ellipsis if it is longer than `width` characters.
fn cut(text: &str, width: usize) -> String {
    if self::width(text) <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept.trim_end().to_owned() + "…"
}
