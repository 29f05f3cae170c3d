//! A row of lamps: colours that follow the mixture of emotions, as DMX by Art-Net and
//! sACN (ANSI E1.31).
//!
//! The first lamp shows the present; each further one what the one before it showed a
//! moment ago, so that a change runs along the row.

use std::borrow::Cow;
use std::collections::VecDeque;

use artnet_protocol::{ArtCommand, Output, PortAddress};
use sacn::packet::{
    AcnRootLayerProtocol, DataPacketDmpLayer, DataPacketFramingLayer, E131RootLayer,
    E131RootLayerData,
};
use uuid::Uuid;

use crate::palette::Lab;
use crate::{Palette, Scene, StageError};

/// Channels of a DMX universe.
const CHANNELS: usize = 512;
/// The most lamps of three channels in one universe.
pub const LAMPS_AT_MOST: usize = CHANNELS / 3;
/// Time constant of a lamp's colour, in seconds.
const FADE: f32 = 0.3;
/// Seconds of delay from one lamp to the next.
const STEP: f32 = 0.08;
/// sACN's priority where nothing else is said.
const PRIORITY: u8 = 100;

/// A row of lamps.
#[derive(Clone, Debug)]
pub struct Lights {
    palette: Palette,
    lamps: usize,
    /// Seconds from one tick to the next.
    tick: f32,
    now: Lab,
    /// The latest colours, the present one first.
    past: VecDeque<Lab>,
}

impl Lights {
    /// `lamps` of three channels each (red, green, blue), `hertz` ticks a second.
    ///
    /// # Errors
    ///
    /// [`StageError::Settings`] for 0 lamps or more than fit into a universe.
    pub fn new(palette: Palette, lamps: usize, hertz: f64) -> Result<Self, StageError> {
        if !(1..=LAMPS_AT_MOST).contains(&lamps) {
            return Err(StageError::Settings {
                what: format!("{lamps} lamps; a universe has room for 1 to {LAMPS_AT_MOST}"),
            });
        }
        Ok(Lights {
            palette,
            lamps,
            tick: (1.0 / hertz) as f32,
            now: Lab::default(),
            past: VecDeque::new(),
        })
    }

    /// The next tick: the channels of all lamps.
    pub fn tick(&mut self, scene: &Scene) -> Vec<u8> {
        let share = 1.0 - (-self.tick / FADE).exp();
        self.now = self.now.towards(self.palette.mixture(scene), share);
        self.past.push_front(self.now);
        let behind = |lamp: usize| (lamp as f32 * STEP / self.tick).round() as usize;
        self.past.truncate(behind(self.lamps - 1) + 1);
        let colour = |lamp: usize| self.past.get(behind(lamp)).copied().unwrap_or_default();
        (0..self.lamps)
            .flat_map(|lamp| colour(lamp).to_srgb())
            .collect()
    }

    /// All lamps off.
    pub fn off(&self) -> Vec<u8> {
        vec![0; 3 * self.lamps]
    }
}

/// Makes Art-Net's packets, for UDP port 6454.
#[derive(Clone, Debug)]
pub struct ArtNet {
    universe: PortAddress,
    sequence: u8,
}

impl ArtNet {
    /// UDP port.
    pub const PORT: u16 = 6454;

    /// For a universe, 0 to 32767.
    ///
    /// # Errors
    ///
    /// [`StageError::Settings`] above that.
    pub fn new(universe: u16) -> Result<Self, StageError> {
        let address = PortAddress::try_from(universe);
        Ok(ArtNet {
            universe: address.map_err(|_| StageError::Settings {
                what: format!("universe {universe}; Art-Net has 0 to 32767"),
            })?,
            sequence: 0,
        })
    }

    /// A packet with these channels.
    pub fn packet(&mut self, channels: &[u8]) -> Vec<u8> {
        // 0 says that there is no sequence.
        self.sequence = self.sequence.checked_add(1).unwrap_or(1);
        let output = ArtCommand::Output(Output {
            sequence: self.sequence,
            port_address: self.universe,
            data: channels.to_vec().into(),
            ..Output::default()
        });
        output.write_to_buffer().unwrap_or_default()
    }
}

/// Makes sACN's packets, for UDP port 5568 of [`address`](Self::address).
#[derive(Clone, Debug)]
pub struct Sacn {
    universe: u16,
    sequence: u8,
    source: Uuid,
}

impl Sacn {
    /// UDP port.
    pub const PORT: u16 = 5568;

    /// For a universe, 1 to 63999.
    ///
    /// # Errors
    ///
    /// [`StageError::Settings`] outside.
    pub fn new(universe: u16) -> Result<Self, StageError> {
        if !(1..=63_999).contains(&universe) {
            return Err(StageError::Settings {
                what: format!("universe {universe}; sACN has 1 to 63999"),
            });
        }
        Ok(Sacn {
            universe,
            sequence: 0,
            source: Uuid::new_v4(),
        })
    }

    /// The multicast group of the universe.
    pub fn address(&self) -> [u8; 4] {
        let [high, low] = self.universe.to_be_bytes();
        [239, 255, high, low]
    }

    /// A packet with these channels; `last`: no other follows.
    pub fn packet(&mut self, channels: &[u8], last: bool) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        // Before the channels comes the start code, 0 for dimmers.
        let values: Vec<u8> = std::iter::once(0).chain(channels.iter().copied()).collect();
        let packet = AcnRootLayerProtocol {
            pdu: E131RootLayer {
                cid: self.source,
                data: E131RootLayerData::DataPacket(DataPacketFramingLayer {
                    source_name: Cow::Borrowed("affekt"),
                    priority: PRIORITY,
                    synchronization_address: 0,
                    sequence_number: self.sequence,
                    preview_data: false,
                    stream_terminated: last,
                    force_synchronization: false,
                    universe: self.universe,
                    data: DataPacketDmpLayer {
                        property_values: Cow::Owned(values),
                    },
                }),
            },
        };
        packet.pack_alloc().unwrap_or_default()
    }
}
