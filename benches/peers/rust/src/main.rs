//! Measures trialstats beside its peers, in one run on one machine, and writes `BENCHMARKS.md`. See
//! `benches/peers/README.md`.

mod by_glmm;
mod cases;
mod chart;
#[path = "../../../common/mod.rs"]
mod common;
mod machine;
mod memory;
mod own;
mod page;
mod r;

use cases::Asked;
use common::streamed;

fn main() -> std::io::Result<()> {
    if streamed::is_the_measured_process() {
        return Ok(());
    }
    if let Some((case, side)) = memory::asked() {
        let megabytes = common::on_threads(1, || cases::memory_of(&case, side));
        println!("{}", megabytes.map_or(String::new(), |m| m.to_string()));
        return Ok(());
    }
    let filter = std::env::args().nth(1).unwrap_or_default();
    if filter == "memory" {
        println!("{}", page::memory(&common::on_threads(1, || cases::measure("", Asked::Memory))));
        return Ok(());
    }
    let rows = common::on_threads(1, || cases::measure(&filter, Asked::All));
    let own = own::measure(&filter);
    let page = page::page(&machine::describe(), &rows, &own);
    if filter.is_empty() {
        let charts = common::repository("benches/charts");
        std::fs::create_dir_all(&charts)?;
        std::fs::write(charts.join("growth.svg"), chart::growth(&own.growth))?;
        std::fs::write(charts.join("ratios.svg"), chart::ratios(&rows))?;
        std::fs::write(common::repository("BENCHMARKS.md"), page)
    } else {
        println!("{page}");
        Ok(())
    }
}
