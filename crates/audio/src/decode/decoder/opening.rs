//! From the bytes of a file to a [`Decoder`] with its first block.

use std::sync::Arc;

use symphonia::core::io::MediaSourceStream;

use super::super::codec::TrackCodec;
use super::super::container::{audio_track, demuxer, recognise};
use super::super::failure::{Failure, corrupt, failed, guarded, unsupported};
use super::super::kind::Kind;
use super::super::pcm::Pcm;
use super::super::riff::{Codec, Fault, Layout};
use super::super::settings::DecodeSettings;
use super::super::source::{Reader, View};
use super::{Decoder, Input, Track};
use crate::error::{AudioError, Source};

impl Decoder {
    /// Recognises the file, reads its header and decodes the first block.
    pub(super) fn new(
        mut file: Reader,
        name: Source,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        let limits = settings.limits;
        if let Some(length) = file.length() {
            limits.check_file(length, &name)?;
        }
        let kind = recognise(&mut file).map_err(|e| failed(e.into(), "the header", &name))?;
        if matches!(kind, Kind::Mp4 | Kind::Caf) && !file.is_seekable() {
            file = file
                .into_memory()
                .map_err(|e| failed(e.into(), "the file", &name))?;
        }
        let corrupt = |what: &str| corrupt(&name, what);
        let (kind, view, layout) = match kind {
            Kind::Empty => return Err(corrupt("the file is empty")),
            Kind::Other(what) => {
                return Err(unsupported(
                    &name,
                    format!("this is {what}, which cannot be read here"),
                ));
            }
            Kind::Unknown | Kind::Tag(_) => {
                return Err(unsupported(
                    &name,
                    "this is no kind of audio known here".into(),
                ));
            }
            Kind::Wav => {
                let layout = Layout::read(&mut file).map_err(|fault| match fault {
                    Fault::Io(e) => failed(e.into(), "the header", &name),
                    Fault::Corrupt(what) => corrupt(&what),
                    Fault::Unsupported(what) => unsupported(&name, what),
                })?;
                if layout.codec() == Codec::Mpeg && layout.data_length == Some(0) {
                    return Err(corrupt("there is no audio in it"));
                }
                if Pcm::is_in(&layout) {
                    return Self::of_pcm(&layout, file, name, settings);
                }
                let kind = match layout.codec() {
                    Codec::Mpeg => Kind::Mpeg,
                    _ => Kind::Wav,
                };
                let view = |file| View::new(layout.header(), file, layout.data_length);
                let (length, position) = (file.length(), file.shared_position());
                (kind, (view(file), length, position), Some(layout))
            }
            _ => {
                let (length, position) = (file.length(), file.shared_position());
                (
                    kind,
                    (View::new(Vec::new(), file, None), length, position),
                    None,
                )
            }
        };
        let (view, file_length, file_position) = view;
        let stream = MediaSourceStream::new(Box::new(view), Default::default());
        let format = guarded(|| demuxer(kind, stream)).map_err(|e| match e {
            Failure::NotBuiltIn(feature) => unsupported(
                &name,
                format!(
                    "this is {} audio, which this build leaves out (feature `{feature}`)",
                    kind.name()
                ),
            ),
            Failure::Symphonia(e) => failed(e, "the header", &name),
        })?;
        let (track, parameters) = audio_track(format.as_ref(), &name)?;
        let track_id = track.id;
        let samples = layout.as_ref().and_then(Layout::samples);
        let expected = match kind {
            Kind::Wav => samples,
            _ => track.num_frames,
        };
        let adpcm_block = layout.as_ref().and_then(Layout::adpcm_block);
        let codec = TrackCodec::new(&parameters, kind, &name)?;
        let skip = codec.skip();
        let input = Input::Track(Track {
            format,
            codec,
            kind,
            id: track_id,
            adpcm_block,
        });
        Decoder {
            skip,
            sample_rate: parameters.sample_rate.unwrap_or(0),
            channels: parameters.channels.as_ref().map_or(0, |c| c.count()),
            expected: expected.map(|n| n.saturating_sub(skip as u64)),
            end: adpcm_block.and(samples),
            file_length,
            file_position,
            ..Self::before_the_first(input, name, settings)
        }
        .with_first_block(kind == Kind::Wav)
    }

    /// A WAV file of plain numbers, read up to them.
    fn of_pcm(
        layout: &Layout,
        file: Reader,
        name: Source,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        let (file_length, file_position) = (file.length(), file.shared_position());
        let Some(pcm) = Pcm::new(layout, file) else {
            return Err(unsupported(
                &name,
                "it is a WAV file of coded samples".into(),
            ));
        };
        Decoder {
            sample_rate: layout.sample_rate,
            channels: pcm.channels(),
            expected: layout.samples(),
            file_length,
            file_position,
            ..Self::before_the_first(Input::Pcm(pcm), name, settings)
        }
        .with_first_block(true)
    }

    /// Nothing known, nothing read.
    fn before_the_first(input: Input, name: Source, settings: &DecodeSettings) -> Self {
        Decoder {
            input,
            name,
            take: settings.channels,
            limits: settings.limits,
            sample_rate: 0,
            channels: 0,
            expected: None,
            end: None,
            skip: 0,
            interleaved: Vec::new(),
            block: Vec::new(),
            block_is_new: false,
            position: 0,
            damaged: 0,
            decoded: 0,
            finished: false,
            file_length: None,
            file_position: Arc::default(),
        }
    }
}
