//! Files read in chunks: the same moments as from a trial in memory, and the same refusals.

use crate::common::tolerances::POOLED;
use crate::common::{FEV, contents, read_text};
use trialstats::fit::TrialMoments;
use trialstats::trial::{CovariateKind, OutcomeColumn, Protocol};
use trialstats::{Df, Error, Layout, Model};

fn layout() -> Layout {
    Layout::long("USUBJID", "ARMCD", "AVISIT")
        .arms(["PBO", "TRT"])
        .visits(["VIS1", "VIS2", "VIS3", "VIS4"])
        .outcome(OutcomeColumn::new("FEV1").range(0.0, 100.0))
        .factor("RACE", ["Asian", "Black or African American", "White"])
        .covariate_as("FEV1_BL", CovariateKind::Numeric)
}

fn text() -> String {
    contents(FEV)
}

fn model() -> Model {
    Model::formula("FEV1 ~ RACE + FEV1_BL + ARMCD * AVISIT").unwrap().df(Df::KenwardRoger)
}

fn stream(text: &str, rows: usize) -> trialstats::Result<TrialMoments> {
    let protocol: Protocol = layout().protocol()?;
    let layout = layout().part_of(&protocol);
    TrialMoments::of_chunks(&model().freeze(&protocol)?, &layout, layout.csv_chunks_from("fev", text.as_bytes(), rows)?)
}

#[test]
fn chunks_of_any_size_give_the_fit_of_the_whole() {
    let text = text();
    let whole = model().fit(&read_text(&layout(), "fev", &text)).unwrap();
    for rows in [1, 3, 7, 100, 10_000] {
        let moments = stream(&text, rows).unwrap();
        assert_eq!((moments.n_patients(), moments.randomized()), (197, 200));
        let fit = model().fit_moments(&moments).unwrap();
        for (a, b) in fit.coefficients().rows.iter().zip(&whole.coefficients().rows) {
            assert!((a.estimate - b.estimate).abs() < POOLED * b.se, "{rows} rows: {a:?} {b:?}");
            assert!((a.se - b.se).abs() < POOLED * b.se);
        }
        assert_eq!(fit.account().exclusions().counts(), whole.design().exclusions().counts());
    }
}

#[test]
fn the_moments_are_the_same_bits_for_any_number_of_threads() {
    let text = text();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| stream(&text, 20).unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_patient_who_comes_up_again_is_named() {
    let text = text();
    let mut lines: Vec<&str> = text.lines().collect();
    let moved = lines.remove(3);
    lines.push(moved);
    let error = stream(&lines.join("\n"), 10).unwrap_err();
    let Error::Data(problems) = &error else { panic!("{error}") };
    assert_eq!(problems.0.len(), 1);
    assert_eq!((problems.0[0].line, problems.0[0].patient.as_deref()), (Some(801), Some("PT1")));
    assert!(error.to_string().contains("sort the file by patient"));
}

#[test]
fn every_check_of_a_trial_is_made_of_every_chunk() {
    let text = text();
    let at_line = |line: usize, change: &dyn Fn(&str) -> String| {
        let lines: Vec<String> = text.lines().enumerate().map(|(i, l)| if i + 1 == line { change(l) } else { l.to_string() }).collect();
        stream(&lines.join("\n"), 10).unwrap_err().to_string()
    };
    let arm = at_line(502, &|l| l.replace("TRT", "XXX").replace("PBO", "XXX"));
    assert!(arm.contains("line 502") && arm.contains("XXX"), "{arm}");
    let visit = at_line(503, &|l| l.replace("VIS2", "VIS1"));
    assert!(visit.contains("line 503") && visit.contains("has this visit at line 502"), "{visit}");
    let range = at_line(504, &|l| {
        let mut fields: Vec<&str> = l.split(',').collect();
        fields[6] = "4000";
        fields.join(",")
    });
    assert!(range.contains("line 504") && range.contains("outside the range 0 to 100"), "{range}");
    let level = at_line(505, &|l| l.replace("White", "Blue").replace("Asian", "Blue").replace("Black or African American", "Blue"));
    assert!(level.contains("line 505") && level.contains("Blue"), "{level}");
}

#[test]
fn what_would_be_inferred_from_chunks_has_to_be_declared() {
    let protocol = layout().protocol().unwrap();
    let error = layout().csv_chunks_from("fev", text().as_bytes(), 10).unwrap_err().to_string();
    assert!(error.contains("Layout::part_of"), "{error}");
    let open = Layout::long("USUBJID", "ARMCD", "AVISIT").arms(["PBO", "TRT"]).outcome("FEV1");
    assert!(open.protocol().unwrap_err().to_string().contains("the visits"));
    assert!(open.visits(["VIS1"]).covariate("RACE").protocol().unwrap_err().to_string().contains("the kind of `RACE`"));
    let layout = layout().part_of(&protocol);
    let frozen = model().freeze(&protocol).unwrap();
    let nothing = TrialMoments::of_chunks(&frozen, &layout, layout.csv_chunks_from("empty", "".as_bytes(), 10).unwrap()).unwrap_err();
    assert!(nothing.to_string().contains("no row of data"));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_and_batches_stream_as_text_does() {
    use polars::prelude::{DataFrame, ParquetWriter};
    let protocol = layout().protocol().unwrap();
    let whole = read_text(&layout(), "fev", &text());
    let mut frame: DataFrame = whole.to_dataframe().unwrap();
    let layout = layout().part_of(&protocol);
    let frozen = model().freeze(&protocol).unwrap();
    let text = stream(&text(), 100).unwrap();
    let path = std::env::temp_dir().join(format!("trialstats-streaming-{}.parquet", std::process::id()));
    let file = std::fs::File::create(&path).unwrap();
    ParquetWriter::new(file).with_row_group_size(Some(150)).finish(&mut frame).unwrap();
    for rows in [37, 1000] {
        let streamed = TrialMoments::of_chunks(&frozen, &layout, layout.parquet_chunks(&path, rows).unwrap()).unwrap();
        let batches = (0..frame.height()).step_by(rows).map(|first| Ok(frame.slice(first as i64, rows)));
        let batched = TrialMoments::of_chunks(&frozen, &layout, layout.dataframe_chunks(batches).unwrap()).unwrap();
        for moments in [streamed, batched] {
            assert_eq!((moments.n_patients(), moments.n_observations(), moments.randomized()), (197, 537, 200));
            let (a, b) = (model().fit_moments(&moments).unwrap(), model().fit_moments(&text).unwrap());
            assert!((a.log_likelihood() - b.log_likelihood()).abs() < 1e-9 * b.log_likelihood().abs());
        }
    }
    std::fs::remove_file(&path).unwrap();
}
