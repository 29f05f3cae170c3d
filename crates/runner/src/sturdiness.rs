//! What `--sturdy` prints and writes.

use std::path::Path;

use anyhow::Result;
use report::text::SturdyLine;
use training::sturdy::{Disturbed, Encode, SturdyRow, figures};

use crate::encoder_process::Ffmpeg;
use crate::output::write_file;

/// The file of the figures.
pub const STURDY: &str = "sturdy.json";

/// The encoder, or why there is none.
pub fn encoder(found: &Result<Ffmpeg, String>) -> Result<&dyn Encode, String> {
    match found {
        Ok(encoder) => Ok(encoder),
        Err(why) => Err(why.clone()),
    }
}

/// Prints the table, and writes the figures where there is a folder.
pub fn report(disturbed: &[Disturbed], folder: Option<&Path>) -> Result<()> {
    let rows = figures(disturbed);
    if let Some(folder) = folder {
        let json = serde_json::to_string_pretty(&rows)?;
        write_file(&folder.join(STURDY), json.as_bytes())?;
    }
    let lines: Vec<SturdyLine> = rows.into_iter().map(line).collect();
    println!("{}", report::text::sturdy(&lines));
    Ok(())
}

fn line(row: SturdyRow) -> SturdyLine {
    SturdyLine {
        disturbance: row.disturbance,
        intelligible: row.intelligible,
        uar: row.uar,
        drop: row.drop,
        calibration_error: row.calibration_error,
        calibration_interval: row.calibration_interval,
        unlike: row.unlike,
        whole: row.whole,
        skipped: row.skipped,
    }
}
