//! What a session promises, with the pretrained model.

use live::{Event, Session, SessionSettings};
use model::Recognizer;

/// A voice that speaks from 1 to 4 s and from 6 to 8 s of nine.
fn talk() -> Vec<f32> {
    (0..9 * 16_000)
        .map(|n| {
            let t = n as f32 / 16_000.0;
            let speaks = (1.0..4.0).contains(&t) || (6.0..8.0).contains(&t);
            let syllable = (14.0 * t).sin().abs();
            let tone: f32 = (1..15)
                .map(|k| {
                    (std::f32::consts::TAU * (150.0 + 20.0 * (3.0 * t).sin()) * t * k as f32).sin()
                        / k as f32
                })
                .sum();
            if speaks { 0.2 * syllable * tone } else { 0.0 }
        })
        .collect()
}

fn session(rate: u32) -> Session {
    let recognizer = Recognizer::builder().build().unwrap();
    Session::new(recognizer, SessionSettings::default(), rate).unwrap()
}

fn events(chunk: usize) -> Vec<Event> {
    let mut session = session(16_000);
    let mut events = Vec::new();
    for chunk in talk().chunks(chunk) {
        session.push(chunk, |event| events.push(event)).unwrap();
    }
    session.finish(|event| events.push(event)).unwrap();
    events
}

#[test]
fn chunks_of_any_size_give_the_same_events() {
    let whole = events(9 * 16_000);
    for chunk in [1, 160, 4001, 20_000] {
        assert!(events(chunk) == whole, "chunks of {chunk}");
    }
}

#[test]
fn utterances_begin_and_end_where_somebody_speaks_and_there_is_no_label_in_silence() {
    let (mut begins, mut ends, mut labelled) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = 0.0;
    for event in events(1600) {
        match event {
            Event::Begin { at } => begins.push(at),
            Event::End(utterance) => {
                assert!(utterance.answer.is_some());
                ends.push(utterance.end);
            }
            Event::Update(update) => {
                assert!(update.audio_end > last, "the clock goes forward");
                last = update.audio_end;
                if update.label.is_some() {
                    labelled.push(update.audio_end);
                }
                if !update.speech {
                    assert!(update.label.is_none() && update.raw.is_none());
                }
            }
            _ => {}
        }
    }
    assert_eq!(last, 9.0);
    assert_eq!(begins.len(), 2, "{begins:?} {ends:?}");
    for (found, expected) in begins
        .iter()
        .zip([1.0, 6.0])
        .chain(ends.iter().zip([4.0, 8.0]))
    {
        assert!((found - expected).abs() < 0.35, "{begins:?} {ends:?}");
    }
    assert!(
        labelled
            .iter()
            .all(|t| (1.9..4.5).contains(t) || (6.9..8.5).contains(t))
    );
}

#[test]
fn the_beginning_of_speech_is_told_within_150_ms() {
    let mut session = session(16_000);
    let mut told = Vec::new();
    for (index, chunk) in talk().chunks(160).enumerate() {
        let now = (index + 1) as f64 / 100.0;
        let note = |event| {
            if let Event::Begin { .. } = event {
                told.push(now);
            }
        };
        session.push(chunk, note).unwrap();
    }
    // The first syllable rises from zero.
    for (told, begins) in told.iter().zip([1.0, 6.0]) {
        assert!(told - begins < 0.15 + 0.05, "{told}");
    }
    assert_eq!(told.len(), 2);
}

#[test]
fn sound_that_is_missing_moves_the_clock_and_ends_the_utterance() {
    let mut session = session(16_000);
    let talk = talk();
    let (mut ends, mut last, mut dropped) = (Vec::new(), 0.0, 0.0);
    let mut note = |event| match event {
        Event::End(utterance) => ends.push(utterance.end),
        Event::Update(update) => {
            assert!(update.audio_end > last);
            (last, dropped) = (update.audio_end, update.dropped);
        }
        _ => {}
    };
    session.push(&talk[..3 * 16_000], &mut note).unwrap();
    session.skip(60.0, &mut note).unwrap();
    session.push(&talk[5 * 16_000..], &mut note).unwrap();
    session.finish(&mut note).unwrap();
    assert_eq!((last, dropped, session.seconds()), (67.0, 60.0, 67.0));
    assert_eq!(ends.len(), 2);
    assert!(
        (ends[0] - 3.0).abs() < 0.1 && (ends[1] - 66.0).abs() < 0.35,
        "{ends:?}"
    );
}

#[test]
fn a_voice_is_learned_kept_and_forgotten() {
    let mut session = session(16_000);
    for _ in 0..3 {
        session.push(&talk(), |_| {}).unwrap();
    }
    let learned = session.profile().clone();
    assert!(learned.seconds() > 10.0, "{}", learned.seconds());
    let kept = live::Profile::from_json(&learned.to_json()).unwrap();
    // Numbers in JSON may lose their last bit.
    assert!((kept.seconds() - learned.seconds()).abs() < 1e-9);
    let adapted = |session: &mut Session| {
        let mut adapted = false;
        let note = |event| {
            if let Event::Update(update) = event {
                adapted = update.adapted;
            }
        };
        session.push(&talk()[..16_000], note).unwrap();
        adapted
    };
    assert!(adapted(&mut session));
    session.reset();
    assert!(!adapted(&mut session) && session.profile().seconds() == 0.0);
    session.set_profile(kept).unwrap();
    assert!(adapted(&mut session));
    assert!(live::Profile::from_json("{}").is_err());
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let recognizer = Recognizer::builder().build().unwrap();
    let settings = SessionSettings {
        hop: 0.0,
        ..SessionSettings::default()
    };
    let error = Session::new(recognizer, settings, 16_000).err().unwrap();
    assert!(
        error
            .to_string()
            .contains("hop is 0, it must be 0.02 to 10"),
        "{error}"
    );
}
