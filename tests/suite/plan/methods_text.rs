//! The statistical methods of a plan as text, before there are data.

use crate::common::repository;
use trialstats::analysis::{Plan, PlanFile};

fn text_of(name: &str) -> String {
    Plan::from_file(repository(&format!("examples/plans/{name}.toml"))).expect("the plan reads").methods_text()
}

#[test]
fn a_plan_says_its_methods_before_there_are_data() {
    let text = text_of("imrs_gst");
    for words in [
        "# Statistical analysis plan: Imagery rescripting",
        "## Estimands",
        "| Intercurrent event: treatment not started, stopped early or supplemented | treatment policy strategy: patients are measured",
        "ImRs is the reference arm",
        "`~ site + arm * visit`",
        "constrained longitudinal data analysis",
        "The covariance among a patient's visits is unstructured, common to all arms.",
        "restricted maximum likelihood",
        "Kenward and Roger (1997)",
        "missing at random",
        "d = estimate / s",
        "raw baseline SD, pooled over arms",
        "2000 bootstrap samples",
        "seed 2024",
        "Source: Marx et al. 2022.",
        "counted as not meeting the definition",
        "There is one primary comparison: caps5 at 12 months.",
        "Partially nested: patients of a group share a random effect",
        concat!("trialstats ", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(text.contains(words), "the text does not say: {words}\n{text}");
    }
    assert!(!text.contains("|  |") && !text.contains("\n\n\n"), "{text}");
}

#[test]
fn estimands_are_those_of_the_plan_and_none_is_made_up() {
    let text = text_of("antidepressant");
    assert!(text.contains("| Intercurrent event: treatment stopped early | hypothetical strategy: an illustration"), "{text}");
    assert!(text.contains("the variable is Change in HAMD-17, at visit 7") && !text.contains("treatment policy"), "{text}");
    let without = Plan::new("y").methods_text();
    assert!(without.contains("states no estimand") && !without.contains("treatment policy"), "{without}");
}

/// The text is the same whether or not the data are there: it is made of the plan alone.
#[test]
fn every_part_that_a_plan_states_is_in_the_text() {
    let file = PlanFile::open(repository("examples/plans/wide_dutch.toml")).expect("the plan reads");
    let text = file.plan().methods_text();
    for words in [
        "Secondary outcomes, analysed by the same model: Sleep (`slaap`).",
        "Scheduled visits: voor, 6 weken, 12 weken and 26 weken.",
        "a fall within an arm",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let adam = text_of("adam");
    assert!(
        adam.contains("ITTFL, or where the file has none FASFL, is Y")
            && adam.contains("ANL01FL")
            && adam.contains("BASE, where the file has it"),
        "{adam}"
    );
    let filtered = Plan::from_toml(
        "primary = 'y'\n[trial]\npopulation = { column = 'ITTFL', is = 'Y' }\nsubset = { column = 'AGE', at-least = 65 }\n[model]\ncovariance-else = ['toeplitz']\nvcov = 'cr2'\n\
         [layout]\npatient = 'p'\nvisit = 'v'\ndrop-visits = ['screening']\n[effects]\ncorrection = 'hedges'",
    )
    .expect("the plan reads")
    .methods_text();
    for words in [
        "every patient for whom ITTFL is Y",
        "restricted to patients for whom AGE is at least 65",
        "these visits are left out: screening",
        "tried in this order, and the first that has one is used and reported: toeplitz",
        "cluster-robust (CR2)",
        "g = J(ν) · estimate / s",
    ] {
        assert!(filtered.contains(words), "{words}\n{filtered}");
    }
}
