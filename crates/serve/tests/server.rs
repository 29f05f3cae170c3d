//! A server on a port of its own, and clients that are not ours.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use live::{Session, SessionSettings, message};
use model::Recognizer;
use serde_json::{Value, json};
use serve::{Config, Limits, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

fn config() -> Config {
    Config {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        models: vec![("default".into(), Recognizer::builder().build().unwrap())],
        live: SessionSettings::default(),
        limits: Limits {
            sessions: 2,
            ..Limits::default()
        },
        token: None,
        allow_hosts: Vec::new(),
        allow_origins: Vec::new(),
        data: None,
        palette: stage::Palette::default(),
        osc: None,
        on_event: None,
    }
}

async fn start(config: Config) -> Running {
    let server = Server::bind(config).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running {
        address,
        stop,
        served,
    }
}

/// The whole answer to a request with these headers.
async fn ask(address: SocketAddr, request: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text = format!("{request} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .unwrap()
        .unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn status(address: SocketAddr, request: &str, headers: &str) -> u16 {
    let answer = ask(address, request, headers).await;
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A voice that speaks from 1 to 4 s and from 6 to 8 s of nine.
fn talk() -> Vec<i16> {
    (0..9 * 16_000)
        .map(|n| {
            let t = n as f32 / 16_000.0;
            let speaks = (1.0..4.0).contains(&t) || (6.0..8.0).contains(&t);
            let pitch = 150.0 + 20.0 * (3.0 * t).sin();
            let tone =
                |k: u8| (std::f32::consts::TAU * pitch * t * f32::from(k)).sin() / f32::from(k);
            let tone: f32 = (1..15).map(tone).sum();
            let loud = if speaks {
                0.2 * (14.0 * t).sin().abs()
            } else {
                0.0
            };
            (loud * tone * 32_767.0) as i16
        })
        .collect()
}

async fn next(socket: &mut Socket) -> Option<Value> {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(60), socket.next());
        match message.await.expect("something comes within a minute")? {
            Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Sends sound in pieces of so many bytes and closes; everything that comes back.
async fn heard(address: SocketAddr, settings: Value, bytes: &[u8], piece: usize) -> Vec<Value> {
    let url = format!("ws://{address}/v1/listen");
    let (mut socket, _) = connect_async(url).await.unwrap();
    socket
        .send(Message::text(settings.to_string()))
        .await
        .unwrap();
    for piece in bytes.chunks(piece) {
        socket.send(Message::binary(piece.to_vec())).await.ok();
        // As it is spoken, only faster: the oldest of what waits too long is dropped.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let close = json!({"type": "session.close"});
    // A server that refuses may have gone before.
    socket.send(Message::text(close.to_string())).await.ok();
    let mut all = Vec::new();
    while let Some(message) = next(&mut socket).await {
        all.push(message);
    }
    all
}

fn without_lag(mut message: Value) -> Value {
    message.as_object_mut().unwrap().remove("lag");
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_hears_what_a_session_hears() {
    let running = start(config()).await;
    let samples = talk();
    let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let settings = json!({"type": "session.update", "rate": 16_000});
    // An odd number of bytes cuts samples apart.
    let all = heard(running.address, settings, &bytes, 8_001).await;
    assert_eq!(all[0]["type"], "session.created");
    assert_eq!(all[1]["type"], "session.updated");
    let mut session = Session::new(
        config().models.remove(0).1,
        SessionSettings::default(),
        16_000,
    )
    .unwrap();
    let labels = session.labels().to_vec();
    let floats: Vec<f32> = samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
    let mut expected = Vec::new();
    let mut each = |event| expected.push(without_lag(message(&event, &labels)));
    session.push(&floats, &mut each).unwrap();
    session.finish(&mut each).unwrap();
    let last = all.last().unwrap();
    assert_eq!(
        (&last["type"], &last["reason"]),
        (&json!("session.closed"), &json!("closed"))
    );
    assert_eq!(last["seconds"], 9.0);
    // Through text and back, as the others went.
    let expected: Vec<Value> = expected
        .iter()
        .map(|m| serde_json::from_str(&m.to_string()).unwrap())
        .collect();
    let got: Vec<Value> = all[2..all.len() - 1]
        .iter()
        .cloned()
        .map(without_lag)
        .collect();
    // A slow reader is told fewer measurements, so compare what came.
    assert!(
        got.len() > expected.len() / 2,
        "{} of {}",
        got.len(),
        expected.len()
    );
    for message in &got {
        assert!(expected.contains(message), "{message}");
    }
    let ends = |all: &[Value]| all.iter().filter(|m| m["type"] == "utterance.end").count();
    assert_eq!((ends(&got), ends(&expected)), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_on_a_socket_is_recognised_and_rubbish_refused() {
    let running = start(config()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let floats: Vec<f32> = talk().iter().map(|s| f32::from(*s) / 32_768.0).collect();
    audio::write_wav(&path, &floats, 16_000).unwrap();
    let wav = std::fs::read(path).unwrap();
    let update = json!({"type": "session.update"});
    let all = heard(running.address, update, &wav, 16_000).await;
    assert!(all.iter().any(|m| m["type"] == "utterance.end"), "{all:?}");
    let auto = json!({"type": "session.update", "format": "auto"});
    let all = heard(running.address, auto, &[7; 50_000], 10_000).await;
    assert!(all.iter().any(|m| m["code"] == "bad_sound"), "{all:?}");
    for wrong in [
        json!({"type": "session.update", "rate": 1}),
        json!({"type": "session.update", "window": -1.0}),
        json!({"type": "session.update", "model": "none"}),
        json!({"type": "session.update", "speaker": "nobody"}),
        json!({"type": "session.update", "colour": "red"}),
        json!({"type": "dance"}),
        json!([]),
    ] {
        let all = heard(running.address, wrong.clone(), &[], 1).await;
        assert!(all.iter().any(|m| m["type"] == "error"), "{wrong}: {all:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused() {
    let running = start(config()).await;
    let address = running.address;
    let host = format!("Host: {address}\r\n");
    assert_eq!(status(address, "GET /v2", &host).await, 200);
    assert_eq!(status(address, "GET /v2", "Host: localhost\r\n").await, 200);
    assert_eq!(status(address, "GET /v2", "Host: foo.test\r\n").await, 421);
    assert_eq!(status(address, "GET /v2", "Host: 10.1.2.3\r\n").await, 421);
    let own = format!("{host}Origin: http://{address}\r\n");
    assert_eq!(status(address, "GET /v2", &own).await, 200);
    for origin in ["http://evil.test", "null", "http://127.0.0.1:1", "://"] {
        let foreign = format!("{host}Origin: {origin}\r\n");
        assert_eq!(status(address, "GET /v2", &foreign).await, 403, "{origin}");
    }
    let allow_origins = vec!["https://stage.test".to_owned()];
    let with_friends = Config {
        allow_origins,
        token: Some("0123456789abcdef".to_owned()),
        ..config()
    };
    let friends = start(with_friends).await;
    let friendly = friends.address;
    // Asked without a token: a page may send one, but is not let in without.
    let page = format!("Host: {friendly}\r\nOrigin: https://stage.test\r\n");
    let answer = ask(friendly, "OPTIONS /v1/speakers", &page)
        .await
        .to_lowercase();
    assert!(answer.starts_with("http/1.1 204"), "{answer}");
    assert!(
        answer.contains("access-control-allow-origin: https://stage.test"),
        "{answer}"
    );
    assert!(answer.contains("authorization"), "{answer}");
    assert_eq!(status(friendly, "GET /v1/speakers", &page).await, 401);
    let foreign = format!("Host: {friendly}\r\nOrigin: https://evil.test\r\n");
    assert_eq!(
        status(friendly, "OPTIONS /v1/speakers", &foreign).await,
        403
    );
    assert_eq!(status(address, "DELETE /v2", &host).await, 405);
    assert_eq!(status(address, "GET /nothing/here", &host).await, 404);

    let token = Some("0123456789abcdef".to_owned());
    let with_token = start(Config { token, ..config() }).await;
    let address = with_token.address;
    let host = format!("Host: {address}\r\n");
    assert_eq!(status(address, "GET /v2", &host).await, 401);
    assert_eq!(
        status(address, "GET /v2?token=0123456789abcdef", &host).await,
        200
    );
    assert_eq!(
        status(address, "GET /v2?token=0123456789abcde", &host).await,
        401
    );
    let bearer = format!("{host}Authorization: Bearer 0123456789abcdef\r\n");
    assert_eq!(status(address, "GET /v2", &bearer).await, 200);
    assert_eq!(status(address, "GET /v2/health/ready", &host).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_can_reach_it_only_with_a_token() {
    let address = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = Server::bind(Config {
        address,
        ..config()
    })
    .await
    .err();
    assert!(error.unwrap().to_string().contains("token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_sessions_wait_outside() {
    let running = start(config()).await;
    let url = format!("ws://{}/v1/listen", running.address);
    let (_one, _) = connect_async(&url).await.unwrap();
    let (_two, _) = connect_async(&url).await.unwrap();
    let refused = connect_async(&url).await.unwrap_err().to_string();
    assert!(refused.contains("503"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_delivers_the_last_verdict_and_says_goodbye() {
    let running = start(config()).await;
    let url = format!("ws://{}/v1/listen", running.address);
    let (mut socket, _) = connect_async(url).await.unwrap();
    let (mut watcher, _) = connect_async(format!("ws://{}/v1/watch?flat=1", running.address))
        .await
        .unwrap();
    assert_eq!(next(&mut watcher).await.unwrap()["session"], Value::Null);
    // In the middle of the first sentence.
    let bytes: Vec<u8> = talk()[..3 * 16_000]
        .iter()
        .flat_map(|s| s.to_le_bytes())
        .collect();
    socket.send(Message::binary(bytes)).await.unwrap();
    while next(&mut socket).await.unwrap()["type"] != "measurement" {}
    assert_eq!(next(&mut watcher).await.unwrap()["type"], "watch.started");
    assert!(next(&mut watcher).await.unwrap()["angry"].is_number());
    running.stop.send(()).unwrap();
    let mut kinds = Vec::new();
    let code = loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                kinds.push(message["type"].as_str().unwrap().to_owned());
            }
            Message::Close(frame) => break u16::from(frame.unwrap().code),
            _ => {}
        }
    };
    assert_eq!(
        kinds[kinds.len() - 2..],
        ["utterance.end", "session.closed"]
    );
    assert_eq!(code, 1001);
    drop((socket, watcher));
    let gone = tokio::time::timeout(Duration::from_secs(5), running.served);
    gone.await.expect("within five seconds").unwrap();
}
