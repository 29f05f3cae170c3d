//! What a [`Decoder`](super::Decoder) reads from, piece by piece.

use super::elementary::Elementary;
use super::failure::Failure;
use super::pcm::Pcm;
use super::track::Track;

pub(super) enum Input {
    /// Uncompressed samples.
    Pcm(Pcm),
    /// MPEG audio or AAC, frame after frame.
    Elementary(Box<Elementary>),
    /// A track of a container, by Symphonia's demuxer.
    Track(Box<Track>),
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece {
    /// Samples were appended to the buffer. The rate and the number of channels may
    /// differ from those of the piece before.
    Samples {
        sample_rate: u32,
        channels: usize,
    },
    /// Sound that cannot be decoded.
    Lost {
        seconds: f64,
    },
    /// Sound that should follow and is not in the file.
    Missing {
        seconds: f64,
    },
    /// Neither: a header, a packet of another track.
    Nothing,
    End,
}

impl Input {
    /// Whether the stream has no mark of its end, where its kind should have one.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Input::Track(track) => track.is_open(),
            _ => false,
        }
    }

    /// The next piece; samples are appended to `interleaved`, channels interleaved.
    pub(super) fn next(&mut self, interleaved: &mut Vec<f32>) -> Result<Piece, Failure> {
        match self {
            Input::Pcm(pcm) => pcm.next(interleaved),
            Input::Elementary(frames) => frames.next(interleaved),
            Input::Track(track) => track.next(interleaved),
        }
    }
}
