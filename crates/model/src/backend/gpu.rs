//! Graphics cards, as Vulkan, Metal or DirectX 12 list them.

use std::path::Path;
use std::sync::OnceLock;

use burn::tensor::wgpu::wgpu;
use burn::tensor::{Device, DeviceKind};

use crate::ModelError;

const NO_ADAPTER: &str = "no Vulkan, Metal or DirectX 12 adapter was found; install the graphics card's driver \
     (on Debian or Ubuntu without a card, the package mesa-vulkan-drivers gives a slow software one), \
     or choose the backend `auto`, which falls back to the CPU";

/// Every adapter that the graphics drivers list. Listing them starts the Vulkan
/// loader, so it is done once per process.
fn adapters() -> &'static [wgpu::AdapterInfo] {
    static ADAPTERS: OnceLock<Vec<wgpu::AdapterInfo>> = OnceLock::new();
    ADAPTERS.get_or_init(|| {
        let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        poll_once(instance.enumerate_adapters(backends))
            .iter()
            .map(wgpu::Adapter::get_info)
            .collect()
    })
}

/// The value of a future that never suspends, as native enumeration does not:
/// one poll is enough.
fn poll_once<T: Default>(future: impl Future<Output = T>) -> T {
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

/// Whether there is a graphics card, not only a software driver that computes on the CPU.
pub fn has_real_adapter() -> bool {
    may_have_card() && adapters().iter().any(is_real)
}

/// Listing the adapters takes a third of a second where a software driver is
/// installed, thirty times as long as classifying a file. On Linux a card has a
/// device file; where there is none, the drivers need not be asked.
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

/// The best adapter's device. Burn initialises its runtime once per process, so
/// the device is kept.
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

/// One line about every adapter, for people.
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
