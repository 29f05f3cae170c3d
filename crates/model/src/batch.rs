//! A padded batch of clips of different lengths.

use audio::Features;
use burn::tensor::{Device, Tensor, TensorData};

/// Normalised clips on a device, padded with zeros to the length of the longest.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[batch, time, columns]`.
    pub frames: Tensor<3>,
    /// Frames of each clip, from 1 to `time`.
    pub lengths: Vec<usize>,
    /// `[batch, functionals]`, if the features have functionals.
    pub functionals: Option<Tensor<2>>,
}

impl Batch {
    /// A batch of clips. Without columns the frames are one zero a clip. All must have the same number of columns and of
    /// functionals, and at least one frame;
    /// [`Normalisation::apply`](crate::Normalisation::apply) and the audio crate's
    /// extractor ensure it.
    pub fn new(clips: &[&Features], device: &Device) -> Self {
        let lengths: Vec<usize> = clips.iter().map(|clip| clip.frames.len()).collect();
        // A tensor without any number cannot be made on every backend.
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        let columns = clips.first().map_or(0, |clip| clip.frames.columns()).max(1);
        let functionals = clips.first().map_or(0, |clip| clip.functionals.len());

        let mut data = Vec::with_capacity(clips.len() * time * columns);
        for (row, clip) in clips.iter().enumerate() {
            data.extend_from_slice(clip.frames.data());
            data.resize((row + 1) * time * columns, 0.0);
        }
        let frames = TensorData::new(data, [clips.len(), time, columns]);
        Self {
            frames: Tensor::from_data(frames, device),
            lengths,
            functionals: (functionals > 0).then(|| {
                let data: Vec<f32> = clips
                    .iter()
                    .flat_map(|clip| clip.functionals.iter().copied())
                    .collect();
                Tensor::from_data(TensorData::new(data, [clips.len(), functionals]), device)
            }),
        }
    }
}
