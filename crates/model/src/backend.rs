//! Where the network is computed, chosen at run time.
//!
//! One program holds several Burn backends. The CPU ([`Backend::Flex`]) is what
//! a [`Recognizer`](crate::Recognizer) takes unless told otherwise. To use a
//! graphics card where there is one, take [`Backend::Auto`] and ask
//! [`Backend::usable`] first: a graphics driver can crash the whole process, so
//! the card is tried in a second process before it is used.
//!
//! A software Vulkan driver (lavapipe, SwiftShader) is never chosen
//! automatically: it computes on the CPU, some sixty times slower than the CPU
//! backends.

#[cfg(feature = "wgpu")]
mod gpu;
mod probe;

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::ModelError;

pub use probe::Usable;

/// A Burn backend, by the name users give it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Backend {
    /// A graphics card that passed its test ([`Backend::usable`]), else the CPU.
    /// Without that test it is the CPU.
    #[default]
    Auto,
    /// `burn-flex`, the fastest CPU backend; always available.
    Flex,
    /// `burn-ndarray`, a CPU backend (feature `ndarray`).
    Ndarray,
    /// `burn-wgpu`: Vulkan, Metal or DirectX 12 (feature `wgpu`).
    Wgpu,
}

impl Backend {
    /// Every backend except [`Backend::Auto`], in the order in which a program lists them.
    pub const CONCRETE: [Backend; 3] = [Backend::Flex, Backend::Ndarray, Backend::Wgpu];

    /// Opens the backend's device. For [`Backend::Auto`] that is the CPU: only
    /// [`usable`](Self::usable) finds out whether a graphics card is safe to use.
    ///
    /// # Errors
    ///
    /// [`ModelError::Backend`] if the backend was not compiled in, or if wgpu
    /// finds no adapter; the message says what would help.
    pub fn device(self) -> Result<Device, ModelError> {
        match self {
            Backend::Auto | Backend::Flex => Ok(Device::flex()),
            // Deprecated in favour of Flex; it goes when Burn removes it.
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            Backend::Ndarray => Ok(Device::ndarray()),
            #[cfg(not(feature = "ndarray"))]
            Backend::Ndarray => Err(not_compiled_in(self)),
            Backend::Wgpu => gpu::device(),
        }
    }

    /// The backend that [`Backend::Auto`] prefers on this machine: wgpu if
    /// there is a graphics card, else flex. Every other backend is itself. The
    /// card is only looked for, not tried; [`usable`](Self::usable) tries it.
    pub fn resolve(self) -> Backend {
        match self {
            Backend::Auto if gpu::has_real_adapter() => Backend::Wgpu,
            Backend::Auto => Backend::Flex,
            concrete => concrete,
        }
    }

    /// One line for people: the hardware that this backend uses here. For
    /// [`Backend::Auto`], that of the backend it prefers. No device is opened.
    ///
    /// # Errors
    ///
    /// [`ModelError::Backend`] if the backend was not compiled in, or if wgpu
    /// finds no adapter.
    pub fn describe(self) -> Result<String, ModelError> {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        match self {
            Backend::Auto => self.resolve().describe(),
            Backend::Flex => Ok(format!("CPU, {threads} threads, pure Rust; always there")),
            Backend::Ndarray if cfg!(feature = "ndarray") => {
                Ok(format!("CPU, {threads} threads, pure Rust"))
            }
            Backend::Ndarray => Err(not_compiled_in(self)),
            Backend::Wgpu => gpu::describe(),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Backend::Auto => "auto",
            Backend::Flex => "flex",
            Backend::Ndarray => "ndarray",
            Backend::Wgpu => "wgpu",
        })
    }
}

impl FromStr for Backend {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        [Backend::Auto]
            .into_iter()
            .chain(Backend::CONCRETE)
            .find(|backend| backend.to_string() == name)
            .ok_or_else(|| ModelError::Settings {
                what: format!("unknown backend `{name}`; choose auto, flex, ndarray or wgpu"),
            })
    }
}

fn not_compiled_in(backend: Backend) -> ModelError {
    ModelError::Backend {
        backend: backend.to_string(),
        what: format!(
            "not compiled in; build with the cargo feature `{backend}`, or choose another backend"
        ),
    }
}

/// Without the feature `wgpu` there is no graphics card.
#[cfg(not(feature = "wgpu"))]
mod gpu {
    use super::{Backend, Device, ModelError, not_compiled_in};

    pub fn has_real_adapter() -> bool {
        false
    }

    pub fn device() -> Result<Device, ModelError> {
        Err(not_compiled_in(Backend::Wgpu))
    }

    pub fn describe() -> Result<String, ModelError> {
        Err(not_compiled_in(Backend::Wgpu))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for backend in [Backend::Auto].into_iter().chain(Backend::CONCRETE) {
            assert_eq!(backend.to_string().parse::<Backend>().unwrap(), backend);
        }
        assert!("cuda".parse::<Backend>().is_err());
    }

    #[test]
    fn the_cpu_is_always_available_and_auto_opens_nothing_else() {
        let cpu = Backend::Flex.device().unwrap();
        assert_eq!(Backend::Auto.device().unwrap(), cpu);
        assert_ne!(Backend::Auto.resolve(), Backend::Auto);
    }
}
