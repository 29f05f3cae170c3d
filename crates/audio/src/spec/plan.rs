//! What a specification needs: each source once, however many blocks use it.

use super::block::Measure;
use super::prosody::Prosody;
use super::rows::RowGrid;
use super::settings::FeatureSpec;
use super::source::{Source, Wanted};
use crate::error::AudioError;
use crate::mfcc::Mfcc;
use crate::spectral::SpectralFeature;
use crate::voice::{SpeakingRate, SpeakingRateConfig};

impl FeatureSpec {
    /// Checks all settings.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the setting, its value and the allowed range.
    pub fn validate(&self) -> Result<(), AudioError> {
        self.prepare().map(|_| ())
    }

    /// Checks all settings and prepares the tables.
    pub(super) fn prepare(&self) -> Result<(Mfcc, Plan), AudioError> {
        self.check()?;
        let mfcc = Mfcc::new(&self.mfcc, self.sample_rate)?;
        self.check_blocks()?;
        let plan = Plan::new(self, &mfcc)?;
        Ok((mfcc, plan))
    }
}

/// How a block's columns are made from the sources, given by index.
#[derive(Clone, Copy, Debug)]
pub(super) enum Made {
    /// The columns of a source, unchanged.
    Of(usize),
    /// F0 and voicing.
    OfPitch(usize),
    OfProsody {
        pitch: usize,
        level: usize,
        prosody: Prosody,
    },
}

/// A specification with its tables: the sources and how blocks use them.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) rows: RowGrid,
    pub(super) sources: Vec<Source>,
    /// One for each block.
    pub(super) made: Vec<Made>,
    /// If a block has functionals of prosody.
    pub(super) speaking_rate: Option<SpeakingRate>,
}

impl Plan {
    /// The tables of checked settings; `mfcc` is made from them.
    fn new(spec: &FeatureSpec, mfcc: &Mfcc) -> Result<Self, AudioError> {
        let mut wanted = Vec::new();
        let mut sources = Vec::new();
        let mut made = Vec::new();
        let mut speaking_rate = None;
        for (i, block) in spec.blocks.iter().enumerate() {
            let mut place = |want: Wanted| -> Result<usize, AudioError> {
                if let Some(place) = wanted.iter().position(|w| *w == want) {
                    return Ok(place);
                }
                sources.push(Source::new(&want, mfcc).map_err(|e| block.locate(i, e))?);
                wanted.push(want);
                Ok(wanted.len() - 1)
            };
            made.push(match &block.measure {
                Measure::Mfcc => Made::Of(place(Wanted::Mfcc)?),
                Measure::LogMel => Made::Of(place(Wanted::LogMel)?),
                Measure::Spectral(features) => Made::Of(place(Wanted::Shape(features.clone()))?),
                Measure::Chroma(chroma) => {
                    let features = vec![SpectralFeature::Chroma(*chroma)];
                    Made::Of(place(Wanted::Shape(features))?)
                }
                Measure::Intensity { floor } => Made::Of(place(Wanted::Intensity(*floor))?),
                Measure::Harmonicity(config) => {
                    Made::Of(place(Wanted::Harmonicity(config.clone()))?)
                }
                Measure::Pitch(config) => Made::OfPitch(place(Wanted::Pitch(config.clone()))?),
                Measure::Prosody(config) => Made::OfProsody {
                    pitch: place(Wanted::Pitch(config.pitch.clone()))?,
                    level: place(Wanted::Level)?,
                    prosody: Prosody::new(config),
                },
            });
            if block.functionals && matches!(block.measure, Measure::Prosody(_)) {
                let rate = SpeakingRate::new(&SpeakingRateConfig::default(), mfcc.sample_rate());
                speaking_rate = Some(rate.map_err(|e| block.locate(i, e))?);
            }
        }
        Ok(Plan {
            rows: RowGrid::new(mfcc, spec.average),
            sources,
            made,
            speaking_rate,
        })
    }
}
