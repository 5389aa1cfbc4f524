//! What people call the columns, visits and arms of a trial.

use unicode_normalization::UnicodeNormalization as _;

/// Names of the column of the patient, lower case, without anything between words.
pub(super) const PATIENT: [&str; 38] = [
    "usubjid",
    "subjid",
    "subject",
    "subjectid",
    "subjectnr",
    "subjectnumber",
    "patient",
    "patientid",
    "patientnr",
    "patientnumber",
    "patno",
    "patnr",
    "participant",
    "participantid",
    "participantnr",
    "pid",
    "ppid",
    "ppn",
    "ppnr",
    "pp",
    "id",
    "idnr",
    "recordid",
    "record",
    "studyid",
    "respondent",
    "respondentnr",
    "respnr",
    "client",
    "clientid",
    "deelnemer",
    "deelnemernr",
    "patientnummer",
    "proefpersoon",
    "proband",
    "probandid",
    "case",
    "caseid",
];

/// Names of the column of the visit.
pub(super) const VISIT: [&str; 28] = [
    "avisit",
    "visit",
    "visits",
    "visitname",
    "timepoint",
    "time",
    "week",
    "weeks",
    "month",
    "months",
    "day",
    "wave",
    "occasion",
    "assessment",
    "measurement",
    "moment",
    "meting",
    "meetmoment",
    "tijdstip",
    "tijd",
    "maand",
    "messung",
    "zeitpunkt",
    "woche",
    "session",
    "event",
    "redcapeventname",
    "period",
];

/// Names of the column of the arm.
pub(super) const ARM: [&str; 31] = [
    "arm",
    "armcd",
    "trt01p",
    "trtp",
    "trt01a",
    "trt",
    "treatment",
    "treat",
    "therapy",
    "group",
    "grp",
    "condition",
    "cond",
    "allocation",
    "randomization",
    "randomisation",
    "randomized",
    "randomised",
    "rand",
    "assignment",
    "intervention",
    "studyarm",
    "groep",
    "conditie",
    "behandeling",
    "randomisatie",
    "gruppe",
    "bedingung",
    "behandlung",
    "drug",
    "tx",
];

/// Words of the reference arm.
pub(super) const REFERENCE: [&str; 21] = [
    "placebo",
    "pbo",
    "control",
    "controle",
    "ctrl",
    "ctl",
    "con",
    "tau",
    "cau",
    "usual",
    "waitlist",
    "waiting",
    "wachtlijst",
    "wl",
    "sham",
    "standard",
    "kontrolle",
    "comparator",
    "reference",
    "soc",
    "none",
];

/// Words of the visit before treatment.
pub(super) const BASELINE: [&str; 17] = [
    "baseline",
    "base",
    "bl",
    "t0",
    "pre",
    "pretreatment",
    "pretest",
    "voormeting",
    "nulmeting",
    "v0",
    "week0",
    "month0",
    "day0",
    "w0",
    "m0",
    "visit0",
    "start",
];

/// Words of columns whose levels are clusters.
pub(super) const CLUSTER: [&str; 25] = [
    "therapist",
    "therapistid",
    "therapeut",
    "therapygroup",
    "groupid",
    "cluster",
    "clusterid",
    "hospital",
    "ziekenhuis",
    "clinic",
    "clinicid",
    "practice",
    "praktijk",
    "ward",
    "school",
    "class",
    "klas",
    "team",
    "clinician",
    "rater",
    "physician",
    "gp",
    "household",
    "family",
    "behandelaar",
];

/// Words of sites, which are covariates where they are few.
pub(super) const SITE: [&str; 12] =
    ["site", "siteid", "center", "centre", "centrum", "centerid", "location", "locatie", "country", "region", "stratum", "strata"];

/// Names whose columns say nothing of patients: places in the file, dates of entry.
pub(super) const NUISANCE: [&str; 16] = [
    "row",
    "rownr",
    "rownames",
    "index",
    "seq",
    "aseq",
    "obs",
    "unnamed",
    "date",
    "datum",
    "initials",
    "comment",
    "comments",
    "remarks",
    "opmerkingen",
    "x",
];

/// Beginnings of the names of scales on which low scores are good.
pub(super) const LOW_IS_GOOD: [&str; 28] = [
    "caps", "pcl", "phq", "gad", "bdi", "hamd", "hdrs", "hrsd", "hama", "madrs", "ids", "qids", "ies", "scl", "bsi", "whodas", "ybocs",
    "lsas", "stai", "scid", "panss", "bprs", "isi", "pswq", "core", "oq", "bsl", "ders",
];

/// A name in lower case, without what stands between words.
pub(super) fn plain(name: &str) -> String {
    // Without accents: `Patiëntnr` is `patientnr`.
    name.nfd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Where a name stands in a list: 0 is the likeliest.
pub(super) fn rank(name: &str, known: &[&str]) -> Option<usize> {
    let plain = plain(name);
    known.iter().position(|k| *k == plain)
}

/// Whether one of the words of a name, or all of them together, is in the list.
pub(super) fn has_word(name: &str, known: &[&str]) -> bool {
    let words = name.split(|c: char| !c.is_alphanumeric()).map(plain);
    words.chain([plain(name)]).any(|word| known.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_however_they_are_written() {
        assert_eq!(rank("Patient_ID", &PATIENT), rank("patientid", &PATIENT));
        assert_eq!(rank("Patiëntnr", &PATIENT), rank("patientnr", &PATIENT));
        assert!(rank("USUBJID", &PATIENT) < rank("id", &PATIENT));
        assert!(has_word("Waiting list", &REFERENCE) && has_word("TAU", &REFERENCE) && has_word("care as usual", &REFERENCE));
        assert!(!has_word("ImRs+GST", &REFERENCE) && !has_word("tautology", &REFERENCE));
    }
}
