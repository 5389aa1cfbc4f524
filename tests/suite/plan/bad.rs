//! Plans with one mistake each: the message says where it is, what it is and what to do.

use crate::common::repository;
use std::path::{Path, PathBuf};
use trialstats::analysis::{PlanFile, Silent};
use trialstats::{Error, Result};

/// What becomes of a plan in a file, from reading it to running it on the data that it names.
fn taken_through(path: &Path) -> Result<()> {
    let file = PlanFile::open(path)?;
    file.check_itself()?;
    let Some(data) = file.data() else { return Ok(()) };
    let trial = file.read(data)?;
    file.check(&trial)?;
    file.run(&trial, &Silent).map(|_| ())
}

fn bad_plans() -> Vec<PathBuf> {
    let folder = repository("tests/references/plans/bad");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    found
}

#[test]
fn every_bad_plan_is_told_where_it_is_wrong_and_what_to_do() {
    let plans = bad_plans();
    assert!(plans.len() >= 30, "{}", plans.len());
    let mut wrong = vec![];
    for path in plans {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let says: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# says: ")).collect();
        assert!(!says.is_empty(), "{name} does not say what the message has to say");
        match taken_through(&path) {
            Ok(()) => wrong.push(format!("{name}: nothing was wrong")),
            Err(error) => {
                let error = error.worded_for(trialstats::error::Interface::Plan);
                let message = error.to_string();
                let lacking: Vec<&&str> = says.iter().filter(|words| !message.contains(**words)).collect();
                if !lacking.is_empty() {
                    wrong.push(format!("{name} lacks {lacking:?}:\n    {message}"));
                }
                // The file is named wherever the plan and not the data is wrong.
                if matches!(error, Error::Plan(_) | Error::Written { .. }) && !message.contains(&name) {
                    wrong.push(format!("{name} is not named: {message}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
