//! Settings that come with the library, by name.
//!
//! Each is a TOML file below `recipes/`, with what it reached and why its
//! numbers are what they are.

/// Every recipe: its name and its text.
pub const RECIPES: [(&str, &str); 4] = [
    ("emotion", include_str!("../recipes/emotion.toml")),
    (
        "emotion-scratch",
        include_str!("../recipes/emotion-scratch.toml"),
    ),
    ("classical", include_str!("../recipes/classical.toml")),
    ("plain", include_str!("../recipes/plain.toml")),
];

/// The text of a recipe.
pub fn recipe(name: &str) -> Option<&'static str> {
    let found = RECIPES.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

/// The names of all recipes, for messages: `emotion, emotion-scratch, classical, plain`.
pub fn names() -> String {
    RECIPES.map(|(name, _)| name).join(", ")
}
