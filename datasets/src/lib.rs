//! The cards of the corpora that Affekt reads by the names of their files.
//!
//! A card is a TOML file beside this crate's `Cargo.toml`. It says what the
//! corpus is, how its files are named, and which speakers are tested by default.
//! `README.md` describes the format. The crate `corpus` reads the cards; this
//! crate only carries their text, so that a packaged program contains it.
//!
//! To add a corpus, put its card there and add it to [`CARDS`].

/// The name and the text of each card.
pub const CARDS: &[(&str, &str)] = &[
    ("ravdess", include_str!("../ravdess.toml")),
    ("ravdess-song", include_str!("../ravdess-song.toml")),
    ("emodb", include_str!("../emodb.toml")),
    ("crema-d", include_str!("../crema-d.toml")),
    ("tess", include_str!("../tess.toml")),
    ("savee", include_str!("../savee.toml")),
    ("emovo", include_str!("../emovo.toml")),
    ("nemo", include_str!("../nemo.toml")),
    ("esd", include_str!("../esd.toml")),
    ("meld", include_str!("../meld.toml")),
    ("iemocap", include_str!("../iemocap.toml")),
    ("asvp-esd", include_str!("../asvp-esd.toml")),
    ("aesdd", include_str!("../aesdd.toml")),
    ("cafe", include_str!("../cafe.toml")),
    ("subesco", include_str!("../subesco.toml")),
    ("urdu", include_str!("../urdu.toml")),
    ("shemo", include_str!("../shemo.toml")),
    ("jl-corpus", include_str!("../jl-corpus.toml")),
];

/// The guide to cards, manifests and label maps.
pub const README: &str = include_str!("../README.md");
