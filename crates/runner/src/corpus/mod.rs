//! Speech corpora as data.
