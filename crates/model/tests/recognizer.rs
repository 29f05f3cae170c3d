//! The recogniser: its settings, its verdicts, batches and speaker adaptation.

use crate::common::{RATE, model, noise, recording, silence, voice};
use audio::{Features, Recording};
use model::{
    Backend, Classification, Description, Enrolment, Model, ModelError, Prepared, Reason,
    Recognizer, Verdict,
};

fn recognizer() -> Recognizer {
    Recognizer::builder().model(model()).build().unwrap()
}

/// Voices of different pitch and length, more than one batch of them.
fn clips(recognizer: &Recognizer) -> Vec<Prepared> {
    let clip = |k: usize| voice(90.0 + 3.0 * k as f32, 0.2 + 0.05 * (k % 13) as f32);
    let clips = (0..Recognizer::BATCH + 6).map(|k| recognizer.prepare(&clip(k)).unwrap());
    clips.collect()
}

fn borrowed(clips: &[Prepared]) -> Vec<&Prepared> {
    clips.iter().collect()
}

/// The most that two answers' probabilities differ by.
fn difference(a: &Classification, b: &Classification) -> f32 {
    let pairs = a.scores().iter().zip(b.scores());
    pairs.fold(0.0, |most, ((_, a), (_, b))| most.max((a - b).abs()))
}

#[test]
fn the_model_can_come_from_a_file_from_bytes_or_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model().save(&path).unwrap();
    let bytes = model().to_bytes().unwrap();
    let expected = recognizer().classify(&recording(440.0)).unwrap();
    let recognizers = [
        Recognizer::builder().model_file(&path).build(),
        Recognizer::builder().model_bytes(&bytes).build(),
        Recognizer::open(&path),
        Recognizer::open_on(&path, Backend::Auto),
        // The model named last is taken.
        Recognizer::builder()
            .model_file("nowhere.safetensors")
            .model(model())
            .build(),
    ];
    for recognizer in recognizers {
        let answer = recognizer.unwrap().classify(&recording(440.0)).unwrap();
        assert_eq!(answer, expected);
    }
}

#[test]
fn the_default_is_the_cpu() {
    let cpu = Backend::Flex.device().unwrap();
    let auto = Recognizer::builder().model(model()).backend(Backend::Auto);
    for recognizer in [recognizer(), auto.build().unwrap()] {
        for member in &recognizer.model().members {
            let weights = member.classifier.head.weight.val();
            assert_eq!(weights.device(), cpu);
        }
    }
}

#[cfg(feature = "ndarray")]
#[test]
fn a_model_is_moved_to_the_chosen_backend() {
    let builder = Recognizer::builder().model(model());
    let moved = builder.backend(Backend::Ndarray).build().unwrap();
    let answer = moved.classify(&recording(440.0)).unwrap();
    let expected = recognizer().classify(&recording(440.0)).unwrap();
    assert!(difference(&answer, &expected) < 1e-5);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for threshold in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
        let builder = Recognizer::builder().model(model());
        let error = builder.abstain_below(threshold).build().unwrap_err();
        assert!(matches!(error, ModelError::Settings { .. }), "{error}");
        assert!(error.to_string().contains("from 0 to 1"), "{error}");
    }
    let empty = Model {
        members: Vec::new(),
        ..model()
    };
    let unlabelled = Model {
        description: Description {
            labels: Vec::new(),
            ..model().description
        },
        ..model()
    };
    for model in [empty, unlabelled] {
        let error = Recognizer::builder().model(model).build().unwrap_err();
        assert!(matches!(error, ModelError::Settings { .. }), "{error}");
    }
}

#[cfg(not(feature = "pretrained"))]
#[test]
fn without_any_model_the_error_says_how_to_choose_one() {
    let error = Recognizer::builder().build().unwrap_err();
    assert!(matches!(error, ModelError::Settings { .. }), "{error}");
    assert!(error.to_string().contains("choose a model file"), "{error}");
}

#[test]
fn recordings_files_bytes_and_samples_get_the_same_answer() {
    let recognizer = recognizer();
    let sound = voice(150.0, 1.0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.wav");
    audio::write_wav_as(&path, sound.samples(), RATE, audio::SampleFormat::Float32).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let expected = recognizer.classify(&sound).unwrap();
    assert_eq!(recognizer.classify_file(&path).unwrap(), expected);
    assert_eq!(recognizer.classify_bytes(&bytes).unwrap(), expected);
    let answer = recognizer.classify_samples(sound.samples(), RATE).unwrap();
    assert_eq!(answer, expected);
    assert!(recognizer.classify_samples(&[f32::NAN], RATE).is_err());
    assert!(recognizer.classify_samples(&[], RATE).is_err());
    assert!(recognizer.classify_bytes(b"not audio").is_err());
}

#[test]
fn each_verdict_is_reached() {
    let known = Model {
        familiarity: None,
        ..model()
    };
    let builder = || Recognizer::builder().model(known.clone());
    let sure = builder().build().unwrap();
    assert_eq!(
        sure.classify(&silence()).unwrap().verdict(),
        Verdict::NoSpeech
    );
    let answer = sure.classify(&voice(150.0, 1.0)).unwrap();
    assert!(answer.speech_seconds() > Some(0.0));
    let (label, probability) = (answer.label(), answer.probability());
    assert_eq!(answer.verdict(), Verdict::Label { label, probability });

    let unsure = builder().abstain_below(1.0).build().unwrap();
    let answer = unsure.classify(&voice(150.0, 1.0)).unwrap();
    assert_eq!(answer.verdict().label(), None);
    assert_eq!(answer.verdict().reason(), Some(Reason::Unsure));
    // The threshold survives speaker adaptation.
    let clip = unsure.prepare(&voice(150.0, 1.0)).unwrap();
    let adapted = unsure.enrolled(&Enrolment::from_clips(&[&clip])).unwrap();
    let answer = adapted.classify_many(&[&clip]).unwrap().remove(0);
    assert_eq!(answer.verdict().reason(), Some(Reason::Unsure));

    // This model was trained on tones, and never heard a voice.
    let answer = recognizer().classify(&voice(150.0, 1.0)).unwrap();
    let verdict = answer.verdict();
    assert!(
        matches!(verdict, Verdict::Unfamiliar { unfamiliarity, .. } if unfamiliarity > 1.0),
        "{verdict}"
    );
    assert_eq!(verdict.label(), Some(answer.label()));
}

#[cfg(feature = "pretrained")]
#[test]
fn the_pretrained_model_knows_silence_and_noise_from_voices() {
    let recognizer = Recognizer::pretrained().unwrap();
    let silent = recognizer.classify(&silence()).unwrap();
    assert_eq!(silent.verdict().reason(), Some(Reason::NoSpeech));
    let noisy = recognizer.classify(&noise()).unwrap();
    assert!(!noisy.is_familiar(), "{noisy:?}");
    assert!(!matches!(noisy.verdict(), Verdict::Label { .. }));
    let builder = Recognizer::builder().build().unwrap();
    assert_eq!(builder.classify(&noise()).unwrap(), noisy);
}

#[test]
fn many_at_once_get_the_answers_that_each_gets_alone() {
    let recognizer = recognizer();
    let clips = clips(&recognizer);
    let together = recognizer.classify_many(&borrowed(&clips)).unwrap();
    assert_eq!(together.len(), clips.len());
    for (clip, answer) in clips.iter().zip(&together) {
        let alone = recognizer.classify_many(&[clip]).unwrap().remove(0);
        assert!(difference(&alone, answer) < 1e-6);
        assert_eq!(alone.speech_seconds(), answer.speech_seconds());
        assert_eq!(alone.unfamiliarity(), answer.unfamiliarity());
    }
    let features: Vec<&Features> = clips.iter().map(Prepared::features).collect();
    let by_features = recognizer.classify_features(&features).unwrap();
    for (a, b) in by_features.iter().zip(&together) {
        assert_eq!(a.scores(), b.scores());
        assert_eq!(a.speech_seconds(), None);
        assert!(a.is_speech());
    }
    assert!(recognizer.classify_many(&[]).unwrap().is_empty());
}

#[test]
fn clips_without_frames_or_with_other_features_are_refused() {
    let recognizer = recognizer();
    let good = recognizer.features(&recording(440.0)).unwrap();
    let empty = Features::new(
        audio::Frames::new(Vec::new(), good.frames.columns()),
        good.functionals.clone(),
    );
    let other = Features {
        functionals: Vec::new(),
        ..good.clone()
    };
    for wrong in [empty, other] {
        let clips = [good.clone(), wrong].map(Prepared::from_features);
        let error = recognizer.classify_many(&borrowed(&clips)).unwrap_err();
        assert!(matches!(error, ModelError::Settings { .. }), "{error}");
    }
    let short = Recording::from_samples(vec![0.1; 10], RATE).unwrap();
    assert!(matches!(
        recognizer.prepare(&short),
        Err(ModelError::Audio(_))
    ));
}

#[test]
fn an_empty_enrolment_changes_nothing_and_a_speaker_does() {
    let recognizer = recognizer();
    let sound = recording(440.0);
    let stranger = recognizer.classify(&sound).unwrap();
    let nobody = recognizer.enrolled(&Enrolment::new()).unwrap();
    assert_eq!(nobody.classify(&sound).unwrap(), stranger);
    let somebody = Enrolment::of(&recognizer.features(&recording(300.0)).unwrap());
    let known = recognizer.enrolled(&somebody).unwrap();
    assert_ne!(known.classify(&sound).unwrap(), stranger);
    let builder = Recognizer::builder().model(model());
    let built = builder.speaker(somebody).build().unwrap();
    assert_eq!(
        built.classify(&sound).unwrap(),
        known.classify(&sound).unwrap()
    );
}

#[test]
fn enrolling_prepared_clips_equals_enrolling_their_features() {
    let recognizer = recognizer();
    let sounds = [200.0, 300.0, 400.0].map(recording);
    let clips = sounds.each_ref().map(|s| recognizer.prepare(s).unwrap());
    let mut expected = Enrolment::new();
    for sound in &sounds {
        expected.merge(&Enrolment::of(&recognizer.features(sound).unwrap()));
    }
    let speaker = Enrolment::from_clips(&borrowed(&clips));
    assert_eq!(speaker, expected);
    let adapted = recognizer.enrolled(&speaker).unwrap();
    let answers = adapted.classify_many(&borrowed(&clips[..1])).unwrap();
    assert_eq!(answers[0], adapted.classify(&sounds[0]).unwrap());
}

#[test]
fn few_shot_adaptation_makes_the_given_label_more_probable() {
    let recognizer = recognizer();
    let clips = [200.0, 300.0, 400.0, 500.0].map(|hertz| {
        let features = recognizer.features(&recording(hertz)).unwrap();
        (features, 2)
    });
    let labelled: Vec<(&Features, usize)> = clips.iter().map(|(f, label)| (f, *label)).collect();
    let speaker = clips.iter().fold(Enrolment::new(), |mut all, (clip, _)| {
        all.add(clip);
        all
    });
    let enrolled = recognizer.enrolled(&speaker).unwrap();
    let adapted = recognizer.few_shot(&labelled).unwrap();
    let probability = |recognizer: &Recognizer| {
        let answer = recognizer.classify(&recording(250.0)).unwrap();
        answer.scores()[2].1
    };
    assert!(probability(&adapted) > probability(&enrolled));
    let error = recognizer.few_shot(&[(&clips[0].0, 3)]).unwrap_err();
    assert!(matches!(error, ModelError::Settings { .. }), "{error}");
}
