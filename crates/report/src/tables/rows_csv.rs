//! Figures of folds, classes or speakers as CSV.

use metrics::cross_validation::SummaryRow;

use crate::ReportError;

/// The figures of folds, classes or speakers as a CSV file with the columns
/// `name`, `clips`, `mean` and `deviation`. A figure that does not exist is empty.
/// Numbers have enough digits to give the same `f64` when read back.
///
/// ```
/// use metrics::cross_validation::{Spread, SummaryRow};
/// use report::tables::rows_csv;
///
/// let rows = [SummaryRow {
///     name: "calm".into(),
///     clips: 96,
///     figure: Spread::of(&[0.5, 0.75]),
/// }];
/// assert_eq!(
///     String::from_utf8(rows_csv(&rows)?).unwrap(),
///     "name,clips,mean,deviation\ncalm,96,0.625,0.1767766952966369\n"
/// );
/// # Ok::<(), report::ReportError>(())
/// ```
///
/// # Errors
///
/// [`ReportError::Encoding`] if the CSV library fails.
pub fn rows_csv(rows: &[SummaryRow]) -> Result<Vec<u8>, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(["name", "clips", "mean", "deviation"])
        .map_err(ReportError::encoding("CSV"))?;
    for row in rows {
        let text = |figure: Option<f64>| figure.map_or(String::new(), |f| f.to_string());
        let record = [
            row.name.clone(),
            row.clips.to_string(),
            text(row.figure.map(|figure| figure.mean)),
            text(row.figure.and_then(|figure| figure.deviation)),
        ];
        writer
            .write_record(record)
            .map_err(ReportError::encoding("CSV"))?;
    }
    writer
        .into_inner()
        .map_err(|error| ReportError::encoding("CSV")(error.into_error()))
}

#[cfg(test)]
mod tests {
    use metrics::cross_validation::Spread;

    use super::*;

    #[test]
    fn names_are_quoted_and_missing_figures_are_empty() {
        let row = |name: &str, values: &[f64]| SummaryRow {
            name: name.into(),
            clips: 3,
            figure: Spread::of(values),
        };
        let csv = rows_csv(&[row("calm, or not", &[1.0 / 3.0]), row("sad", &[])]).unwrap();
        assert_eq!(
            String::from_utf8(csv).unwrap(),
            "name,clips,mean,deviation\n\
             \"calm, or not\",3,0.3333333333333333,\n\
             sad,3,,\n"
        );
    }
}
