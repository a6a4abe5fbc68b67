//! Compares expected and actual lines.

/// One line of the diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffLine {
    Same(String),
    Missing(String),
    Unexpected(String),
}

/// Compares lines by their longest common subsequence. `fits` decides whether a line matches an expected one.
pub fn diff(expected: &[String], came: &[String], fits: impl Fn(&str, &str) -> bool) -> Vec<DiffLine> {
    let (rows, columns) = (expected.len(), came.len());
    let mut common = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = if fits(&expected[row], &came[column]) {
                common[row + 1][column + 1] + 1
            } else {
                common[row + 1][column].max(common[row][column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut lines = Vec::new();
    while row < rows || column < columns {
        if row < rows && column < columns && fits(&expected[row], &came[column]) {
            lines.push(DiffLine::Same(came[column].clone()));
            (row, column) = (row + 1, column + 1);
        } else if row < rows && (column == columns || common[row + 1][column] >= common[row][column + 1]) {
            lines.push(DiffLine::Missing(expected[row].clone()));
            row += 1;
        } else {
            lines.push(DiffLine::Unexpected(came[column].clone()));
            column += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_are_kept() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let account = diff(&lines("a b c"), &lines("a x c d"), |a, b| a == b);
        let expected = [
            DiffLine::Same("a".into()),
            DiffLine::Missing("b".into()),
            DiffLine::Unexpected("x".into()),
            DiffLine::Same("c".into()),
            DiffLine::Unexpected("d".into()),
        ];
        assert_eq!(account, expected);
    }
}
