//! Adjusted p-values against graphicalMCP and R's p.adjust.

use crate::common::{Comparison, assert_all, reference};
use serde_json::Value;
use trialstats::multiplicity::{Graph, Procedure, Weighted};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn graphs_are_decided_as_graphical_mcp_decides_them() {
    let found = reference("multiplicity/multiplicity.json");
    let cases = found["graphs"].as_array().unwrap();
    assert!(cases.len() > 40);
    for case in cases {
        let mut comparison = Comparison::of(case["id"].as_str().unwrap());
        let transitions = case["transitions"].as_array().unwrap().iter().map(numbers).collect();
        let graph = Graph::new(numbers(&case["weights"]), transitions).unwrap();
        let decided = graph.test(&numbers(&case["p"]), case["alpha"].as_f64().unwrap()).unwrap();
        for (k, (ours, theirs)) in decided.adjusted.iter().zip(numbers(&case["adjusted"])).enumerate() {
            comparison.within(&format!("adjusted p {k}"), *ours, theirs, 1e-12);
        }
        let rejected: Vec<bool> = case["rejected"].as_array().unwrap().iter().map(|v| v.as_bool().unwrap()).collect();
        comparison.same("rejected", decided.rejected(), rejected);
        assert_all([comparison]);
    }
}

#[test]
fn holm_hochberg_and_bonferroni_are_those_of_p_adjust() {
    let found = reference("multiplicity/multiplicity.json");
    let mut comparison = Comparison::of("p.adjust");
    let p = numbers(&found["adjusted"]["p"]);
    for procedure in [Procedure::Holm, Procedure::Hochberg, Procedure::Bonferroni] {
        let decided = Weighted::equal(procedure, p.len()).unwrap().test(&p, 0.05).unwrap();
        for (ours, theirs) in decided.adjusted.iter().zip(numbers(&found["adjusted"][&procedure.to_string()])) {
            comparison.within(&procedure.to_string(), *ours, theirs, 1e-12);
        }
    }
    let weighted = &found["weighted_holm"];
    let holm = Weighted::new(Procedure::Holm, numbers(&weighted["weights"])).unwrap().test(&numbers(&weighted["p"]), 0.05).unwrap();
    for (ours, theirs) in holm.adjusted.iter().zip(numbers(&weighted["adjusted"])) {
        comparison.within("Holm with weights", *ours, theirs, 1e-12);
    }
    assert_all([comparison]);
}
