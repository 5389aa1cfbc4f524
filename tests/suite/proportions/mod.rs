//! Proportions without a model: against R's own functions and packages, published tables, and exact identities.

mod published;
mod reference;
mod stratified;
mod unconditional;

use trialstats::proportions::Proportion;

fn p(met: usize, of: usize) -> Proportion {
    Proportion::new(met, of).expect("a part of a whole")
}

fn read(name: &str) -> serde_json::Value {
    let path = format!("{}/tests/references/proportions/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the reference")).expect("JSON")
}
