//! Which frames of a padded batch belong to their sequence.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};

/// `[batch, time, 1]`: 1 inside each sequence, 0 in its padding.
///
/// A batch `[batch, time, features]` times this mask has zeros as padding.
pub fn padding_mask(lengths: &[usize], time: usize, device: &Device) -> Tensor<3> {
    mask_of(lengths, 0..time, device)
}

/// The same for some of the frames: `[batch, frames, 1]`.
pub(crate) fn mask_of(lengths: &[usize], frames: Range<usize>, device: &Device) -> Tensor<3> {
    let shape = [lengths.len(), frames.len(), 1];
    let values: Vec<f32> = lengths
        .iter()
        .flat_map(|&length| frames.clone().map(move |t| f32::from(t < length)))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_if_it_lies_before_its_sequences_end() {
        let mask = padding_mask(&[3, 0, 1], 3, &Device::flex());
        assert_eq!(mask.dims(), [3, 3, 1]);
        let values = mask.try_into_vec_as::<f32>().unwrap();
        assert_eq!(values, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    }
}
