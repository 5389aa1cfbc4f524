//! Makes the synthetic sample trial `data-samples/imrs_gst/imrs_gst.csv` from the truth stated beside it, byte for
//! byte.
//!
//! ```text
//! cargo run --release --example make_imrs_gst
//! ```

use std::fs::File;
use std::io::BufWriter;
use trialstats::simulate::Truth;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::path::Path::new("data-samples/imrs_gst");
    let trial = Truth::read(folder.join("truth.json"))?.simulate()?;
    let file = folder.join("imrs_gst.csv");
    trial.write_csv(BufWriter::new(File::create(&file)?))?;
    let rows: usize = trial.patients.iter().map(|p| p.visits.iter().flatten().count()).sum();
    println!("{}: {} synthetic patients, {rows} rows", file.display(), trial.patients.len());
    Ok(())
}
