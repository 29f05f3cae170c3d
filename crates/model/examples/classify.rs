//! `cargo run --example classify -p model -- model.safetensors voice.wav`

use model::{ModelError, Recognizer};

fn main() -> Result<(), ModelError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(recording)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: classify MODEL.safetensors FILE.wav");
        std::process::exit(2);
    };
    let emotion = Recognizer::open(model)?.classify_file(recording)?;
    println!(
        "{} ({:.0} %)",
        emotion.label(),
        100.0 * emotion.probability()
    );
    Ok(())
}
