//! Stata data sets, release 102 to 119, by the crate `dta`.

use std::collections::HashSet;

use dta::stata::dta::dta_error::DtaError;
use dta::stata::dta::dta_reader::DtaReader;
use dta::stata::dta::long_string_ref::LongStringRef;
use dta::stata::dta::long_string_table::LongStringTable;
use dta::stata::dta::value::Value;
use dta::stata::dta::value_label_table::ValueLabelTable;
use dta::stata::dta::variable::Variable;
use dta::stata::dta::variable_type::VariableType;
use dta::stata::missing_value::MissingValue;
use dta::stata::{stata_byte::StataByte, stata_double::StataDouble, stata_float::StataFloat, stata_int::StataInt, stata_long::StataLong};

use super::bytes::damaged;
use super::calendar::{SAS, Scale};
use super::declared::{Code, ValueLabels};
use super::growing::{Growing, first_of_each, sheet};
use super::sheet::Sheet;
use crate::error::Result;
use crate::trial::{FileFacts, FileFormat};

const FORMAT: &str = "a Stata data set";

/// A cell as the file has it; texts of any length are stored behind the rows.
enum Stored {
    Number(f64),
    Missing(MissingValue),
    Text(String),
    Elsewhere(LongStringRef),
}

/// The columns `wanted`.
pub(super) fn read(source: &str, bytes: &[u8], wanted: &HashSet<&str>) -> Result<Sheet> {
    let refused = |error: DtaError| damaged(source, FORMAT, error.to_string());
    let schema = DtaReader::new().from_reader(std::io::Cursor::new(bytes)).read_header().map_err(refused)?;
    // A variable takes more than ten bytes of the header: no memory is set aside for more than there can be.
    if schema.header().variable_count() as usize > bytes.len() / 10 {
        return Err(damaged(source, FORMAT, "it announces more variables than it can hold"));
    }
    let mut skipped = schema.read_schema().map_err(refused)?;
    skipped.skip_to_end().map_err(refused)?;
    let mut records = skipped.into_record_reader().map_err(refused)?;
    let encoding = records.encoding();
    let variables: Vec<Variable> = records.schema().variables().to_vec();
    let names: Vec<String> = variables.iter().map(|v| v.name().to_string()).collect();
    let read = first_of_each(&names, wanted);
    let mut stored: Vec<Vec<Stored>> = read.iter().map(|_| vec![]).collect();
    let mut rows = 0;
    while let Some(record) = records.read_record().map_err(refused)? {
        for (cells, &j) in stored.iter_mut().zip(&read) {
            cells.push(record.values().get(j).map_or(Stored::Missing(MissingValue::System), of_value));
        }
        rows += 1;
    }
    let mut texts = LongStringTable::for_reading();
    let mut long = records.into_long_string_reader().map_err(refused)?;
    long.read_remaining_into(&mut texts).map_err(refused)?;
    let mut labels = ValueLabelTable::new();
    let mut last = long.into_value_label_reader().map_err(refused)?;
    last.read_remaining_into(&mut labels).map_err(refused)?;
    let columns = stored.into_iter().zip(&read).map(|(cells, &j)| {
        let mut column = column(&variables[j], &labels);
        for cell in cells {
            match cell {
                Stored::Number(x) => column.number(x),
                Stored::Text(text) => column.text(&text),
                Stored::Elsewhere(place) => {
                    let text = texts.get(&place).and_then(|text| text.data_str(encoding).map(|text| text.into_owned()));
                    column.text(text.unwrap_or_default().trim_end_matches('\0'));
                }
                Stored::Missing(MissingValue::System) => column.nothing(),
                Stored::Missing(missing) => {
                    // Labels of missing values are those of the numbers behind the largest long.
                    let code = i32::MAX - 26 + i32::from(missing.code());
                    column.declared_missing(missing.to_string(), labels.label_for(&variables[j], code));
                }
            }
        }
        column
    });
    let mut file = FileFacts::new(source, FileFormat::Dta);
    file.encoding = Some(encoding.name().into());
    let columns = columns.collect();
    Ok(sheet(source, names, columns, rows, file))
}

fn column(variable: &Variable, labels: &ValueLabelTable) -> Growing {
    let column = match variable.variable_type() {
        VariableType::FixedString(_) | VariableType::LongString => Growing::of_texts(variable.name()),
        _ => Growing::of_numbers(variable.name(), scale(variable.format())),
    };
    let set = labels.get(variable.value_label_name()).map(|set| set.entries()).unwrap_or_default();
    let values = set.iter().filter(|entry| entry.value() < i32::MAX - 26);
    let values = values.map(|entry| (Code::Number(f64::from(entry.value())), entry.label().to_string()));
    column.labelled(variable.label(), ValueLabels::new(values))
}

/// What numbers of a display format stand for.
fn scale(format: &str) -> Scale {
    match format.trim_start_matches(['%', '-']) {
        format if format.starts_with("tc") || format.starts_with("tC") => Scale::Milliseconds(SAS),
        format if format.starts_with("td") || format.starts_with('d') => Scale::Days(SAS),
        _ => Scale::Number,
    }
}

fn of_value(value: &Value<'_>) -> Stored {
    match value {
        Value::Byte(StataByte::Present(x)) => Stored::Number(f64::from(*x)),
        Value::Int(StataInt::Present(x)) => Stored::Number(f64::from(*x)),
        Value::Long(StataLong::Present(x)) => Stored::Number(f64::from(*x)),
        Value::Float(StataFloat::Present(x)) => Stored::Number(f64::from(*x)),
        Value::Double(StataDouble::Present(x)) => Stored::Number(*x),
        Value::Byte(StataByte::Missing(m)) => Stored::Missing(*m),
        Value::Int(StataInt::Missing(m)) => Stored::Missing(*m),
        Value::Long(StataLong::Missing(m)) => Stored::Missing(*m),
        Value::Float(StataFloat::Missing(m)) => Stored::Missing(*m),
        Value::Double(StataDouble::Missing(m)) => Stored::Missing(*m),
        Value::String(text) => Stored::Text(text.to_string()),
        Value::LongStringRef(place) => Stored::Elsewhere(*place),
    }
}
