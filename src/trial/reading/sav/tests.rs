//! A file written here byte by byte, for what today's writers do not write: the high byte first, a code page without a
//! name, ranges without end, and missing texts.

use crate::trial::layout::Layout;

/// Numbers and texts, one after the other, the high byte first.
#[derive(Default)]
struct Written(Vec<u8>);

impl Written {
    fn whole(mut self, numbers: &[i32]) -> Self {
        numbers.iter().for_each(|x| self.0.extend(x.to_be_bytes()));
        self
    }

    fn numbers(mut self, numbers: &[f64]) -> Self {
        numbers.iter().for_each(|x| self.0.extend(x.to_be_bytes()));
        self
    }

    fn text(mut self, text: &[u8], width: usize) -> Self {
        self.0.extend(text);
        self.0.resize(self.0.len() + width - text.len(), b' ');
        self
    }
}

/// Patients `ppn` with a group of up to four letters and a score.
fn file() -> Vec<u8> {
    let header = Written::default().text(b"$FL2@(#) SPSS DATA FILE", 64).whole(&[2, 3, 0, 0, 4]).numbers(&[100.0]);
    let header = header.text(b"30 Nov 2612:00:00", 17).text(b"", 67);
    // 2: a variable; its width, whether it has a label, how many missing values, two formats.
    let variables = header.whole(&[2, 0, 0, 0, 0x050800, 0x050800]).text(b"PPN", 8);
    let variables = variables.whole(&[2, 4, 1, 1, 0x010400, 0x010400]).text(b"GROEP", 8);
    let variables = variables.whole(&[5]).text(b"Caf\xe9s", 8).text(b"??", 8);
    // A range from the lowest number, and one more value.
    let variables = variables.whole(&[2, 0, 0, -3, 0x050802, 0x050802]).text(b"SCORE", 8);
    let lowest = f64::from_bits(0xffef_ffff_ffff_fffe);
    let variables = variables.numbers(&[lowest, -1.0, 99.0]);
    let labels = variables.whole(&[3, 1]).numbers(&[99.0]).text(b"\x09onbek\xe9nd!", 16).whole(&[4, 1, 3]);
    let page = labels.whole(&[7, 3, 4, 8, 20, 0, 0, -1, 1, 0, 1, 1252]).whole(&[999, 0]);
    let case = |w: Written, ppn: f64, group: &[u8], score: f64| w.numbers(&[ppn]).text(group, 8).numbers(&[score]);
    let cases = case(page, 1.0, b"th\xe9", 12.5);
    let cases = case(cases, 2.0, b"??", -7.0);
    let cases = case(cases, 3.0, b"wl", 99.0);
    case(cases, 4.0, b"wl", -f64::MAX).0
}

#[test]
fn older_files_are_read_by_their_code_page_and_byte_order() {
    let layout = Layout::wide_one_arm("PPN").wide_outcome("score", [("post", "SCORE")]).covariate("GROEP");
    let trial = layout.read_bytes("old.sav", &file()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(trial.patients(), ["1", "2", "3", "4"]);
    let scores = &trial.outcomes()[0].values;
    assert_eq!(scores[0], 12.5);
    assert!(scores[1..].iter().all(|x| x.is_nan()), "{scores:?}");
    let group = trial.covariate("GROEP").expect("a column");
    assert_eq!((group.levels(), group.label()), (["thé", "wl"].map(String::from).as_slice(), "Cafés"));
    assert_eq!(group.codes().expect("a factor"), [Some(0), None, Some(1), Some(1)]);
    let said = trial.inferred().join("\n");
    assert!(said.contains("In `SCORE`, the file declares these as missing: `-7` (1), `99 = onbekénd!` (1)."), "{said}");
    assert!(said.contains("In `GROEP`, the file declares these as missing: `??` (1)."), "{said}");
    assert_eq!(trial.file().and_then(|f| f.encoding.as_deref()), Some("windows-1252"));
}

#[test]
fn every_beginning_of_a_file_is_an_error() {
    let whole = file();
    let layout = Layout::wide_one_arm("PPN").wide_outcome("score", [("post", "SCORE")]);
    for length in 0..whole.len() {
        let error = layout.read_bytes("old.sav", &whole[..length]).expect_err("it is cut short");
        assert!(!error.to_string().is_empty());
    }
}
