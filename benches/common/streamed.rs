//! A file of made-up patients, and the memory it takes to stream it into moments.

use super::{SIMULATED, model, simulated};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use trialstats::Layout;
use trialstats::fit::TrialMoments;
use trialstats::trial::CovariateKind;

const VISITS: usize = 5;
const ROWS_A_CHUNK: usize = 50_000;
const ARGUMENT: &str = "--stream-file";

/// What streaming took.
#[derive(Debug, Clone, Copy)]
pub struct Streamed {
    pub observations: f64,
    pub seconds: f64,
    /// Above the start of the process; `None` where the system does not tell.
    pub megabytes: Option<f64>,
}

/// Writes a trial of so many patients as CSV, a thousand at a time.
pub fn write(path: &Path, patients: usize) -> std::io::Result<()> {
    let trial = simulated(1000.min(patients), VISITS);
    let outcome = &trial.outcomes()[0];
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "patient,arm,visit,y,severity")?;
    let mut line = String::new();
    for i in 0..patients {
        // The same thousand patients again and again, each copy moved a little.
        let (like, moved) = (i % trial.patients().len(), (i / 1000) as f64 * 1e-3);
        for t in 0..VISITS {
            let y = trial.value(outcome, like, t).map_or(String::new(), |y| format!("{:.3}", y + moved));
            let arm = &trial.arms()[trial.arm_of()[like]];
            line.clear();
            write!(line, "P{i:07},{arm},v{t},{y},{:.3}", 20.0 + (i % 997) as f64 * 0.01).expect("a string takes all");
            writeln!(file, "{line}")?;
        }
    }
    file.flush()
}

/// Streams a file in a process of its own, whose peak memory is that of streaming and nothing else.
pub fn measure(path: &Path) -> Option<Streamed> {
    let output = Command::new(std::env::current_exe().ok()?).arg(ARGUMENT).arg(path).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [observations, seconds, megabytes] = numbers.try_into().ok()?;
    Some(Streamed { observations, seconds, megabytes: (!megabytes.is_nan()).then_some(megabytes) })
}

/// Whether this process was started by [`measure`]; then the file is streamed and the numbers are printed.
pub fn is_the_measured_process() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, argument, path] = arguments.as_slice() else { return false };
    if argument != ARGUMENT {
        return false;
    }
    let before = peak();
    let layout = Layout::long("patient", "arm", "visit")
        .arms(["control", "treatment"])
        .visits((0..VISITS).map(|t| format!("v{t}")))
        .outcome("y")
        .covariate_as("severity", CovariateKind::Numeric);
    let model = model(SIMULATED);
    let start = Instant::now();
    let stream = || -> trialstats::Result<TrialMoments> {
        let protocol = layout.protocol()?;
        let layout = layout.part_of(&protocol);
        let moments = TrialMoments::of_chunks(&model.freeze(&protocol)?, &layout, layout.csv_chunks(path, ROWS_A_CHUNK)?)?;
        model.fit_moments(&moments)?;
        Ok(moments)
    };
    let moments = stream().expect("the file is a trial");
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = before.zip(peak()).map_or(f64::NAN, |(before, after)| (after - before) as f64 / 1e3);
    println!("{} {seconds} {megabytes}", moments.n_observations());
    true
}

/// The highest resident memory of the process so far, in kB; `None` where the system does not tell.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
}
