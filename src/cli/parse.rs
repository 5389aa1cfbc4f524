//! Values of options that are more than a word.

/// `VAR=LEVEL`.
pub fn reference(text: &str) -> Result<(String, String), String> {
    let (variable, level) = text.split_once('=').ok_or("expected VAR=LEVEL, as in SEX=Male")?;
    Ok((variable.to_string(), level.to_string()))
}

/// `OUTCOME=LOW..HIGH`.
pub fn range(text: &str) -> Result<(String, f64, f64), String> {
    let parts = || {
        let (outcome, range) = text.rsplit_once('=')?;
        let (low, high) = range.split_once("..")?;
        Some((outcome.to_string(), low.trim().parse().ok()?, high.trim().parse().ok()?))
    };
    parts().ok_or_else(|| "expected OUTCOME=LOW..HIGH, as in BDI=0..63".to_string())
}

/// `VAR=LEVEL,LEVEL`.
pub fn levels(text: &str) -> Result<(String, Vec<String>), String> {
    let (variable, levels) = text.split_once('=').ok_or("expected VAR=LEVEL,LEVEL, as in SEX=Male,Female")?;
    Ok((variable.to_string(), levels.split(',').map(str::to_string).collect()))
}

/// A name with what each visit goes by, `NAME=VISIT:COLUMN,VISIT:COLUMN`.
pub type ByVisit = (String, Vec<(String, String)>);

/// `NAME=VISIT:COLUMN,VISIT:COLUMN`; a visit may have colons in its name, a column may not.
pub fn by_visit(text: &str) -> Result<ByVisit, String> {
    let expected = "expected NAME=VISIT:COLUMN,VISIT:COLUMN, as in BDI=baseline:BDI_T0,week 8:BDI_T1";
    let (name, columns) = text.split_once('=').ok_or(expected)?;
    let pair = |part: &str| part.rsplit_once(':').map(|(visit, column)| (visit.trim().to_string(), column.trim().to_string()));
    let columns = columns.split(',').map(pair).collect::<Option<Vec<_>>>().ok_or(expected)?;
    Ok((name.trim().to_string(), columns))
}

/// `VISIT=TIME`.
pub fn time(text: &str) -> Result<(String, f64), String> {
    let parts = text.rsplit_once('=').and_then(|(visit, time)| Some((visit.trim().to_string(), time.trim().parse::<f64>().ok()?)));
    parts.filter(|(_, time)| time.is_finite()).ok_or_else(|| "expected VISIT=TIME, as in baseline=0,week 8=8".to_string())
}

/// `NAME=TEXT`, for an example such as `BDI=BDI-II total`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, with an equals sign between the two")?;
    Ok((name.trim().to_string(), value.trim().to_string()))
}
