//! A graphics card to test on.

#[cfg(feature = "wgpu")]
use std::sync::OnceLock;

use burn::tensor::Device;

/// The best card that Burn finds, or a software driver; `None` where there is
/// neither, which `REQUIRE_WGPU` makes a failure.
#[cfg(feature = "wgpu")]
pub fn card() -> Option<Device> {
    use burn::tensor::DeviceKind::{Cpu, DiscreteGpu, IntegratedGpu, VirtualGpu};
    // Burn initialises a runtime once a process, so it is kept.
    static CARD: OnceLock<Option<Device>> = OnceLock::new();
    let card = CARD.get_or_init(|| {
        [DiscreteGpu(0), IntegratedGpu(0), VirtualGpu(0), Cpu]
            .into_iter()
            .find_map(|kind| Device::wgpu_options().device_kind(kind).init().ok())
    });
    let required = std::env::var_os("REQUIRE_WGPU").is_some();
    assert!(card.is_some() || !required, "no adapter was found");
    card.clone()
}

/// None in a build without wgpu.
#[cfg(not(feature = "wgpu"))]
pub fn card() -> Option<Device> {
    None
}
