//! Emotions to the stage: threads that send packets several times a second, and one
//! that receives.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use live::Event;
use stage::lights::{ArtNet, Sacn};
use stage::{Command, Lights, Osc, Palette, Preset, Scene};

/// Where emotions go beside the terminal.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Stage")]
pub struct StageOptions {
    /// Send OSC there; may be given several times
    #[arg(long, value_name = "HOST:PORT")]
    pub osc: Vec<String>,
    /// For which program: touchdesigner (any other too), max, vrchat, wekinator or resolume
    #[arg(long, value_name = "NAME", default_value = "touchdesigner", value_parser = Preset::from_str)]
    pub osc_preset: Preset,
    /// How addresses begin
    #[arg(long, value_name = "/PATH", default_value = "/emotion")]
    pub osc_prefix: String,
    /// Packets a second, at most 60
    #[arg(long, value_name = "HZ", default_value_t = 20.0)]
    pub osc_rate: f64,
    /// Send colours to lamps by Art-Net; may be given several times
    #[arg(long, value_name = "HOST")]
    pub artnet: Vec<String>,
    /// Art-Net's universe
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub artnet_universe: u16,
    /// Send colours to lamps by sACN (E1.31), in this universe
    #[arg(long, value_name = "UNIVERSE")]
    pub sacn: Option<u16>,
    /// Send sACN to this host instead of its multicast group
    #[arg(long, value_name = "HOST", requires = "sacn")]
    pub sacn_host: Option<String>,
    /// Lamps in a row, three channels each (red, green, blue)
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub lamps: usize,
    /// Colours of the labels
    #[arg(long, value_name = "FILE.toml")]
    pub palette: Option<PathBuf>,
}

/// What the stage may say back.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Stage")]
pub struct CommandOptions {
    /// Receive OSC here: /emotion/reset, /emotion/speaker NAME, /emotion/threshold
    #[arg(long, value_name = "PORT")]
    pub osc_in: Option<u16>,
    /// Where the profiles for /emotion/speaker NAME lie, as NAME.json
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub speakers: PathBuf,
}

impl CommandOptions {
    /// Begins to receive, where asked for.
    ///
    /// # Errors
    ///
    /// Where the port cannot be used.
    pub fn start(&self, stage: &mut Stage, prefix: &str) -> Result<()> {
        stage.speakers.clone_from(&self.speakers);
        match self.osc_in {
            Some(port) => stage.receive(port, prefix.to_owned()),
            None => Ok(()),
        }
    }
}

/// Packets a second to lamps: DMX has at most 44.
const LAMPS_HERTZ: f64 = 30.0;
/// The most packets a second by OSC.
const OSC_MOST: f64 = 60.0;

/// The stage while it is on.
pub struct Stage {
    scene: Arc<Mutex<Scene>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// Of a socket that receives.
    commands: Option<mpsc::Receiver<Command>>,
    speakers: PathBuf,
}

impl StageOptions {
    /// Opens the sockets and begins to send.
    ///
    /// # Errors
    ///
    /// Where a setting, a host or a port cannot be used.
    pub fn start(&self, labels: &[String]) -> Result<Stage> {
        ensure!(
            self.osc_rate > 0.0 && self.osc_rate <= OSC_MOST,
            "--osc-rate is {}, it must be above 0 and at most {OSC_MOST}",
            self.osc_rate
        );
        let mut stage = Stage {
            scene: Arc::new(Mutex::new(Scene::empty(labels))),
            stop: Arc::default(),
            threads: Vec::new(),
            commands: None,
            speakers: PathBuf::new(),
        };
        let hertz = self.osc_rate.min(self.osc_preset.most_hertz());
        for target in &self.osc {
            let socket = connected(resolved(target, None)?)?;
            let mut osc = Osc::new(self.osc_preset, &self.osc_prefix)?;
            stage.send(socket, hertz, move |scene, _| osc.packets(scene))?;
        }
        let palette = self.palette()?;
        for host in &self.artnet {
            let socket = connected(resolved(host, Some(ArtNet::PORT))?)?;
            let mut artnet = ArtNet::new(self.artnet_universe)?;
            let mut lights = Lights::new(palette.clone(), self.lamps, LAMPS_HERTZ)?;
            stage.send(socket, LAMPS_HERTZ, move |scene, last| {
                vec![artnet.packet(&channels(&mut lights, scene, last))]
            })?;
        }
        if let Some(universe) = self.sacn {
            let mut sacn = Sacn::new(universe)?;
            let to = match &self.sacn_host {
                Some(host) => resolved(host, Some(Sacn::PORT))?,
                None => SocketAddr::from((sacn.address(), Sacn::PORT)),
            };
            let mut lights = Lights::new(palette, self.lamps, LAMPS_HERTZ)?;
            stage.send(connected(to)?, LAMPS_HERTZ, move |scene, last| {
                let channels = channels(&mut lights, scene, last);
                // Receivers want to hear of the end three times.
                let times = if last { 3 } else { 1 };
                (0..times).map(|_| sacn.packet(&channels, last)).collect()
            })?;
        }
        Ok(stage)
    }

    /// The colours of the labels.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read.
    pub fn palette(&self) -> Result<Palette> {
        let Some(path) = &self.palette else {
            return Ok(Palette::default());
        };
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        Palette::from_toml(&text).with_context(|| path.display().to_string())
    }
}

impl Stage {
    /// Shows events from another thread; `None` shows nothing any more.
    pub fn shower(&self) -> impl Fn(Option<&Event>) + Send + Sync + use<> {
        let scene = Arc::clone(&self.scene);
        move |event| {
            let mut scene = lock(&scene);
            match event {
                Some(Event::Begin { .. }) => scene.begin(),
                Some(Event::Update(update)) => scene.take(update),
                Some(_) => {}
                None => *scene = Scene::empty(&scene.labels.clone()),
            }
        }
    }

    /// Shows an event.
    pub fn show(&self, event: &Event) {
        self.shower()(Some(event));
    }

    /// What the stage said since the last time.
    pub fn commands(&self) -> Vec<Command> {
        let receiver = self.commands.as_ref();
        receiver.map_or(Vec::new(), |commands| commands.try_iter().collect())
    }

    /// The file with the profile of this name; names are no paths.
    ///
    /// # Errors
    ///
    /// For a name with a separator.
    pub fn profile_of(&self, name: &str) -> Result<PathBuf> {
        let is_name = |c: char| c.is_alphanumeric() || " -_".contains(c);
        match name.chars().all(is_name) && !name.is_empty() {
            true => Ok(self.speakers.join(format!("{name}.json"))),
            false => Err(anyhow!("{name:?} is no name of a speaker")),
        }
    }

    /// Everything goes to zero, and nothing more is sent.
    pub fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }

    /// Sends what `packets` makes of the scene, so many times a second; at the end of an
    /// empty one, with `true`.
    fn send(
        &mut self,
        socket: UdpSocket,
        hertz: f64,
        mut packets: impl FnMut(&Scene, bool) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Result<()> {
        let (scene, stop) = (Arc::clone(&self.scene), Arc::clone(&self.stop));
        let tick = Duration::from_secs_f64(1.0 / hertz);
        let run = move || {
            // UDP: nobody may be listening, and nothing waits.
            let send = |packets: Vec<Vec<u8>>| {
                packets.iter().for_each(|packet| drop(socket.send(packet)));
            };
            let mut next = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                let now = lock(&scene).clone();
                send(packets(&now, false));
                // A late tick is left out, never made up for.
                next = (next + tick).max(Instant::now());
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            let labels = lock(&scene).labels.clone();
            send(packets(&Scene::empty(&labels), true));
        };
        let thread = std::thread::Builder::new().name("stage".into()).spawn(run);
        self.threads.push(thread.context("cannot start a thread")?);
        Ok(())
    }

    fn receive(&mut self, port: u16, prefix: String) -> Result<()> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).with_context(|| {
            format!("cannot receive OSC on port {port}: another program has it")
        })?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        let (sender, receiver) = mpsc::channel();
        let stop = Arc::clone(&self.stop);
        let run = move || {
            let mut packet = [0; 4096];
            while !stop.load(Ordering::Relaxed) {
                let Ok(length) = socket.recv(&mut packet) else {
                    continue;
                };
                for command in stage::command::commands(&packet[..length], &prefix) {
                    if sender.send(command).is_err() {
                        return;
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("osc-in".into()).spawn(run);
        self.threads.push(thread.context("cannot start a thread")?);
        self.commands = Some(receiver);
        Ok(())
    }
}

/// What the lamps show next; at the end nothing.
fn channels(lights: &mut Lights, scene: &Scene, last: bool) -> Vec<u8> {
    match last {
        true => lights.off(),
        false => lights.tick(scene),
    }
}

fn lock(scene: &Mutex<Scene>) -> std::sync::MutexGuard<'_, Scene> {
    scene.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A host with its port, or with this one.
fn resolved(target: &str, port: Option<u16>) -> Result<SocketAddr> {
    let found = match (port, target.rsplit_once(':')) {
        (Some(port), None) => (target, port).to_socket_addrs(),
        _ => target.to_socket_addrs(),
    };
    let hint = match port {
        Some(_) => "a host, or HOST:PORT",
        None => "HOST:PORT, such as 127.0.0.1:9000",
    };
    found
        .with_context(|| format!("{target:?} cannot be reached; give {hint}"))?
        .next()
        .ok_or_else(|| anyhow!("{target:?} has no address"))
}

fn connected(to: SocketAddr) -> Result<UdpSocket> {
    let any = match to {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).context("cannot open a socket")?;
    // Art-Net is often sent to everybody.
    socket.set_broadcast(true)?;
    socket
        .connect(to)
        .with_context(|| format!("cannot send to {to}"))?;
    Ok(socket)
}
