//! Drawn completed data in a file: the data sets of the library, the same bytes for any number of threads.

#[cfg(feature = "cli")]
use crate::common::program::{refusal, stdout, trialstats as run};
use crate::common::{ANTIDEPRESSANT, repository};
use std::path::PathBuf;
use trialstats::analysis::{Plan, Silent};
use trialstats::imputation::{CompletedData, CompletedWriter, DrawMethod, Draws, ReferenceBased, Strategy};
use trialstats::{Df, Error, Model, Trial};

const PLAN: &str = r#"
primary = "CHANGE"
at = "7"
seed = 31

[layout]
patient = "PATIENT"
arm = "THERAPY"
visit = "VISIT"
reference-arm = "PLACEBO"
outcomes = ["CHANGE"]
covariates = ["BASVAL"]

[model]
formula = "BASVAL * VISIT + THERAPY * VISIT"

[[sensitivity]]
kind = "imputation"
strategy = "jump-to-reference"
covariates = ["BASVAL"]

[[sensitivity]]
kind = "imputation"
name = "as drawn"
strategy = "mar"
covariates = ["BASVAL"]
draws = { method = "approximate-bayesian", number = 30, seed = 8 }

[[sensitivity]]
kind = "imputation"
name = "samples"
strategy = "mar"
draws = { method = "bootstrapped-imputation", number = 30 }
"#;

fn plan() -> Plan {
    Plan::from_toml(PLAN).unwrap_or_else(|error| panic!("{error}"))
}

fn trial() -> Trial {
    plan().read(repository(ANTIDEPRESSANT)).expect("the sample")
}

fn sets(analysis: &str, number: usize, seed: Option<u64>) -> Vec<CompletedData> {
    let mut found = vec![];
    let keep = |data: CompletedData| {
        found.push(data);
        Ok(())
    };
    let n = plan().drawn_data(&trial(), Some(analysis), (number, seed), &Silent, keep).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(n, number);
    found
}

fn csv(sets: &[CompletedData]) -> String {
    let mut bytes = vec![];
    let mut writer = CompletedWriter::csv(&mut bytes);
    sets.iter().for_each(|data| writer.write(data).expect("memory can be written"));
    writer.finish().expect("memory can be written");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn each_data_set_is_that_of_the_imputations() {
    let trial = trial();
    let fit =
        Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT").map(|m| m.df(Df::KenwardRoger)).and_then(|m| m.fit(&trial)).unwrap();
    let based = ReferenceBased::new(Strategy::JumpToReference).covariates(["BASVAL"]);
    // An imputation without draws is drawn from the posterior, by the seed of the plan.
    let imputations = fit.imputations(&trial, &based, &Draws::new(DrawMethod::Bayesian).number(70).seed(31)).unwrap();
    let found = sets("jump to reference", 70, None);
    for (k, data) in found.iter().enumerate() {
        let values: Vec<f64> = data.rows.iter().map(|row| row.value).collect();
        assert_eq!(values, imputations.completed(k).unwrap().outcomes());
        assert!(data.rows.iter().all(|row| row.draw == Some(k + 1) && row.seed == Some(31)));
        for row in &data.rows {
            match row.derivation.as_deref() {
                None => assert_eq!(row.value, row.observed),
                Some(code) => assert!(row.observed.is_nan() && row.value.is_finite() && matches!(code, "J2R" | "MAR"), "{row:?}"),
            }
        }
        assert_eq!(data.imputed(), 80);
    }
    // The mean of many draws is the expectation, which the data without draws hold.
    let expected = plan().completed_data(&trial, Some("jump to reference")).unwrap();
    let place = expected.rows.iter().position(|row| row.derivation.as_deref() == Some("J2R")).unwrap();
    let drawn: Vec<f64> = found.iter().map(|data| data.rows[place].value).collect();
    let mean = drawn.iter().sum::<f64>() / 70.0;
    let sd = (drawn.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / 69.0).sqrt();
    assert!((mean - expected.rows[place].value).abs() < 4.0 * sd / 70.0_f64.sqrt(), "{mean} {sd} {}", expected.rows[place].value);
}

#[test]
fn bytes_do_not_depend_on_threads_and_seeds_do_what_they_say() {
    let texts: Vec<String> = [1, 2, 5]
        .into_iter()
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| csv(&sets("as drawn", 9, None)))
        })
        .collect();
    assert!(texts[0] == texts[1] && texts[0] == texts[2]);
    // The seed of the imputation, stated again, and another.
    assert_eq!(texts[0], csv(&sets("as drawn", 9, Some(8))));
    assert_ne!(texts[0], csv(&sets("as drawn", 9, Some(9))));
    assert_eq!(texts[0].lines().count(), 1 + 9 * 172 * 4);
    assert!(texts[0].starts_with("ANALYSIS,USUBJID,TRT01P,AVISITN,AVISIT,PARAMCD,AVAL,AORIG,DTYPE,IMPFL,ICE,ICESTRAT,GAPFL,DRAW,SEED\n"));
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let refused = |analysis: &str| plan().drawn_data(&trial(), Some(analysis), (5, None), &Silent, |_| Ok(())).expect_err(analysis);
    assert_eq!(refused("samples").code(), "not-available");
    assert!(matches!(refused("no such"), Error::Unknown { .. }));
    let too_few = plan().drawn_data(&trial(), Some("as drawn"), (1, None), &Silent, |_| Ok(()));
    assert_eq!(too_few.expect_err("one").code(), "too-few-replicates");
}

/// Two files of a folder of the test's own: the plan and what is written.
#[cfg(feature = "cli")]
fn files(name: &str, extension: &str) -> (String, PathBuf) {
    let folder = std::env::temp_dir().join(format!("trialstats-drawn-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let plan = folder.join("plan.toml");
    std::fs::write(&plan, PLAN).expect("the plan");
    (plan.display().to_string(), folder.join(format!("drawn.{extension}")))
}

#[cfg(feature = "cli")]
#[test]
fn the_command_writes_what_the_library_draws() {
    let (plan, out) = files("csv", "csv");
    let to = out.display().to_string();
    let asked = ["impute", &plan, "--data", ANTIDEPRESSANT, "--analysis", "as drawn", "--draws", "4", "--out", &to];
    let output = run(&asked);
    // Standard error is no terminal here: nothing is shown.
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = stdout(&output);
    assert!(said.contains("4 data sets with 2752 values of CHANGE, 320 of them drawn or replaced"), "{said}");
    assert_eq!(std::fs::read_to_string(&out).expect("it is written"), csv(&sets("as drawn", 4, None)));
    // A refusal leaves no file.
    let refused = ["impute", &plan, "--data", ANTIDEPRESSANT, "--analysis", "samples", "--draws", "4", "--out", &to];
    assert!(refusal(&refused).contains("samples of the patients") && !out.exists());
    let alone = refusal(&["impute", &plan, "--data", ANTIDEPRESSANT, "--seed", "4", "--out", &to]);
    assert!(alone.contains("--draws"), "{alone}");
}

#[cfg(all(feature = "cli", feature = "parquet"))]
#[test]
fn parquet_holds_the_same() {
    use polars::prelude::{ParquetReader, SerReader};
    let (plan, out) = files("parquet", "parquet");
    let to = out.display().to_string();
    stdout(&run(&["impute", &plan, "--data", ANTIDEPRESSANT, "--analysis", "as drawn", "--draws", "4", "--out", &to]));
    let frame = ParquetReader::new(std::fs::File::open(&out).expect("it is there")).finish().expect("it is Parquet");
    let expected: Vec<f64> = sets("as drawn", 4, None).iter().flat_map(|data| data.rows.iter().map(|row| row.value)).collect();
    let found: Vec<f64> = frame.column("AVAL").unwrap().f64().unwrap().into_no_null_iter().collect();
    assert_eq!(found, expected);
    let draws: Vec<u64> = frame.column("DRAW").unwrap().u64().unwrap().into_no_null_iter().collect();
    assert_eq!((draws[0], draws[draws.len() - 1], draws.len()), (1, 4, 4 * 172 * 4));
}
