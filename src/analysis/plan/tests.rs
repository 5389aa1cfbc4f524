//! Plans in files.

mod drawn;
mod files;
mod reading;
mod round_trips;
mod whole;

use super::Plan;
pub(super) use whole::WHOLE;

fn json(plan: &Plan) -> serde_json::Value {
    serde_json::to_value(plan).expect("it can be written")
}

/// Written and read again, in both formats.
fn round_trip(plan: &Plan) {
    let once = plan.to_json().expect("it can be written");
    let read = Plan::from_json(&once).unwrap_or_else(|error| panic!("{error}: {once}"));
    assert_eq!(read.to_json().expect("it can be written"), once);
    let once = plan.to_toml().expect("it can be written");
    let read = Plan::from_toml(&once).unwrap_or_else(|error| panic!("{error}\n{once}"));
    assert_eq!(read.to_toml().expect("it can be written"), once);
    assert_eq!(json(&read), json(plan));
}
