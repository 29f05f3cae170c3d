use plotters::style::RGBColor;
use roxmltree::{Document, Node};

use super::*;
use crate::plots::colours::BLUE;

/// A voice that glides up and down, with pauses, for so many seconds, with as many
/// frames as occur in practice.
fn picture(seconds: f64) -> RecordingPicture {
    let steps = |step: f64, most: f64| (seconds / step).ceil().clamp(1.0, most) as usize;
    let speaks = |time: f64| (time * 1.7).sin() > -0.5;
    let columns = steps(0.004, 2000.0);
    // Noise compresses worst.
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let decibels = (0..columns * 160).map(|_| 40.0 * noise()).collect();
    let mfcc = (0..columns * 20).map(|_| noise()).collect();
    let waveform: Vec<(f32, f32)> = (0..steps(1e-4, 8000.0))
        .map(|_| (-noise(), noise()))
        .collect();
    let times = || (0..steps(0.01, 1e9)).map(|i| (i as f64 + 0.5) * 0.01);
    RecordingPicture {
        name: "voice.wav".into(),
        duration: seconds,
        sample_rate: 48_000,
        waveform_step: seconds / waveform.len() as f64,
        waveform,
        speech: (0..steps(3.0, 1e9))
            .map(|i| (3.0 * i as f64, (3.0 * i as f64 + 2.0).min(seconds)))
            .collect(),
        spectrogram: Spectrogram {
            decibels: Frames::new(decibels, 160),
            f_max: 8000.0,
        },
        mfcc: Frames::new(mfcc, 20),
        pitch: times()
            .map(|t| (t, speaks(t).then(|| 200.0 + 80.0 * (3.0 * t).sin())))
            .collect(),
        pitch_step: 0.01,
        intensity: times()
            .map(|t| (t, 60.0 + 15.0 * (1.7 * t).sin()))
            .collect(),
        intensity_step: 0.01,
    }
}

fn silence(seconds: f64, columns: usize) -> RecordingPicture {
    RecordingPicture {
        duration: seconds,
        waveform: vec![(0.0, 0.0); 4],
        waveform_step: seconds / 4.0,
        speech: Vec::new(),
        spectrogram: Spectrogram {
            decibels: Frames::new(vec![-100.0; columns * 160], 160),
            f_max: 8000.0,
        },
        mfcc: Frames::new(vec![-1.0; columns * 20], 20),
        pitch: vec![(seconds / 2.0, None)],
        intensity: vec![(seconds / 2.0, -300.0)],
        ..picture(seconds)
    }
}

fn elements<'a>(document: &'a Document, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.has_tag_name(name))
}

fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    elements(&document, "text")
        .map(|node| node.text().unwrap().trim().to_owned())
        .collect()
}

/// Left, top, right and bottom of the largest rectangle that a text can take, in
/// pixels of the picture.
fn room(node: Node) -> [f64; 4] {
    let number = |name| node.attribute(name).unwrap().parse::<f64>().unwrap() / 8.0;
    let (x, y, size) = (number("x"), number("y"), number("font-size"));
    let lettering = match node.attribute("font-weight") {
        Some(_) => Lettering::new(size).bold(),
        None => Lettering::new(size),
    };
    let width = lettering.width(node.text().unwrap().trim());
    let left = match node.attribute("text-anchor").unwrap() {
        "start" => x,
        "middle" => x - width / 2.0,
        _ => x - width,
    };
    [left, y - 0.5 * size, left + width, y + 0.5 * size]
}

fn assert_legible(svg: &str) {
    let document = Document::parse(svg).unwrap();
    for node in document.descendants() {
        for attribute in node
            .attributes()
            .filter(|attribute| attribute.name() != "href")
        {
            let value = attribute.value();
            assert!(!value.contains("NaN") && !value.contains("inf"), "{value}");
        }
    }
    let root = document.root_element();
    let side = |name| root.attribute(name).unwrap().parse::<f64>().unwrap();
    let (width, height) = (side("width"), side("height"));
    let rooms: Vec<_> = elements(&document, "text")
        .map(|node| (node.text().unwrap().trim(), room(node)))
        .collect();
    for (i, (text, a)) in rooms.iter().enumerate() {
        let inside = a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= width && a[3] <= height;
        assert!(inside, "{text} at {a:?} leaves the picture");
        for (other, b) in &rooms[..i] {
            let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            assert!(apart, "{text} at {a:?} and {other} at {b:?}");
        }
    }
}

#[test]
fn five_panels_with_two_heat_maps_and_their_keys() {
    let svg = recording_svg(&picture(3.5)).unwrap();
    let shown = texts(&svg);
    for heading in [
        "Waveform",
        "Spectrogram",
        "MFCC",
        "Pitch",
        "Intensity",
        "speech",
    ] {
        assert_eq!(shown.iter().filter(|text| *text == heading).count(), 1);
    }
    let document = Document::parse(&svg).unwrap();
    let images: Vec<_> = elements(&document, "image").collect();
    assert_eq!(images.len(), 4);
    for image in images {
        let href = image.attribute("href").unwrap();
        assert!(
            href.starts_with("data:image/png;base64,iVBORw0KGgo"),
            "{}",
            &href[..60]
        );
    }
    assert_eq!(shown[0], "voice.wav");
    assert!(
        shown[1].starts_with("3.50 s   ·   48 kHz   ·   peak 0.0 dBFS"),
        "{}",
        shown[1]
    );
    assert!(shown[1].contains("speech 71 %"), "{}", shown[1]);
}

#[test]
fn recordings_of_any_length_are_legible_and_small() {
    for seconds in [1.0 / 48_000.0, 0.01, 0.5, 3.5, 60.0, 3600.0, 40_000.0] {
        let svg = recording_svg(&picture(seconds)).unwrap();
        assert_legible(&svg);
        assert!(svg.len() < 1_000_000, "{} bytes for {seconds} s", svg.len());
    }
}

#[test]
fn long_names_and_extreme_levels_are_legible() {
    let mut loud = picture(2.0);
    loud.name = "a very long name of a recording, ".repeat(9);
    loud.waveform = vec![(-1e9, 1e9); 10];
    assert_legible(&recording_svg(&loud).unwrap());
    loud.waveform = vec![(-1e-7, 2e-7); 10];
    loud.pitch = vec![(0.5, Some(30.0)), (0.51, Some(4000.0))];
    loud.intensity = vec![(0.5, -250.0), (0.51, 200.0)];
    assert_legible(&recording_svg(&loud).unwrap());
}

#[test]
fn silence_and_a_single_frame_are_drawn() {
    for (seconds, columns) in [(3.0, 750), (0.001, 1)] {
        let svg = recording_svg(&silence(seconds, columns)).unwrap();
        assert_legible(&svg);
        let shown = texts(&svg);
        assert!(shown[1].contains("silent   ·   no speech"), "{}", shown[1]);
        assert!(!shown[1].contains("pitch"), "{}", shown[1]);
        assert!(shown.iter().any(|text| text == "no voiced frames"));
        assert_eq!(
            shown
                .iter()
                .filter(|text| *text == "digital silence")
                .count(),
            3
        );
    }
    let mut single = picture(0.02);
    single.spectrogram.decibels = Frames::new(vec![1.0; 160], 160);
    single.mfcc = Frames::new(vec![1.0; 20], 20);
    single.waveform = vec![(0.5, 0.5)];
    single.pitch = vec![(0.01, Some(200.0))];
    single.intensity = Vec::new();
    let svg = recording_svg(&single).unwrap();
    assert_legible(&svg);
    assert!(
        texts(&svg)
            .iter()
            .any(|text| text == "too short to measure")
    );
}

#[test]
fn the_line_of_the_pitch_has_gaps_for_unvoiced_frames() {
    let mut spoken = picture(1.0);
    let voiced = |i: usize| (!(30..60).contains(&i)).then_some(150.0);
    spoken.pitch = (0..100).map(|i| (0.01 * i as f64, voiced(i))).collect();
    spoken.intensity.clear();
    let svg = recording_svg(&spoken).unwrap();
    let document = Document::parse(&svg).unwrap();
    let RGBColor(r, g, b) = BLUE;
    let blue = format!("#{r:02X}{g:02X}{b:02X}");
    let lines = elements(&document, "polyline").filter(|line| {
        line.attribute("stroke") == Some(&*blue) && line.attribute("stroke-width") == Some("14")
    });
    let points: Vec<usize> = lines
        .map(|line| line.attribute("points").unwrap().split_whitespace().count())
        .collect();
    assert_eq!(points, [30, 40]);
}

#[test]
fn names_of_any_characters_make_well_formed_pictures() {
    let mut named = picture(0.1);
    named.name = "<a & b>\u{1} \"c\"\n語.wav".into();
    let shown = texts(&recording_svg(&named).unwrap());
    assert_eq!(shown[0], "<a & b>\u{fffd} \"c\"\u{fffd}語.wav");
}

#[test]
fn nothing_to_draw_is_an_error() {
    let refusal = |picture: &RecordingPicture| {
        let error = recording_svg(picture).unwrap_err();
        assert!(matches!(error, ReportError::Empty { .. }), "{error:?}");
        error.to_string()
    };
    for duration in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut endless = picture(1.0);
        endless.duration = duration;
        assert!(refusal(&endless).contains("a recording of"));
    }
    let mut empty = picture(1.0);
    empty.mfcc = Frames::new(Vec::new(), 20);
    assert!(refusal(&empty).contains("no frames"));
}
