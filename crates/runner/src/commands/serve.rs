//! `affekt serve`: a page, a wall of light, and an API.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::CommandFactory;
use clap::error::ErrorKind;
use model::{Backend, Recognizer};
use rand::RngExt;
use serve::{Config, Limits, OscQuery, Server};
use stage::Osc;
use training::run_folder::model_file;

use crate::backend;
use crate::cli::Cli;
use crate::live_options::LiveOptions;
use crate::stage_output::StageOptions;

/// `affekt serve`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt serve                                 http://127.0.0.1:8642, for this machine only
  affekt serve --listen 0.0.0.0:8642           for others too: a token is made and printed
  affekt serve --model de=german.safetensors   another model, by name
  affekt serve --osc 127.0.0.1:7000            what the page's microphone hears, to the stage
  affekt serve --data voices/                  keep enrolled speakers over a restart
  curl -F file=@voice.wav http://127.0.0.1:8642/v1/audio/emotions

The page is at /, the wall of light at /wall. docs/server.md describes the API. Nothing of
the sound is stored. Ctrl-C sends the last verdicts and ends.")]
pub struct Args {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8642")]
    pub listen: SocketAddr,
    /// A model by name, as NAME=FILE or a file alone; may be given several times, the first is the default [default: the pretrained model]
    #[arg(long, short, value_name = "[NAME=]FILE|RUN")]
    pub model: Vec<String>,
    /// Where to compute: auto, flex, ndarray or wgpu
    #[arg(long, default_value_t = Backend::Auto)]
    pub backend: Backend,
    /// What a client has to know; made and printed where others can reach the server
    #[arg(long, env = "AFFEKT_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Another name of this server in the Host of requests; may be given several times
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// Another site whose pages may use this server; may be given several times
    #[arg(long, value_name = "https://SITE")]
    pub allow_origin: Vec<String>,
    /// Keep enrolled speakers in this folder (statistics, no sound) [default: in memory]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Largest upload
    #[arg(long, value_name = "MIB", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..4096))]
    pub max_upload: u32,
    /// Longest recording
    #[arg(long, value_name = "MINUTES", default_value_t = 240.0)]
    pub max_minutes: f64,
    /// Live sessions at a time
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max_sessions: usize,
    /// Recordings that wait at a time
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub max_waiting: usize,
    /// Log as JSON, one object a line
    #[arg(long)]
    pub log_json: bool,
    /// Do not serve: ask the server at this address whether it is ready
    #[arg(long, value_name = "http://ADDRESS:PORT")]
    pub check: Option<String>,
    /// How sessions listen unless they say otherwise.
    #[command(flatten)]
    pub live: LiveOptions,
    /// Where emotions of the newest session go beside its client.
    #[command(flatten)]
    pub stage: StageOptions,
}

/// Serves until Ctrl-C or SIGTERM.
pub fn run(args: &Args) -> Result<ExitCode> {
    if let Some(url) = &args.check {
        return check(url);
    }
    if args.live.speaker.is_some() || args.live.save_speaker.is_some() {
        let what =
            "--speaker and --save-speaker are for listen; here clients choose (docs/server.md)";
        Cli::command()
            .error(ErrorKind::ArgumentConflict, what)
            .exit();
    }
    let for_others = !args.listen.ip().is_loopback();
    let token = match &args.token {
        Some(token) => {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
            ensure!(
                token.len() >= 16 && token.chars().all(is_plain),
                "the token has at least 16 letters, digits, -, _, . or ~"
            );
            Some(token.clone())
        }
        None => for_others.then(new_token),
    };
    let models = models(args)?;
    let labels = models[0].1.description().labels.clone();
    let stage = args.stage.start(&labels)?;
    let addresses = Osc::new(args.stage.osc_preset, &args.stage.osc_prefix)?.addresses(&labels);
    let osc = args.stage.osc.first().and_then(|target| {
        let port = target.rsplit_once(':')?.1.parse().ok()?;
        Some(OscQuery { addresses, port })
    });
    log(args.log_json);
    let config = Config {
        address: args.listen,
        models,
        live: args.live.settings(),
        limits: Limits {
            upload: (args.max_upload as usize) << 20,
            seconds: 60.0 * args.max_minutes,
            sessions: args.max_sessions,
            waiting: args.max_waiting,
            ..Limits::default()
        },
        token: token.clone(),
        allow_hosts: args.allow_host.clone(),
        allow_origins: args.allow_origin.clone(),
        data: args.data.clone(),
        palette: args.stage.palette()?,
        osc,
        on_event: Some(Arc::new(stage.shower())),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        let server = Server::bind(config).await?;
        let address = server.address();
        println!("listening on http://{address}");
        if for_others {
            if let (None, Some(token)) = (&args.token, &token) {
                println!("token: {token}");
                println!("page: http://{address}/?token={token}");
            }
            eprintln!(
                "note: connections are not encrypted, and browsers allow a microphone only on \
                 https or this machine; put a proxy such as Caddy before it"
            );
        }
        std::io::stdout().flush()?;
        server.run(stopped()).await;
        anyhow::Ok(())
    })?;
    runtime.shutdown_timeout(Duration::from_millis(200));
    stage.end();
    Ok(ExitCode::SUCCESS)
}

fn models(args: &Args) -> Result<Vec<(String, Recognizer)>> {
    let backend = backend::usable(args.backend)?;
    let builder = || Recognizer::builder().backend(backend);
    if args.model.is_empty() {
        return Ok(vec![("default".to_owned(), builder().build()?)]);
    }
    let mut models: Vec<(String, Recognizer)> = Vec::new();
    for choice in &args.model {
        let (name, file) = choice.split_once('=').unwrap_or(("default", choice));
        ensure!(
            models.iter().all(|(known, _)| known != name),
            "two models are called {name}; give each a name: --model NAME=FILE"
        );
        let recognizer = builder().model_file(model_file(file.as_ref())?).build()?;
        models.push((name.to_owned(), recognizer));
    }
    Ok(models)
}

/// 128 bits in hexadecimal.
fn new_token() -> String {
    format!("{:032x}", rand::rng().random::<u128>())
}

fn log(json: bool) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false);
    match json {
        true => builder.json().init(),
        false => builder.compact().init(),
    }
}

/// Ctrl-C, or SIGTERM from whoever runs services.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Whether a server is ready: for containers, which have no curl.
fn check(url: &str) -> Result<ExitCode> {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot reach {url}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let request = "GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(ExitCode::SUCCESS),
        false => bail!(
            "{url} is not ready: {}",
            answer.lines().next().unwrap_or("no answer")
        ),
    }
}
