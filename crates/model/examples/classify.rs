//! `cargo run --example classify -p model -- [MODEL.safetensors] voice.wav`

use model::{ModelError, Recognizer};

fn main() -> Result<(), ModelError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // No label below 50 %.
    let builder = Recognizer::builder().abstain_below(0.5);
    let (builder, recording) = match &arguments[..] {
        // Without a model file it is the pretrained model.
        [recording] => (builder, recording),
        [model, recording] => (builder.model_file(model), recording),
        _ => {
            eprintln!("usage: classify [MODEL.safetensors] FILE.wav");
            std::process::exit(2);
        }
    };
    let answer = builder.build()?.classify_file(recording)?;
    println!("{}", answer.verdict());
    for (label, probability) in answer.scores() {
        println!("{label:>12} {:5.1} %", 100.0 * probability);
    }
    Ok(())
}
