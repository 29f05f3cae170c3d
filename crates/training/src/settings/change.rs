//! Single settings of features by their paths, as a command line changes them.

use audio::FeatureSpec;
use serde_json::{Map, Value};

use crate::TrainingError;

/// The features with one setting changed: `mfcc.n_mels` and `40`,
/// `mfcc.window_length` and `20`, `blocks.0.deltas` and `2`. The value is written as in
/// TOML; quotes around text may be left out.
///
/// A number for a setting with a unit keeps the unit: `mfcc.window_length` of
/// `{ milliseconds = 25.0 }` becomes `{ milliseconds = 20.0 }`. Another unit is part of
/// the path, `mfcc.window_length.samples`. A number for a setting that is a word is in
/// samples (`mfcc.n_fft`).
///
/// # Errors
///
/// [`TrainingError::Settings`] where there is no such setting, or the value does not
/// fit.
pub fn change_features(
    spec: &FeatureSpec,
    path: &str,
    value: &str,
) -> Result<FeatureSpec, TrainingError> {
    let wrong = |what: String| TrainingError::settings(format!("{path}={value}: {what}"));
    let mut all = serde_json::to_value(spec).map_err(|error| wrong(error.to_string()))?;
    let keys: Vec<&str> = path.split('.').collect();
    set(&mut all, &keys, parsed(value)).map_err(wrong)?;
    let changed: FeatureSpec =
        serde_path_to_error::deserialize(&all).map_err(|error| wrong(error.to_string()))?;
    changed
        .validate()
        .map_err(|error| wrong(error.to_string()))?;
    Ok(changed)
}

fn parsed(value: &str) -> Value {
    let written = format!("value = {value}").parse::<toml::Table>();
    let read = written
        .ok()
        .and_then(|table| serde_json::to_value(&table["value"]).ok());
    read.unwrap_or_else(|| Value::String(value.to_owned()))
}

fn set(at: &mut Value, keys: &[&str], value: Value) -> Result<(), String> {
    let Some((key, rest)) = keys.split_first() else {
        *at = with_unit(at, value);
        return Ok(());
    };
    if let Value::Array(list) = at {
        let count = list.len();
        let place = key
            .parse()
            .ok()
            .and_then(|index: usize| list.get_mut(index));
        let place =
            place.ok_or_else(|| format!("`{key}` is not the number of an entry, 0 to {count}"))?;
        return set(place, rest, value);
    }
    // A setting that is one of several kinds has its kind as its only key, or is a
    // word; another kind takes its place.
    let is_other_kind = match at {
        Value::Object(map) => rest.is_empty() && map.len() == 1 && !map.contains_key(*key),
        Value::String(_) => true,
        _ => false,
    };
    if is_other_kind {
        *at = Value::Object(Map::new());
    }
    match at {
        Value::Object(map) => {
            if !map.contains_key(*key) && !is_other_kind {
                let known: Vec<&str> = map.keys().map(String::as_str).collect();
                return Err(format!(
                    "there is no setting `{key}`, only {}",
                    known.join(", ")
                ));
            }
            set(map.entry(*key).or_insert(Value::Null), rest, value)
        }
        _ => Err(format!("there is no setting `{key}` below it")),
    }
}

/// A number in the unit of the setting that it replaces.
fn with_unit(old: &Value, new: Value) -> Value {
    if !new.is_number() {
        return new;
    }
    let unit = match old {
        Value::Object(map) if map.len() == 1 => map.keys().next().cloned(),
        Value::String(_) => Some("samples".to_owned()),
        _ => None,
    };
    match unit {
        Some(unit) => Value::Object(Map::from_iter([(unit, new)])),
        None => new,
    }
}

#[cfg(test)]
mod tests {
    use audio::{FftLength, Lifter, MfccConfig, Span};

    use super::*;

    fn kaldi() -> FeatureSpec {
        FeatureSpec {
            mfcc: MfccConfig::kaldi(),
            ..FeatureSpec::recommended()
        }
    }

    fn change(path: &str, value: &str) -> Result<FeatureSpec, TrainingError> {
        change_features(&kaldi(), path, value)
    }

    #[test]
    fn numbers_words_units_and_entries_of_lists_can_be_set() {
        let mfcc = |path: &str, value: &str| change(path, value).unwrap().mfcc;
        assert_eq!(mfcc("mfcc.n_mels", "40").n_mels, 40);
        assert_eq!(
            mfcc("mfcc.window_length", "20").window_length,
            Span::Milliseconds(20.0)
        );
        let samples = mfcc("mfcc.window_length.samples", "400");
        assert_eq!(samples.window_length, Span::Samples(400));
        assert_eq!(mfcc("mfcc.n_fft", "1024").n_fft, FftLength::Samples(1024));
        assert_eq!(mfcc("mfcc.lifter", "off").lifter, Lifter::Off);
        assert_eq!(mfcc("mfcc.lifter", "10").lifter, Lifter::Sine(10.0));
        assert_eq!(mfcc("mfcc.f_max", "7000").f_max, Some(7000.0));
        assert_eq!(change("blocks.0.deltas", "2").unwrap().blocks[0].deltas, 2);
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        for (path, value, what) in [
            ("mfcc.mels", "40", "there is no setting `mels`, only "),
            ("mfcc.n_mels", "many", "n_mels"),
            ("mfcc.n_mels", "0", "n_mels"),
            ("mfcc.n_mels.x", "1", "no setting `x` below it"),
            ("blocks.7.deltas", "1", "`7` is not the number of an entry"),
        ] {
            let error = change(path, value).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{path}={value}: ")), "{error}");
            assert!(error.contains(what), "{error}");
        }
    }
}
