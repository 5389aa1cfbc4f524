//! What README prints is what the library says.

use trialstats::analysis::{Analysis, Silent};
use trialstats::instruments::Caps5;
use trialstats::report::TrialReport;
use trialstats::{Layout, Trial};

fn trial() -> Trial {
    Layout::long("patient", "arm", "visit")
        .visit_time("month")
        .reference_arm("ImRs")
        .baseline_visit("baseline")
        .covariate("site")
        .instrument(Caps5::default())
        .read_csv("data-samples/imrs_gst/imrs_gst.csv")
        .expect("the sample reads")
}

#[test]
fn readme_shows_what_the_reanalysis_prints_and_draws() {
    let trial = trial();
    let analysis = Analysis::of(&trial).primary("caps5").at("12 months").mean("site + arm * visit").lower_is_better();
    let result = analysis.run(&Silent).expect("the sample can be analysed");
    let summary = result.summary().to_string();
    let readme = std::fs::read_to_string("README.md").expect("README is there");
    let block: Vec<&str> =
        readme.lines().skip_while(|line| !line.starts_with("CAPS-5 total at 12 months")).take_while(|line| *line != "```").collect();
    assert_eq!(block.len(), 9, "README's table has nine lines");
    for line in block {
        assert!(summary.lines().any(|printed| printed == line), "README prints\n{line}\nbut the analysis prints\n{summary}");
    }

    let folder = std::env::temp_dir().join(format!("trialstats-readme-{}", std::process::id()));
    TrialReport::new(&result).synthetic("Synthetic data.").write_to(&folder).expect("the folder can be written");
    let drawn = std::fs::read_to_string(folder.join("figures").join("caps5_means.svg")).expect("the figure is there");
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    let shown = std::fs::read_to_string("examples/reanalysis-caps5.svg").expect("README's figure is there");
    assert!(
        drawn == shown,
        "README's figure is out of date: copy reanalysis-report/figures/caps5_means.svg to examples/reanalysis-caps5.svg"
    );
}
