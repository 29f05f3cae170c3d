//! Whether a backend can be used on this machine.
//!
//! A graphics driver can be missing. It can also be present and crash the
//! process inside its shader compiler, which no error handling catches. So
//! [`Backend::Auto`] uses a graphics card only after a second process has
//! computed on it and survived. That process is called the probe: the program
//! that uses this library names a command that runs [`Backend::self_test`] and
//! exits with 0 if it passes. Most programs start themselves with a hidden
//! argument.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor, TensorData};

use super::Backend;
use crate::ModelError;
use recurrent::{CellKind, Dropout, Init, RecurrentConfig};

/// How long a probe may take. A driver that has not compiled a small layer by
/// then is too slow to be of use.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the probe is asked whether it has finished.
const POLL: Duration = Duration::from_millis(5);

/// How much a result may differ from the CPU's, absolutely. The values are
/// around 1; drivers round differently in the last digits.
const TOLERANCE: f32 = 1e-4;

/// The backend to use, as [`Backend::usable`] found it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usable {
    /// The backend to use; never [`Backend::Auto`].
    pub backend: Backend,
    /// Why it is the CPU although a graphics card was asked for or is present.
    /// A sentence for people; `None` if nothing had to be replaced.
    pub fallback: Option<String>,
}

impl Usable {
    fn as_asked(backend: Backend) -> Self {
        Self {
            backend,
            fallback: None,
        }
    }

    fn cpu_because(reason: String) -> Self {
        Self {
            backend: Backend::Flex,
            fallback: Some(reason),
        }
    }
}

impl Backend {
    /// Finds out which backend to use where `self` was asked for. If this
    /// machine's graphics card cannot be used, that is the CPU, and
    /// [`Usable::fallback`] says why.
    ///
    /// - [`Backend::Auto`] is the graphics card if there is one and `probe`
    ///   succeeds on it, else the CPU. Without a probe it is the CPU.
    /// - [`Backend::Wgpu`] is opened in this process, without a probe, since it
    ///   was asked for by name.
    /// - CPU backends are themselves.
    ///
    /// `probe` is a command that runs [`Backend::self_test`] for
    /// [`Backend::Wgpu`] and exits with 0 if it passes. It is started only if
    /// there is a card to try, without input and output, and stopped after 30
    /// seconds.
    ///
    /// ```no_run
    /// use std::process::Command;
    ///
    /// use model::{Backend, Recognizer};
    ///
    /// // `main` runs `Backend::Wgpu.self_test()` if it gets this argument.
    /// let mut probe = Command::new(std::env::current_exe().unwrap());
    /// probe.arg("--self-test");
    /// let usable = Backend::Auto.usable(Some(&mut probe))?;
    /// if let Some(reason) = &usable.fallback {
    ///     eprintln!("warning: {reason}; using the CPU");
    /// }
    /// let recognizer = Recognizer::builder().backend(usable.backend).build()?;
    /// # Ok::<(), model::ModelError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ModelError::Backend`] if the backend was not compiled in.
    pub fn usable(self, probe: Option<&mut Command>) -> Result<Usable, ModelError> {
        match (self, probe) {
            (Backend::Auto, Some(probe)) => Ok(card_or_cpu(self.resolve(), probe, PATIENCE)),
            (Backend::Auto, None) => Ok(Usable::as_asked(Backend::Flex)),
            (Backend::Wgpu, _) if cfg!(feature = "wgpu") => Ok(match self.device() {
                Ok(_) => Usable::as_asked(self),
                Err(error) => Usable::cpu_because(error.to_string()),
            }),
            (concrete, _) => concrete.device().map(|_| Usable::as_asked(concrete)),
        }
    }

    /// Computes a small recurrent layer on this backend and on the CPU, and
    /// compares the results: the outputs, and with the feature `train` the
    /// gradients too. A broken graphics driver may crash the process; run this
    /// in a process that may crash ([`usable`](Self::usable)).
    ///
    /// [`Backend::Auto`] tests the backend that it [prefers](Self::resolve).
    ///
    /// # Errors
    ///
    /// [`ModelError::Backend`] if the backend cannot be opened, fails to
    /// compute, or gives other results than the CPU.
    pub fn self_test(self) -> Result<(), ModelError> {
        let backend = self.resolve();
        let failed = |what: String| ModelError::Backend {
            backend: backend.to_string(),
            what: format!("self-test failed: {what}"),
        };
        let found = small_layer(backend.device()?).map_err(failed)?;
        let expected = small_layer(Device::flex()).map_err(failed)?;
        compare(&found, &expected).map_err(failed)
    }
}

/// The graphics card if that is `preferred` and the probe survives on it, else the CPU.
fn card_or_cpu(preferred: Backend, probe: &mut Command, patience: Duration) -> Usable {
    if preferred != Backend::Wgpu {
        return Usable::as_asked(preferred);
    }
    match survives(probe, patience) {
        Ok(()) => Usable::as_asked(Backend::Wgpu),
        Err(error) => Usable::cpu_because(format!("the graphics card failed its test ({error})")),
    }
}

/// Runs a command and waits until it exits with 0; kills it when `patience` is over.
fn survives(probe: &mut Command, patience: Duration) -> Result<(), String> {
    let mut child = probe
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the test could not be started: {error}"))?;
    let start = Instant::now();
    let failure = loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("the test ended with {status}")),
            Ok(None) if start.elapsed() < patience => std::thread::sleep(POLL),
            Ok(None) => {
                break format!(
                    "the test took longer than {} seconds",
                    patience.as_secs_f32()
                );
            }
            Err(error) => break format!("the test could not be waited for: {error}"),
        }
    };
    // Both fail only if the child has just ended; waiting takes it off the
    // system's list of processes.
    let _ = child.kill();
    let _ = child.wait();
    Err(failure)
}

/// Outputs of a small layer for fixed inputs, and with the feature `train` the
/// gradient of their squared sum with respect to the inputs.
fn small_layer(device: Device) -> Result<Vec<f32>, String> {
    let unreadable = |error| format!("the result cannot be read: {error:?}");
    #[cfg(feature = "train")]
    let device = device.autodiff();
    let values: Vec<f32> = (0..2 * 5 * 4).map(|k| (k as f32).sin()).collect();
    let input = Tensor::<3>::from_data(TensorData::new(values, [2, 5, 4]), &device);
    #[cfg(feature = "train")]
    let input = input.require_grad();
    let layer = RecurrentConfig::new(CellKind::Lstm, 4, 6).init(&mut Init::new(1, &device));
    let outputs = layer.forward(input.clone(), &[5, 3], &mut Dropout::inference());
    let results = outputs.try_to_vec_as::<f32>().map_err(unreadable)?;
    #[cfg(feature = "train")]
    let results = {
        let gradients = outputs.square().sum().backward();
        let gradient = input.grad(&gradients).ok_or("no gradient came back")?;
        let gradient = gradient.try_to_vec_as::<f32>().map_err(unreadable)?;
        [results, gradient].concat()
    };
    Ok(results)
}

/// Whether two lists of results agree; NaN agrees with nothing.
fn compare(found: &[f32], expected: &[f32]) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!(
            "{} results, but the CPU gives {}",
            found.len(),
            expected.len()
        ));
    }
    let agree = |(a, b): (&f32, &f32)| (a - b).abs() < TOLERANCE;
    match found.iter().zip(expected).find(|pair| !agree(*pair)) {
        Some((found, expected)) => {
            Err(format!("a result is {found}, but the CPU gives {expected}"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_passes_its_own_test_and_wrong_numbers_do_not() {
        Backend::Flex.self_test().unwrap();
        let results = small_layer(Device::flex()).unwrap();
        for wrong in [0.5, f32::NAN] {
            let mut found = results.clone();
            found[7] = wrong;
            assert!(compare(&found, &results).is_err(), "{wrong}");
        }
        assert!(compare(&results[1..], &results).is_err());
    }

    /// On a software driver too, which every machine with Mesa has.
    #[test]
    fn a_graphics_driver_passes_the_test_where_there_is_one() {
        if Backend::Wgpu.device().is_ok() {
            Backend::Wgpu.self_test().unwrap();
        }
    }

    #[test]
    fn without_a_probe_auto_is_the_cpu() {
        let usable = Backend::Auto.usable(None).unwrap();
        assert_eq!(usable, Usable::as_asked(Backend::Flex));
        let usable = Backend::Flex.usable(None).unwrap();
        assert_eq!(usable, Usable::as_asked(Backend::Flex));
    }

    #[cfg(not(feature = "wgpu"))]
    #[test]
    fn a_backend_that_is_not_compiled_in_is_an_error() {
        let error = Backend::Wgpu.usable(None).unwrap_err();
        assert!(
            error.to_string().contains("cargo feature `wgpu`"),
            "{error}"
        );
    }

    #[cfg(unix)]
    mod with_a_shell {
        use super::*;

        fn shell(script: &str) -> Command {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        }

        #[test]
        fn a_card_is_used_only_if_the_probe_succeeds() {
            let probed = |mut command: Command| card_or_cpu(Backend::Wgpu, &mut command, PATIENCE);
            assert_eq!(probed(shell("true")), Usable::as_asked(Backend::Wgpu));
            for (script, reason) in [("false", "exit status: 1"), ("kill -SEGV $$", "signal")] {
                let usable = probed(shell(script));
                assert_eq!(usable.backend, Backend::Flex);
                let fallback = usable.fallback.unwrap();
                assert!(fallback.contains(reason), "{fallback}");
            }
            let usable = probed(Command::new("no-such-program-anywhere"));
            assert_eq!(usable.backend, Backend::Flex);
            assert!(usable.fallback.unwrap().contains("could not be started"));
        }

        #[test]
        fn without_a_card_the_probe_is_not_started() {
            let mut probe = Command::new("no-such-program-anywhere");
            let usable = card_or_cpu(Backend::Flex, &mut probe, PATIENCE);
            assert_eq!(usable, Usable::as_asked(Backend::Flex));
        }

        #[test]
        fn a_probe_that_hangs_is_killed() {
            let start = Instant::now();
            // `exec`, so that what is killed is what sleeps.
            let mut probe = shell("exec sleep 60");
            let usable = card_or_cpu(Backend::Wgpu, &mut probe, Duration::from_millis(200));
            assert_eq!(usable.backend, Backend::Flex);
            let fallback = usable.fallback.unwrap();
            assert!(fallback.contains("longer than 0.2 seconds"), "{fallback}");
            assert!(start.elapsed() < Duration::from_secs(20));
        }
    }
}
