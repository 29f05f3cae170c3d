//! Features in groups that a person can name.

use audio::FeatureSpec;
use serde::Serialize;

use crate::encoder::functional_names;

/// What a feature tells about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FeatureGroup {
    /// How high the voice is, and how that moves: F0.
    Pitch,
    /// How loud, as far as a level is left after levelling.
    Level,
    /// The shape of the spectrum: MFCCs (the zeroth too), mel bands, centroid,
    /// roll-off, flatness, flux, chroma, zero crossings.
    Spectrum,
    /// How fast: syllables, voiced stretches, the gaps between them, the duration.
    Rate,
    /// How clear: voicing, its strength, the harmonics-to-noise ratio.
    VoiceQuality,
    /// The pretrained encoder's embedding, which holds a mixture of all of these.
    Encoder,
}

impl FeatureGroup {
    /// Every group.
    pub const ALL: [FeatureGroup; 6] = [
        FeatureGroup::Pitch,
        FeatureGroup::Level,
        FeatureGroup::Spectrum,
        FeatureGroup::Rate,
        FeatureGroup::VoiceQuality,
        FeatureGroup::Encoder,
    ];

    /// The group of a column or a functional, by its name.
    pub fn of(name: &str) -> Self {
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        if name.starts_with("encoder_") {
            FeatureGroup::Encoder
        } else if has(&["log_f0", "pitch_hz"]) {
            FeatureGroup::Pitch
        } else if has(&["prosody_level", "intensity", "rms_db"]) {
            FeatureGroup::Level
        } else if has(&["stretch", "gap_mean", "syllables"]) || name == "duration" {
            FeatureGroup::Rate
        } else if has(&["voiced", "strength", "harmonicity"]) {
            FeatureGroup::VoiceQuality
        } else {
            FeatureGroup::Spectrum
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            FeatureGroup::Pitch => "pitch",
            FeatureGroup::Level => "level",
            FeatureGroup::Spectrum => "spectrum",
            FeatureGroup::Rate => "rate",
            FeatureGroup::VoiceQuality => "voice quality",
            FeatureGroup::Encoder => "encoder",
        }
    }
}

/// Where the features of a group are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlaces {
    /// The group.
    pub group: FeatureGroup,
    /// Columns of the frames.
    pub columns: Vec<usize>,
    /// Functionals, the embedding among them.
    pub functionals: Vec<usize>,
}

/// The groups that these features have, in the order of [`FeatureGroup::ALL`].
pub fn feature_groups(spec: &FeatureSpec) -> Vec<GroupPlaces> {
    let (columns, functionals) = (spec.column_names(), functional_names(spec));
    let places = |names: &[String], group| -> Vec<usize> {
        let named = names.iter().enumerate();
        let own = named.filter(|(_, name)| FeatureGroup::of(name) == group);
        own.map(|(place, _)| place).collect()
    };
    let of_group = |group| GroupPlaces {
        group,
        columns: places(&columns, group),
        functionals: places(&functionals, group),
    };
    let all = FeatureGroup::ALL.into_iter().map(of_group);
    all.filter(|places| !(places.columns.is_empty() && places.functionals.is_empty()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_what_they_tell() {
        for (name, group) in [
            ("delta_prosody_log_f0_relative", FeatureGroup::Pitch),
            ("prosody_log_f0_trend", FeatureGroup::Pitch),
            ("prosody_level_voiced_mean", FeatureGroup::Level),
            ("intensity_db", FeatureGroup::Level),
            ("mfcc_0_p95", FeatureGroup::Spectrum),
            ("spectral_roll_off_85_mean", FeatureGroup::Spectrum),
            ("zero_crossing_rate", FeatureGroup::Spectrum),
            ("prosody_stretches_per_second", FeatureGroup::Rate),
            ("duration", FeatureGroup::Rate),
            ("prosody_voiced_share", FeatureGroup::VoiceQuality),
            ("pitch_voiced", FeatureGroup::VoiceQuality),
            ("harmonicity_db", FeatureGroup::VoiceQuality),
            ("encoder_highest_3", FeatureGroup::Encoder),
        ] {
            assert_eq!(FeatureGroup::of(name), group, "{name}");
        }
    }

    #[test]
    fn every_feature_is_in_one_group() {
        let spec = FeatureSpec::recommended();
        let groups = feature_groups(&spec);
        let columns: usize = groups.iter().map(|g| g.columns.len()).sum();
        let functionals: usize = groups.iter().map(|g| g.functionals.len()).sum();
        assert_eq!(columns, spec.columns());
        assert_eq!(functionals, spec.functional_names().len());
    }
}
