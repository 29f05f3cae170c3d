//! Which backend a command really runs on.
//!
//! A graphics driver can be missing, and it can be there and crash the process
//! inside its shader compiler, which no error handling catches. So `auto` lets
//! a second process try the card first, and takes the CPU if that one fails.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use model::burn::tensor::{Device, Distribution, Tensor};
use model::recurrent::{CellKind, Dropout, Init, RecurrentConfig};
use model::{Backend, ModelError};

/// A driver that has not finished the trial by then is not one to wait for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The backend to use where `wanted` was asked for. Where that is not possible
/// because of this machine, the CPU takes its place, and a line says why.
///
/// # Errors
///
/// [`ModelError::Backend`] for a backend that was not compiled in.
pub fn usable(wanted: Backend) -> Result<Backend, ModelError> {
    let reason = match (wanted, wanted.resolve()) {
        (Backend::Auto, Backend::Wgpu) => match survives() {
            Ok(()) => return Ok(Backend::Wgpu),
            Err(error) => format!("the graphics card failed a trial ({error:#})"),
        },
        (Backend::Wgpu, _) if cfg!(feature = "wgpu") => match wanted.device() {
            Ok(_) => return Ok(Backend::Wgpu),
            Err(error) => error.to_string(),
        },
        (_, concrete) => return concrete.device().map(|_| concrete),
    };
    eprintln!("warning: {reason}; going on with the CPU (flex)");
    Ok(Backend::Flex)
}

/// Runs [`compute`] in a process of its own.
fn survives() -> Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["devices", "--trial"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "the trial ended with {status}");
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    anyhow::bail!("the trial took longer than {} seconds", PATIENCE.as_secs())
}

/// A small layer forward and backward on the card, against the CPU.
///
/// # Errors
///
/// What went wrong, or by how much the numbers differ.
pub fn compute() -> Result<()> {
    let card = Backend::Wgpu.device()?;
    let input = Tensor::<3>::random([2, 5, 4], Distribution::Default, &Device::flex());
    let slope = |device: Device| -> Result<Vec<f32>> {
        let device = device.autodiff();
        let layer = RecurrentConfig::new(CellKind::Lstm, 4, 6).init(&mut Init::new(1, &device));
        let x = Tensor::<3>::from_data(input.to_data(), &device).require_grad();
        let outputs = layer.forward(x.clone(), &[5, 3], &mut Dropout::inference());
        let gradients = outputs.square().sum().backward();
        let slope = x.grad(&gradients);
        let slope = slope.ok_or_else(|| anyhow::anyhow!("no gradient came back"))?;
        slope
            .try_to_vec_as::<f32>()
            .map_err(|error| anyhow::anyhow!("the result cannot be read: {error:?}"))
    };
    let (card, cpu) = (slope(card)?, slope(Device::flex())?);
    let difference = card
        .iter()
        .zip(&cpu)
        .fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
    ensure!(
        difference < 1e-4,
        "its gradients differ from the CPU's by {difference}"
    );
    Ok(())
}
