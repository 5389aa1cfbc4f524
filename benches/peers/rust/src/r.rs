//! The cases that R runs.

use crate::common::clock::Median;
use crate::common::repository;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// What R found.
pub struct Measured {
    pub median: Median,
    /// The log-likelihood or another number that both sides must have.
    pub check: f64,
    /// Peak memory of one run above what the process held before it; `None` where the system does not tell.
    pub megabytes: Option<f64>,
    pub versions: String,
}

/// Where simulated data are written for R.
pub fn data() -> PathBuf {
    std::env::temp_dir().join(format!("trialstats-peers-{}-simulated.csv", std::process::id()))
}

/// Runs a case of `peers.R`; the error says why it could not be measured.
pub fn measure(case: &str, seconds: f64) -> Result<Measured, String> {
    let script = repository("benches/peers/peers.R");
    let output = Command::new("Rscript")
        .current_dir(repository(""))
        .env("PEERS_DATA", data())
        .args([script.as_os_str(), case.as_ref(), seconds.to_string().as_ref()])
        .output()
        .map_err(|_| "Rscript cannot be run".to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found: Option<Value> = text.lines().rev().find_map(|line| serde_json::from_str(line).ok());
    let Some(found) = found.filter(|_| output.status.success()) else {
        let said = String::from_utf8_lossy(&output.stderr);
        let why =
            said.lines().find(|line| line.contains("there is no package")).or_else(|| said.lines().find(|line| line.starts_with("Error")));
        return Err(why.unwrap_or("R failed").trim().into());
    };
    let number = |name: &str| found[name].as_f64().unwrap_or(f64::NAN);
    let text = |name: &str| found[name].as_str().unwrap_or_default();
    Ok(Measured {
        median: Median { seconds: number("seconds"), repeats: number("repeats") as usize },
        check: number("check"),
        megabytes: found["megabytes"].as_f64(),
        versions: format!("{}, R {}", text("versions"), text("r")),
    })
}
