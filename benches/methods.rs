//! How long imputation, tipping points, estimating equations, logistic mixed models, the parametric bootstrap and planning
//! take. `cargo bench --bench methods -- gee` measures the cases whose name contains `gee`.

mod common;

use common::clock::{median, written};
use common::methods::{NAMES, method};
use common::on_threads;
use std::time::Duration;

const BUDGET: Duration = Duration::from_secs(3);

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    println!("| case | time | |\n|---|---|---|");
    for name in NAMES.iter().filter(|name| asked.iter().all(|part| name.contains(part.as_str()))) {
        let mut method = method(name);
        let found = on_threads(1, || median(BUDGET, &mut method.run));
        println!("| {name} | {} | {} |", written(found.seconds / method.repeats), method.what);
    }
}
