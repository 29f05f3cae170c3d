//! What is sent, byte for byte where a standard says how.

use rosc::{OscPacket, OscType, decoder};
use stage::command::{Command, commands};
use stage::lights::{ArtNet, Lights, Sacn};
use stage::osc::LARGEST;
use stage::{Osc, Palette, Preset, Scene};

fn labels(count: usize) -> Vec<String> {
    let usual = ["neutral", "calm", "happy", "sad", "angry"];
    (0..count)
        .map(|n| {
            usual
                .get(n)
                .map_or(format!("mood {n}"), |name| (*name).to_owned())
        })
        .collect()
}

fn scene(count: usize) -> Scene {
    let mut scene = Scene::empty(&labels(count));
    scene.smooth[2] = 0.75;
    scene.label = Some(2);
    scene.speech = true;
    scene
}

/// Addresses with their arguments.
fn messages(packet: &[u8]) -> Vec<(String, Vec<OscType>)> {
    let (rest, packet) = decoder::decode_udp(packet).unwrap();
    assert!(rest.is_empty());
    match packet {
        OscPacket::Message(message) => vec![(message.addr, message.args)],
        OscPacket::Bundle(bundle) => (bundle.content.into_iter())
            .map(|packet| match packet {
                OscPacket::Message(message) => (message.addr, message.args),
                OscPacket::Bundle(_) => panic!("a bundle in a bundle"),
            })
            .collect(),
    }
}

#[test]
fn every_number_has_an_address_of_its_own() {
    let mut osc = Osc::new(Preset::TouchDesigner, "/emotion").unwrap();
    let packets = osc.packets(&scene(5));
    assert_eq!(packets.len(), 1);
    let messages = messages(&packets[0]);
    assert!(messages.iter().all(|(_, arguments)| arguments.len() == 1));
    let find = |address: &str| {
        let found = messages.iter().find(|(name, _)| name == address);
        found.unwrap_or_else(|| panic!("{address}")).1[0].clone()
    };
    assert_eq!(find("/emotion/happy"), OscType::Float(0.75));
    assert_eq!(find("/emotion/label"), OscType::Int(2));
    assert_eq!(find("/emotion/alive"), OscType::Int(1));
    assert_eq!(find("/emotion/raw/sad"), OscType::Float(0.0));
}

#[test]
fn no_packet_is_split_by_a_network_however_many_labels_there_are() {
    let mut osc = Osc::new(Preset::Max, "/emotion").unwrap();
    let packets = osc.packets(&scene(120));
    assert!(packets.len() > 1 && packets.iter().all(|packet| packet.len() <= LARGEST));
    let count: usize = packets.iter().map(|packet| messages(packet).len()).sum();
    assert_eq!(count, 120 + 120 + 10 + 1);
    // A space is not allowed in an address.
    let addresses = packets.iter().flat_map(|packet| messages(packet));
    assert!(
        addresses
            .clone()
            .any(|(name, _)| name == "/emotion/mood_100")
    );
}

#[test]
fn presets_speak_as_their_programs_listen() {
    let packets = |preset| Osc::new(preset, "/emotion").unwrap().packets(&scene(5));
    let of_vrchat: Vec<_> = packets(Preset::VrChat)
        .iter()
        .flat_map(|p| messages(p))
        .collect();
    assert!(of_vrchat.contains(&(
        "/avatar/parameters/EmotionHappy".into(),
        vec![OscType::Float(0.75)]
    )));
    assert!(of_vrchat.contains(&(
        "/avatar/parameters/EmotionSpeech".into(),
        vec![OscType::Bool(true)]
    )));
    let of_wekinator = messages(&packets(Preset::Wekinator)[0]);
    assert_eq!(
        (of_wekinator[0].0.as_str(), of_wekinator[0].1.len()),
        ("/wek/inputs", 5 + 4)
    );
    let of_resolume = messages(&packets(Preset::Resolume)[0]);
    assert_eq!(of_resolume[2].0, "/composition/dashboard/link3");
    assert!(Osc::new(Preset::Max, "emotion").is_err() && Osc::new(Preset::Max, "/a b").is_err());
}

#[test]
fn commands_are_read_and_all_else_is_none() {
    let packet = |address: &str, argument: Option<OscType>| {
        rosc::encoder::encode(&OscPacket::Message(rosc::OscMessage {
            addr: address.into(),
            args: argument.into_iter().collect(),
        }))
        .unwrap()
    };
    let read = |address: &str, argument| commands(&packet(address, argument), "/emotion");
    assert_eq!(read("/emotion/reset", None), [Command::Reset]);
    assert_eq!(read("/emotion/reset", Some(OscType::Float(0.0))), []);
    let anna = Some(OscType::String("anna".into()));
    assert_eq!(
        read("/emotion/speaker", anna),
        [Command::Speaker("anna".into())]
    );
    assert_eq!(
        read("/emotion/threshold", Some(OscType::Float(0.5))),
        [Command::Threshold(0.5)]
    );
    assert_eq!(read("/emotion/threshold", Some(OscType::Float(7.0))), []);
    assert_eq!(read("/other/reset", None), []);
    assert_eq!(commands(b"no OSC at all", "/emotion"), []);
}

#[test]
fn art_net_and_sacn_have_their_channels_where_the_standards_say() {
    let channels = [1, 2, 3];
    let artnet = ArtNet::new(0x0102).unwrap().packet(&channels);
    // Art-Net 4: the id, OpDmx, version 14, sequence, physical, universe, length.
    assert_eq!(artnet[..8], *b"Art-Net\0");
    assert_eq!(artnet[8..14], [0x00, 0x50, 0, 14, 1, 0]);
    assert_eq!(artnet[14..], [0x02, 0x01, 0, 4, 1, 2, 3, 0]);
    let mut sacn = Sacn::new(7).unwrap();
    let packet = sacn.packet(&channels, false);
    // ANSI E1.31: 126 bytes before the first channel.
    assert_eq!(packet[4..16], *b"ASC-E1.17\0\0\0");
    assert_eq!(packet[113..115], [0, 7], "universe");
    assert_eq!(packet[125..], [0, 1, 2, 3], "start code and channels");
    assert_eq!(packet[112] & 0x40, 0);
    assert_eq!(sacn.packet(&channels, true)[112] & 0x40, 0x40, "terminated");
    assert_eq!(sacn.address(), [239, 255, 0, 7]);
    assert!(ArtNet::new(0x8000).is_err() && Sacn::new(0).is_err());
}

#[test]
fn lamps_fade_to_the_colour_of_an_emotion_one_after_the_other() {
    let mut scene = Scene::empty(&labels(5));
    scene.smooth[4] = 1.0;
    let mut lights = Lights::new(Palette::default(), 4, 30.0).unwrap();
    let first = lights.tick(&scene);
    assert_eq!(first.len(), 12);
    assert!(
        first[0] > 0 && first[9] == 0,
        "the last lamp is behind: {first:?}"
    );
    let last = (0..120).fold(first, |_, _| lights.tick(&scene));
    for lamp in last.chunks(3) {
        assert!(lamp[0] > 250 && lamp[2] < 40, "red: {last:?}");
    }
    assert!(Lights::new(Palette::default(), 171, 30.0).is_err());
}

#[test]
fn a_palette_of_ones_own_is_used_and_a_bad_colour_is_named() {
    let palette = Palette::from_toml("[colours]\nangry = \"#0000ff\"\n").unwrap();
    assert_eq!(palette.colour("Angry").to_srgb(), [0, 0, 255]);
    assert_eq!(palette.colour("happy"), Palette::default().colour("happy"));
    let error = Palette::from_toml("[colours]\nangry = \"red\"\n").unwrap_err();
    assert!(error.to_string().contains("angry is \"red\""), "{error}");
    assert!(Palette::from_toml("colors = 1").is_err());
}

#[test]
fn the_addresses_that_are_told_are_those_that_are_sent() {
    for preset in Preset::ALL {
        let mut osc = Osc::new(preset, "/voice/one").unwrap();
        let told = osc.addresses(&labels(7));
        let packets = osc.packets(&scene(7));
        let sent: Vec<_> = packets.iter().flat_map(|packet| messages(packet)).collect();
        assert_eq!(told.len(), sent.len());
        for (told, (path, values)) in told.iter().zip(&sent) {
            assert_eq!(told.path, *path);
            assert_eq!(told.types.len(), values.len());
            if let (Some((low, high)), [value]) = (told.range, values.as_slice()) {
                let number = match value {
                    OscType::Float(number) => *number,
                    OscType::Int(number) => *number as f32,
                    OscType::Bool(on) => f32::from(u8::from(*on)),
                    other => panic!("{path}: {other:?}"),
                };
                assert!((low..=high).contains(&number), "{path}: {number}");
            }
        }
    }
}
