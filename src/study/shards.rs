//! Parts of a study, simulated apart and added up exactly.

use super::file::StudyFile;
use super::procedure::Answer;
use super::replicates::{Replicate, Replicates};
use super::run::StudyResult;
use crate::analysis::Progress;
use crate::error::{Error, Result};
use crate::table::{agreeing, counted};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One part of a study: the trials whose numbers leave the same remainder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    /// The fingerprint of the study.
    study: String,
    part: u64,
    of: u64,
    points: Vec<PartOfPoint>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartOfPoint {
    names: Vec<String>,
    truths: Vec<Option<f64>>,
    truth_errors: Vec<Option<f64>>,
    trials: Vec<WrittenTrial>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTrial {
    number: u64,
    left: Option<f64>,
    answers: Vec<WrittenAnswer>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenAnswer {
    Failure(String),
    /// Estimate, SE, df, p, lower, upper, share between; null where not finite, 1e999 cannot be written.
    Found([Option<f64>; 7], [bool; 4]),
}

/// Infinite degrees of freedom are told by a flag, other numbers that are not finite are NaN.
fn written(answer: &Result<Answer, String>) -> WrittenAnswer {
    match answer {
        Err(name) => WrittenAnswer::Failure(name.clone()),
        Ok(a) => {
            let finite = |x: f64| x.is_finite().then_some(x);
            let numbers = [a.estimate, a.se, a.df, a.p, a.interval.0, a.interval.1, a.between].map(finite);
            WrittenAnswer::Found(numbers, [a.success, a.boundary, a.fallback, a.df.is_infinite()])
        }
    }
}

fn read(answer: WrittenAnswer) -> Result<Answer, String> {
    match answer {
        WrittenAnswer::Failure(name) => Err(name),
        WrittenAnswer::Found(numbers, [success, boundary, fallback, infinite]) => {
            let [estimate, se, df, p, lower, upper, between] = numbers.map(|x| x.unwrap_or(f64::NAN));
            let df = if infinite { f64::INFINITY } else { df };
            Ok(Answer { estimate, se, df, p, interval: (lower, upper), success, boundary, fallback, between })
        }
    }
}

impl StudyFile {
    /// Simulates part `part` of `of` (counted from 1) and writes it into a folder, made if needed: trial r belongs to part 1 +
    /// r mod `of`. [`StudyFile::merged`] adds the parts up.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a part that there is not and for a study that stops by precision; [`Error::File`] where the
    /// folder cannot be written.
    pub fn write_part(&self, part: u64, of: u64, folder: &Path, progress: &dyn Progress) -> Result<PathBuf> {
        if part == 0 || part > of {
            return Err(Error::no_position(
                format!("part {part} of {of}"),
                "parts are counted from 1 to their number",
                "ask for one of them",
            ));
        }
        self.must_be_whole()?;
        let points = self.part((part, of), progress)?.into_iter().map(part_of_point).collect();
        let name = folder.join(format!("part-{part}-of-{of}.json"));
        let text = serde_json::to_string(&Part { study: self.fingerprint()?, part, of, points })
            .map_err(|e| Error::damaged("the part of a study", e.to_string(), "report this"))?;
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&name, text));
        written.map_err(|source| Error::File { action: "cannot write", path: name.display().to_string(), source })?;
        Ok(name)
    }

    /// The result of the study from the parts in a folder: to the last bit the one that [`StudyFile::run`] gives.
    ///
    /// # Errors
    /// [`Error::File`] where the folder cannot be read; [`Error::Invalid`] for parts of another study, and where parts are
    /// missing or there twice.
    pub fn merged(&self, folder: &Path, progress: &dyn Progress) -> Result<StudyResult> {
        self.must_be_whole()?;
        let mut parts = parts_in(folder)?;
        parts.sort_by_key(|part| part.part);
        let study = self.fingerprint()?;
        if let Some(stranger) = parts.iter().find(|part| part.study != study) {
            return Err(Error::another_trial(
                format!("part {} of {} in {}", stranger.part, stranger.of, folder.display()),
                "it was simulated from another study, or by another version",
                "simulate all parts with one file and one version",
            ));
        }
        let of = parts.first().map_or(0, |part| part.of);
        let numbers: Vec<u64> = parts.iter().map(|part| part.part).collect();
        if of == 0 || parts.iter().any(|part| part.of != of) || numbers != (1..=of).collect::<Vec<_>>() {
            let missing: Vec<String> = (1..=of).filter(|k| !numbers.contains(k)).map(|k| k.to_string()).collect();
            let why = format!(
                "there {} {} of {}; missing: {}",
                agreeing(parts.len(), "is", "are"),
                counted(parts.len(), "file"),
                counted(of, "part"),
                if missing.is_empty() { "none".into() } else { missing.join(", ") }
            );
            return Err(Error::incomplete(
                format!("the parts in {}", folder.display()),
                why,
                "run the missing parts, and keep one study in a folder",
            ));
        }
        let points = self.points()?;
        let mut all: Vec<Replicates> = vec![];
        for (k, _) in points.iter().enumerate() {
            let mut found: Option<Replicates> = None;
            for part in &parts {
                let Some(own) = part.points.get(k).cloned() else {
                    return Err(Error::damaged(format!("part {} of {of}", part.part), "it lacks a point of the study", "run it again"));
                };
                let own = replicates_of(own);
                match &mut found {
                    None => found = Some(own),
                    Some(all) => all.trials.extend(own.trials),
                }
            }
            let mut found = found.ok_or_else(|| Error::incomplete("the parts", "there are none", "run them"))?;
            found.trials.sort_by_key(|trial| trial.number);
            all.push(found);
        }
        self.completed(&points, &all, progress)
    }

    fn must_be_whole(&self) -> Result<()> {
        match self.settings.precision {
            None => Ok(()),
            Some(_) => Err(Error::conflict(
                "parts of a study that stops at a `precision`",
                "no part knows what the others have found",
                "state the number of `trials` alone",
            )),
        }
    }
}

fn finite(numbers: &[f64]) -> Vec<Option<f64>> {
    numbers.iter().map(|x| x.is_finite().then_some(*x)).collect()
}

fn part_of_point(replicates: Replicates) -> PartOfPoint {
    let trials = replicates.trials.iter().map(|trial| WrittenTrial {
        number: trial.number,
        left: trial.left.is_finite().then_some(trial.left),
        answers: trial.answers.iter().map(written).collect(),
    });
    PartOfPoint {
        trials: trials.collect(),
        names: replicates.names,
        truths: finite(&replicates.truths),
        truth_errors: finite(&replicates.truth_errors),
    }
}

fn replicates_of(part: PartOfPoint) -> Replicates {
    let trial = |trial: WrittenTrial| Replicate {
        number: trial.number,
        left: trial.left.unwrap_or(f64::NAN),
        answers: trial.answers.into_iter().map(read).collect(),
    };
    Replicates {
        names: part.names,
        truths: part.truths.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect(),
        truth_errors: part.truth_errors.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect(),
        trials: part.trials.into_iter().map(trial).collect(),
    }
}

fn parts_in(folder: &Path) -> Result<Vec<Part>> {
    let cannot = |path: &Path, source| Error::File { action: "cannot read", path: path.display().to_string(), source };
    let entries = std::fs::read_dir(folder).map_err(|source| cannot(folder, source))?;
    let mut parts = vec![];
    for entry in entries {
        let path = entry.map_err(|source| cannot(folder, source))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !(name.starts_with("part-") && name.ends_with(".json")) {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|source| cannot(&path, source))?;
        let part = serde_json::from_str(&text)
            .map_err(|e| Error::damaged(path.display().to_string(), e.to_string(), "run this part of the study again"))?;
        parts.push(part);
    }
    Ok(parts)
}
