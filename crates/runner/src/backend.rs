//! Which backend a command runs on.

use anyhow::Result;
use burn::tensor::Device;
use model::Backend;

use crate::commands::devices;

/// The backend to use where `wanted` was asked for; where this machine cannot
/// use it, the CPU takes its place and a line says why.
///
/// # Errors
///
/// For a backend that was not compiled in.
pub fn usable(wanted: Backend) -> Result<Backend> {
    let usable = wanted.usable(devices::probe().as_mut())?;
    if let Some(reason) = usable.fallback {
        eprintln!("warning: {reason}; using the CPU (flex) instead");
    }
    Ok(usable.backend)
}

/// The device of [`usable`].
///
/// # Errors
///
/// For a backend that was not compiled in.
pub fn device(wanted: Backend) -> Result<Device> {
    Ok(usable(wanted)?.device()?)
}
