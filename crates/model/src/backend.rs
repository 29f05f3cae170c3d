//! Where the arithmetic runs, chosen at run time.
//!
//! One binary holds several Burn backends. [`Backend::Auto`] takes a real
//! graphics card where there is one, else the fastest CPU backend; a software
//! Vulkan driver (lavapipe, SwiftShader) is never chosen on its own, because
//! it computes on the CPU some sixty times slower than the CPU backends do.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::ModelError;

/// A Burn backend, by the name users give it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A real GPU through [`Backend::Wgpu`] where there is one, else [`Backend::Flex`].
    #[default]
    Auto,
    /// `burn-flex`, the fastest CPU backend; always present.
    Flex,
    /// `burn-ndarray`, a CPU backend (feature `ndarray`).
    Ndarray,
    /// `burn-wgpu`: Vulkan, Metal or DirectX 12 (feature `wgpu`).
    Wgpu,
}

impl Backend {
    /// Every concrete backend, in the order `runner devices` lists them.
    pub const CONCRETE: [Backend; 3] = [Backend::Flex, Backend::Ndarray, Backend::Wgpu];

    /// Opens the backend's device.
    ///
    /// # Errors
    ///
    /// [`ModelError::Backend`] where the backend was not compiled in, or where
    /// wgpu finds no adapter; the message says what would help.
    pub fn device(self) -> Result<Device, ModelError> {
        match self {
            Backend::Auto if gpu::has_real_adapter() => {
                gpu::device().or_else(|_| Backend::Flex.device())
            }
            Backend::Auto => Backend::Flex.device(),
            Backend::Flex => Ok(Device::flex()),
            // Deprecated in favour of Flex, and ours to drop when Burn does.
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            Backend::Ndarray => Ok(Device::ndarray()),
            #[cfg(not(feature = "ndarray"))]
            Backend::Ndarray => Err(not_compiled_in(self)),
            Backend::Wgpu => gpu::device(),
        }
    }

    /// The concrete backend that `auto` stands for on this machine; itself otherwise.
    pub fn resolve(self) -> Backend {
        match self {
            Backend::Auto if gpu::has_real_adapter() => Backend::Wgpu,
            Backend::Auto => Backend::Flex,
            concrete => concrete,
        }
    }

    /// One line for people about what this backend runs on here, or why it cannot.
    ///
    /// # Errors
    ///
    /// As [`Backend::device`], which it does not call: no device is opened.
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
                what: format!("unknown backend `{name}`; known are auto, flex, ndarray and wgpu"),
            })
    }
}

fn not_compiled_in(backend: Backend) -> ModelError {
    ModelError::Backend {
        backend: backend.to_string(),
        what: format!(
            "not compiled into this program; build it with `--features {backend}` or without `--no-default-features`"
        ),
    }
}

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

#[cfg(feature = "wgpu")]
mod gpu {
    use std::path::Path;
    use std::sync::OnceLock;

    use burn::tensor::wgpu::wgpu;
    use burn::tensor::{Device, DeviceKind};

    use super::ModelError;

    const NO_ADAPTER: &str = "no Vulkan, Metal or DirectX 12 adapter was found; install the graphics card's driver \
         (on Debian or Ubuntu without a card, the package mesa-vulkan-drivers gives a slow software one), \
         or take `--backend auto`, which falls back to the CPU";

    /// What the graphics drivers offer. Asking starts the Vulkan loader, so it is asked once.
    fn adapters() -> &'static [wgpu::AdapterInfo] {
        static ADAPTERS: OnceLock<Vec<wgpu::AdapterInfo>> = OnceLock::new();
        ADAPTERS.get_or_init(|| {
            let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
            let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
                backends,
                ..wgpu::InstanceDescriptor::new_without_display_handle()
            });
            pollster(instance.enumerate_adapters(backends))
                .iter()
                .map(wgpu::Adapter::get_info)
                .collect()
        })
    }

    /// Native enumeration never suspends; one poll is enough to have its answer.
    fn pollster<T: Default>(future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => T::default(),
        }
    }

    fn is_real(adapter: &wgpu::AdapterInfo) -> bool {
        matches!(
            adapter.device_type,
            wgpu::DeviceType::DiscreteGpu
                | wgpu::DeviceType::IntegratedGpu
                | wgpu::DeviceType::VirtualGpu
        )
    }

    /// Whether an adapter is there that is not the CPU in disguise.
    pub fn has_real_adapter() -> bool {
        may_have_card() && adapters().iter().any(is_real)
    }

    /// Asking the drivers takes a third of a second where a software one is
    /// installed, thirty times what classifying a file takes. On Linux a card
    /// shows as a device file, so without one nobody needs to be asked.
    fn may_have_card() -> bool {
        let devices = [
            "/dev/dri",
            "/dev/nvidia0",
            "/dev/dxg",
            "/dev/kgsl-3d0",
            "/dev/mali0",
        ];
        !cfg!(target_os = "linux") || devices.iter().any(|path| Path::new(path).exists())
    }

    /// The kind of the best adapter: a discrete card, an integrated one, a virtual one, the CPU.
    fn best_kind() -> Option<DeviceKind> {
        let has = |kind| adapters().iter().any(|a| a.device_type == kind);
        if has(wgpu::DeviceType::DiscreteGpu) {
            Some(DeviceKind::DiscreteGpu(0))
        } else if has(wgpu::DeviceType::IntegratedGpu) {
            Some(DeviceKind::IntegratedGpu(0))
        } else if has(wgpu::DeviceType::VirtualGpu) {
            Some(DeviceKind::VirtualGpu(0))
        } else if has(wgpu::DeviceType::Cpu) {
            Some(DeviceKind::Cpu)
        } else {
            None
        }
    }

    /// The best adapter's device. Burn initialises a runtime once a process, so it is kept.
    pub fn device() -> Result<Device, ModelError> {
        static DEVICE: OnceLock<Result<Device, String>> = OnceLock::new();
        DEVICE
            .get_or_init(|| {
                let kind = best_kind().ok_or_else(|| NO_ADAPTER.to_string())?;
                Device::wgpu_options()
                    .device_kind(kind)
                    .init()
                    .map_err(|error| format!("the adapter could not be opened: {error}"))
            })
            .clone()
            .map_err(|what| ModelError::Backend {
                backend: "wgpu".into(),
                what,
            })
    }

    pub fn describe() -> Result<String, ModelError> {
        if adapters().is_empty() {
            return Err(ModelError::Backend {
                backend: "wgpu".into(),
                what: NO_ADAPTER.into(),
            });
        }
        let lines: Vec<String> = adapters()
            .iter()
            .map(|a| {
                let kind = match a.device_type {
                    wgpu::DeviceType::DiscreteGpu => "graphics card",
                    wgpu::DeviceType::IntegratedGpu => "integrated graphics",
                    wgpu::DeviceType::VirtualGpu => "virtual graphics card",
                    wgpu::DeviceType::Cpu => "software driver, slow; used only on request",
                    wgpu::DeviceType::Other => "unknown kind",
                };
                format!("{} ({kind}, {:?})", a.name, a.backend)
            })
            .collect();
        Ok(lines.join("; "))
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
    fn the_cpu_is_always_there() {
        assert!(Backend::Flex.device().is_ok());
        assert!(Backend::Auto.device().is_ok());
        assert_ne!(Backend::Auto.resolve(), Backend::Auto);
    }
}
