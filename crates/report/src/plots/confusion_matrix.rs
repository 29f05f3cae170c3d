//! The confusion matrix as a heat map.

use metrics::ConfusionMatrix;

use super::canvas::Canvas;
use super::colours::{BLUE, BLUES, GRID, MUTED, RULE, ink_on};
use super::lettering::{Align, Lettering};
use crate::ReportError;

const MARGIN: f64 = 28.0;
/// Title and the line of figures under it.
const HEADER: f64 = 56.0;
/// The name of an axis, above the columns or beside the rows.
const AXIS_NAME: f64 = 26.0;
/// Between labels and cells, and between cells and recalls.
const GAP: f64 = 10.0;
/// The longest label that is shown whole.
const LABEL_ROOM: f64 = 150.0;
/// The height of a line in the names of columns.
const LABEL_LINE: f64 = 16.0;
const RECALL_BAR: f64 = 64.0;
const RECALL_FIGURE: f64 = 44.0;
const SUPPORT: f64 = 56.0;

const TITLE: Lettering = Lettering::new(17.0).bold();
const NOTE: Lettering = Lettering::new(13.0).colour(MUTED);
const AXIS: Lettering = Lettering::new(12.0).colour(MUTED);
const LABEL: Lettering = Lettering::new(12.5);

/// The confusion matrix as an SVG picture.
///
/// Rows are the true classes and columns the predicted ones. Every cell shows its
/// share of the row, as colour and percentage, and its count. Beside each row are
/// the recall and the number of clips of the class, and under the title UAR and
/// accuracy.
///
/// ```
/// use metrics::ConfusionMatrix;
/// use report::plots::confusion_matrix_svg;
///
/// let matrix = ConfusionMatrix::from_pairs(["calm", "angry"], [(0, 0), (0, 1), (1, 1)]);
/// let svg = confusion_matrix_svg(&matrix, "Three clips")?;
/// assert!(svg.starts_with("<svg") && svg.contains("UAR 0.750"));
/// # Ok::<(), report::ReportError>(())
/// ```
///
/// # Errors
///
/// [`ReportError::Empty`] if the matrix has no classes.
pub fn confusion_matrix_svg(matrix: &ConfusionMatrix, title: &str) -> Result<String, ReportError> {
    if matrix.labels().is_empty() {
        return Err(ReportError::empty("a confusion matrix without classes"));
    }
    let figures = figures(matrix);
    let layout = Layout::new(matrix, title, &figures);
    let alt = format!("Confusion matrix. {title}. {figures}");
    Canvas::draw(layout.size, &alt, |canvas| {
        canvas.text((MARGIN, MARGIN + 6.0), title, TITLE)?;
        canvas.text((MARGIN, MARGIN + 30.0), &figures, NOTE)?;
        draw_labels(canvas, &layout, matrix)?;
        draw_cells(canvas, &layout, matrix)?;
        draw_recalls(canvas, &layout, matrix)
    })
}

/// The line under the title.
fn figures(matrix: &ConfusionMatrix) -> String {
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.3}"));
    format!(
        "UAR {}   ·   accuracy {}   ·   {} clips",
        figure(matrix.uar()),
        figure(matrix.accuracy()),
        matrix.total()
    )
}

/// Positions and sizes in pixels.
struct Layout {
    size: (f64, f64),
    /// Upper left corner of the cells.
    cells: (f64, f64),
    /// Size of one cell.
    cell: (f64, f64),
    /// The lines of each column's name; `None` if one name is too long, so that all
    /// of them are written upwards.
    level_columns: Option<Vec<Vec<String>>>,
    /// Right ends of the recalls and of the numbers of clips.
    recall_end: f64,
    support_end: f64,
}

impl Layout {
    fn new(matrix: &ConfusionMatrix, title: &str, figures: &str) -> Self {
        let labels = matrix.labels();
        let classes = labels.len() as f64;
        let cell_width = (620.0 / classes).clamp(44.0, 104.0);
        let cell = (cell_width, (0.78 * cell_width).max(40.0));

        let longest = labels
            .iter()
            .map(|label| LABEL.width(label))
            .fold(0.0, f64::max);
        let label_width = longest.min(LABEL_ROOM);
        let level_columns: Option<Vec<_>> = labels
            .iter()
            .map(|label| wrapped(label, cell_width - 4.0))
            .collect();
        let label_height = match &level_columns {
            Some(names) => names.iter().map(Vec::len).max().unwrap_or(0) as f64 * LABEL_LINE,
            None => label_width,
        };

        let cells = (
            MARGIN + AXIS_NAME + label_width + GAP,
            MARGIN + HEADER + AXIS_NAME + label_height + GAP,
        );
        let recall_end = cells.0 + classes * cell.0 + 2.0 * GAP + RECALL_BAR + RECALL_FIGURE;
        let total = AXIS.width(&matrix.total().to_string());
        let support_end = recall_end + (total + GAP).max(SUPPORT);
        let text_width = TITLE.width(title).max(NOTE.width(figures));
        let width = support_end.max(MARGIN + text_width) + MARGIN;
        let height = cells.1 + classes * cell.1 + 40.0 + MARGIN;
        let size = (width.ceil(), height.ceil());
        Self {
            size,
            cells,
            cell,
            level_columns,
            recall_end,
            support_end,
        }
    }

    /// Upper left corner of a cell.
    fn cell_at(&self, row: usize, column: usize) -> (f64, f64) {
        (
            self.cells.0 + column as f64 * self.cell.0,
            self.cells.1 + row as f64 * self.cell.1,
        )
    }

    fn centre_of(&self, row: usize, column: usize) -> (f64, f64) {
        let (x, y) = self.cell_at(row, column);
        (x + self.cell.0 / 2.0, y + self.cell.1 / 2.0)
    }
}

/// The names of the rows, of the columns, and of both axes.
fn draw_labels(
    canvas: &Canvas,
    layout: &Layout,
    matrix: &ConfusionMatrix,
) -> Result<(), ReportError> {
    let labels = matrix.labels();
    let (left, top) = layout.cells;
    let (right, bottom) = layout.cell_at(labels.len(), labels.len());
    let heading = AXIS.align(Align::Centre);
    canvas.text(
        ((left + right) / 2.0, MARGIN + HEADER + 6.0),
        "predicted class",
        heading,
    )?;
    canvas.text(
        (MARGIN + 6.0, (top + bottom) / 2.0),
        "true class",
        heading.upwards(),
    )?;

    for (class, label) in labels.iter().enumerate() {
        let (x, y) = layout.centre_of(class, class);
        let name = LABEL.fitted(label, LABEL_ROOM);
        canvas.text((left - GAP, y), &name, LABEL.align(Align::Right))?;
        match &layout.level_columns {
            Some(names) => {
                for (line, text) in names[class].iter().rev().enumerate() {
                    let middle = top - GAP - (line as f64 + 0.5) * LABEL_LINE;
                    canvas.text((x, middle), text, LABEL.align(Align::Centre))?;
                }
            }
            None => canvas.text((x, top - GAP), &name, LABEL.upwards())?,
        }
    }
    Ok(())
}

/// The cells, coloured by their share of the row. Those on the diagonal have a frame.
fn draw_cells(
    canvas: &Canvas,
    layout: &Layout,
    matrix: &ConfusionMatrix,
) -> Result<(), ReportError> {
    let (width, height) = layout.cell;
    // "100%" is the longest percentage.
    let size = ((width - 8.0) / Lettering::new(1.0).width("100%")).min(14.0);
    let shares = Lettering::new(size).align(Align::Centre);
    let counts = Lettering::new(0.76 * size).align(Align::Centre);

    for (row, (cells, support)) in matrix.counts().iter().zip(matrix.supports()).enumerate() {
        for (column, &count) in cells.iter().enumerate() {
            let (x, y) = layout.cell_at(row, column);
            let (middle_x, middle_y) = layout.centre_of(row, column);
            let share = if support > 0 {
                count as f64 / support as f64
            } else {
                0.0
            };
            let background = if support > 0 { BLUES.at(share) } else { GRID };
            canvas.rectangle(
                (x + 0.75, y + 0.75),
                (width - 1.5, height - 1.5),
                background,
            )?;
            if row == column {
                let (x0, y0, x1, y1) = (x + 1.25, y + 1.25, x + width - 1.25, y + height - 1.25);
                let frame = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)];
                canvas.line(&frame, 1.25, BLUES.at(1.0))?;
            }
            let ink = match count {
                0 => MUTED,
                _ => ink_on(background),
            };
            let apart = 0.62 * size;
            let share = if support > 0 {
                percentage(count, support)
            } else {
                "–".to_owned()
            };
            canvas.text((middle_x, middle_y - apart), &share, shares.colour(ink))?;
            canvas.text(
                (middle_x, middle_y + apart),
                &count.to_string(),
                counts.colour(ink),
            )?;
        }
    }
    Ok(())
}

/// Beside each row its recall and number of clips, and below them UAR and total.
fn draw_recalls(
    canvas: &Canvas,
    layout: &Layout,
    matrix: &ConfusionMatrix,
) -> Result<(), ReportError> {
    let (_, top) = layout.cells;
    let (cells_end, bottom) = layout.cell_at(matrix.labels().len(), matrix.labels().len());
    let bar_start = cells_end + 2.0 * GAP;
    let (figure_end, support_end) = (layout.recall_end, layout.support_end);
    let right = Align::Right;

    let heading_y = top - GAP - LABEL_LINE / 2.0;
    canvas.text((bar_start, heading_y), "recall", AXIS)?;
    canvas.text((support_end, heading_y), "clips", AXIS.align(right))?;
    for (class, (recall, support)) in matrix
        .recalls()
        .into_iter()
        .zip(matrix.supports())
        .enumerate()
    {
        let (_, y) = layout.centre_of(class, 0);
        canvas.rectangle((bar_start, y - 4.0), (RECALL_BAR, 8.0), GRID)?;
        if let Some(recall) = recall {
            canvas.rectangle((bar_start, y - 4.0), (recall * RECALL_BAR, 8.0), BLUE)?;
        }
        let figure = recall.map_or("–".to_owned(), |recall| format!("{recall:.2}"));
        canvas.text((figure_end, y), &figure, LABEL.align(right))?;
        canvas.text((support_end, y), &support.to_string(), AXIS.align(right))?;
    }

    let mean_y = bottom + 22.0;
    canvas.line(
        &[(bar_start, bottom + 6.0), (support_end, bottom + 6.0)],
        1.0,
        RULE,
    )?;
    canvas.text((bar_start, mean_y), "UAR", LABEL.bold())?;
    let uar = matrix
        .uar()
        .map_or("–".to_owned(), |uar| format!("{uar:.3}"));
    canvas.text((figure_end, mean_y), &uar, LABEL.bold().align(right))?;
    canvas.text(
        (support_end, mean_y),
        &matrix.total().to_string(),
        AXIS.align(right),
    )
}

/// A name on one or two lines of at most `room` pixels, broken after a space, an
/// underscore or a hyphen; `None` if it does not fit.
fn wrapped(name: &str, room: f64) -> Option<Vec<String>> {
    let fits = |text: &str| LABEL.width(text) <= room;
    if fits(name) {
        return Some(vec![name.to_owned()]);
    }
    name.match_indices([' ', '_', '-'])
        .map(|(end, separator)| name.split_at(end + separator.len()))
        .map(|(first, second)| [first.trim_end(), second])
        .find(|lines| lines.iter().all(|line| fits(line)))
        .map(|lines| lines.map(String::from).to_vec())
}

/// A percentage without decimals. More than nothing is not rounded to 0 %, and less
/// than all is not rounded to 100 %.
fn percentage(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole as f64;
    match percent.round() {
        0.0 if part > 0 => "<1%".to_owned(),
        100.0 if part < whole => ">99%".to_owned(),
        rounded => format!("{rounded}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_never_hides_a_clip() {
        assert_eq!(percentage(0, 500), "0%");
        assert_eq!(percentage(1, 500), "<1%");
        assert_eq!(percentage(5, 10), "50%");
        assert_eq!(percentage(499, 500), ">99%");
        assert_eq!(percentage(500, 500), "100%");
    }

    #[test]
    fn long_names_are_broken_between_words_or_not_at_all() {
        let room = LABEL.width("pleasant ");
        assert_eq!(wrapped("calm", room).unwrap(), ["calm"]);
        assert_eq!(
            wrapped("pleasant surprise", room).unwrap(),
            ["pleasant", "surprise"]
        );
        assert_eq!(wrapped("calm_or_not", room).unwrap(), ["calm_", "or_not"]);
        assert_eq!(wrapped("undistinguishable", room), None);
        assert_eq!(wrapped("a name of very many words", room), None);
    }

    #[test]
    fn the_picture_holds_every_count_and_figure() {
        let pairs = [(0, 0), (0, 0), (0, 1), (1, 1), (1, 1), (1, 1), (1, 1)];
        let matrix = ConfusionMatrix::from_pairs(["calm", "<angry>", "absent"], pairs);
        let svg = confusion_matrix_svg(&matrix, "Test & more").unwrap();
        let shown = |text: &str| svg.matches(&format!(">\n{text}\n</text>")).count();
        for text in ["Test &amp; more", "67%", "33%", "100%", "0.67", "1.00"] {
            assert_eq!(shown(text), 1, "{text} in {svg}");
        }
        assert_eq!(shown("UAR 0.833   ·   accuracy 0.857   ·   7 clips"), 1);
        // As row and as column.
        assert_eq!(
            (shown("calm"), shown("&lt;angry&gt;"), shown("absent")),
            (2, 2, 2)
        );
        // The absent class has three cells and a recall without a number.
        assert_eq!(shown("–"), 4);
    }

    #[test]
    fn a_matrix_without_classes_is_an_error_and_one_without_clips_is_drawn() {
        let error = confusion_matrix_svg(&ConfusionMatrix::new::<String>([]), "").unwrap_err();
        assert!(matches!(error, ReportError::Empty { .. }), "{error:?}");
        let svg = confusion_matrix_svg(&ConfusionMatrix::new(["a", "b"]), "Nothing").unwrap();
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
