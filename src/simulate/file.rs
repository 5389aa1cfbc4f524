//! The simulated trial as a file: one CSV row per patient and attended visit.

use super::trial::SimulatedTrial;
use std::io;

const SCID5PD_COLUMNS: [(&str, usize); 3] = [("avpd", 7), ("dpd", 8), ("ocpd", 8)];

impl SimulatedTrial {
    /// Writes the trial as long CSV: patient, arm, visit, month, site, therapist, therapy_group, age, sex,
    /// imrs_sessions, then the items of CAPS-5 (`caps5_01` … `caps5_30`) and SCID-5-PD (`scid_avpd_1` …
    /// `scid_ocpd_8`).
    ///
    /// A CAPS-5 item that was not rated is empty, a SCID-5-PD criterion that could not be rated is `?`; a visit that
    /// was not attended has no row. Lines end in `\n` on every platform.
    ///
    /// # Errors
    /// Whatever writing to `to` returns.
    pub fn write_csv(&self, to: impl io::Write) -> io::Result<()> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(to);
        writer.write_record(header())?;
        for patient in &self.patients {
            for (visit, assessed) in self.truth.visits.iter().zip(&patient.visits) {
                let Some(assessed) = assessed else { continue };
                let who = [
                    patient.id.clone(),
                    self.truth.arms[patient.arm].name.clone(),
                    visit.label.clone(),
                    visit.month.to_string(),
                    self.truth.sites[patient.site].name.clone(),
                    format!("T{:02}", patient.therapist + 1),
                    patient.therapy_group.map(|g| format!("G{}", g + 1)).unwrap_or_default(),
                    patient.age.to_string(),
                    if patient.female { "female" } else { "male" }.into(),
                    patient.sessions.to_string(),
                ];
                let caps5 = assessed.caps5.iter().map(|r| r.map(|r| r.to_string()).unwrap_or_default());
                let scid5pd = assessed.scid5pd.iter().map(|r| r.map_or("?".into(), |r| r.to_string()));
                writer.write_record(who.into_iter().chain(caps5).chain(scid5pd))?;
            }
        }
        writer.flush()
    }
}

fn header() -> Vec<String> {
    let who = ["patient", "arm", "visit", "month", "site", "therapist", "therapy_group", "age", "sex", "imrs_sessions"];
    let caps5 = (1..=30).map(|i| format!("caps5_{i:02}"));
    let scid5pd = SCID5PD_COLUMNS.iter().flat_map(|&(disorder, n)| (1..=n).map(move |i| format!("scid_{disorder}_{i}")));
    who.into_iter().map(String::from).chain(caps5).chain(scid5pd).collect()
}
