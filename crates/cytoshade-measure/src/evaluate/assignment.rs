//! Assignment of the largest weight in a sparse bipartite graph.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

/// An edge from a row: a column and a weight above 0.
pub(super) type Edge = (usize, f64);

/// The column of each row in an assignment of the largest total weight; `None` for a row without a column.
///
/// The solution of `scipy.optimize.linear_sum_assignment` (`maximize=True`) without pairs of weight 0. Rows are added
/// one by one along the shortest path of reduced costs. A row has a column of its own that costs 0, which leaves the row
/// without a partner. Only existing edges are visited, so that time and memory depend on the overlaps, not on the
/// product of the numbers of cells.
///
/// Source: Jonker, Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems",
/// 1987.
pub(super) fn largest_assignment(rows: &[Vec<Edge>], columns: usize) -> Vec<Option<usize>> {
    let mut state = State {
        rows,
        columns,
        row_prices: rows.iter().map(|edges| edges.iter().map(|edge| -edge.1).fold(0.0, f64::min)).collect(),
        column_prices: vec![0.0; columns + rows.len()],
        row_of: vec![None; columns + rows.len()],
        column_of: vec![None; rows.len()],
    };
    (0..rows.len()).for_each(|row| state.add(row));
    state.column_of.into_iter().map(|column| column.filter(|&column| column < columns)).collect()
}

struct State<'e> {
    rows: &'e [Vec<Edge>],
    /// Number of real columns; the rows' own columns follow.
    columns: usize,
    row_prices: Vec<f64>,
    column_prices: Vec<f64>,
    row_of: Vec<Option<usize>>,
    column_of: Vec<Option<usize>>,
}

/// The shortest known path to a column.
struct Path {
    length: f64,
    previous_row: usize,
    is_final: bool,
}

impl State<'_> {
    /// Assigns a row, and moves earlier rows to other columns if that is better.
    fn add(&mut self, start: usize) {
        let mut paths: HashMap<usize, Path> = HashMap::new();
        let mut queue = BinaryHeap::new();
        self.extend(start, 0.0, &mut paths, &mut queue);
        // Every row has its own column, so that a path to a free column exists.
        while let Some(Candidate { length, column }) = queue.pop() {
            let Some(path) = paths.get_mut(&column).filter(|path| !path.is_final) else { continue };
            path.is_final = true;
            match self.row_of[column] {
                Some(row) => self.extend(row, length, &mut paths, &mut queue),
                None => {
                    self.update_prices(start, length, &paths);
                    return self.assign_along(column, &paths);
                }
            }
        }
    }

    /// Adds the paths over the edges of a row that is reached by a path of a length.
    fn extend(&self, row: usize, length: f64, paths: &mut HashMap<usize, Path>, queue: &mut BinaryHeap<Candidate>) {
        let own = (self.columns + row, 0.0);
        for (column, weight) in self.rows[row].iter().copied().chain([own]) {
            // Rounding must not make a reduced cost negative.
            let reduced = (-weight - self.row_prices[row] - self.column_prices[column]).max(0.0);
            let new = Path { length: length + reduced, previous_row: row, is_final: false };
            let is_shorter = paths.get(&column).is_none_or(|path| !path.is_final && new.length < path.length);
            if is_shorter {
                queue.push(Candidate { length: new.length, column });
                paths.insert(column, new);
            }
        }
    }

    /// Keeps reduced costs at 0 along the assignment, and at 0 or above elsewhere.
    fn update_prices(&mut self, start: usize, length: f64, paths: &HashMap<usize, Path>) {
        self.row_prices[start] += length;
        for (&column, path) in paths.iter().filter(|(_, path)| path.is_final) {
            if let Some(row) = self.row_of[column] {
                self.row_prices[row] += length - path.length;
                self.column_prices[column] -= length - path.length;
            }
        }
    }

    /// Gives a free column to the row before it on the path, that row's column to the row before, and so on.
    fn assign_along(&mut self, end: usize, paths: &HashMap<usize, Path>) {
        let mut column = Some(end);
        while let Some((free, path)) = column.and_then(|column| Some((column, paths.get(&column)?))) {
            let row = path.previous_row;
            self.row_of[free] = Some(row);
            column = self.column_of[row].replace(free);
        }
    }
}

/// A column at the end of a path, the shortest first.
struct Candidate {
    length: f64,
    column: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        other.length.total_cmp(&self.length).then(other.column.cmp(&self.column))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(rows: &[Vec<Edge>], assigned: &[Option<usize>]) -> f64 {
        let weight = |(row, column): (&Vec<Edge>, &Option<usize>)| {
            column.map_or(0.0, |column| row.iter().find(|edge| edge.0 == column).unwrap().1)
        };
        rows.iter().zip(assigned).map(weight).sum()
    }

    /// The largest total weight of the rows from `row` on, by trying every assignment.
    fn best(rows: &[Vec<Edge>], taken: &mut Vec<usize>) -> f64 {
        let Some((row, others)) = rows.split_first() else { return 0.0 };
        let mut largest = best(others, taken);
        for &(column, weight) in row {
            if !taken.contains(&column) {
                taken.push(column);
                largest = largest.max(weight + best(others, taken));
                taken.pop();
            }
        }
        largest
    }

    fn graphs() -> impl Strategy<Value = Vec<Vec<Edge>>> {
        let row = proptest::collection::btree_map(0usize..5, 1u32..8, 0..4);
        let edges = |row: std::collections::BTreeMap<usize, u32>| {
            row.into_iter().map(|(column, weight)| (column, f64::from(weight) / 8.0)).collect()
        };
        proptest::collection::vec(row.prop_map(edges), 0..6)
    }

    proptest! {
        #[test]
        fn no_assignment_has_a_larger_weight(rows in graphs()) {
            let assigned = largest_assignment(&rows, 5);
            let mut columns: Vec<usize> = assigned.iter().copied().flatten().collect();
            columns.sort_unstable();
            prop_assert!(columns.is_sorted_by(|a, b| a < b), "a column has two rows");
            prop_assert_eq!(total(&rows, &assigned), best(&rows, &mut Vec::new()));
        }
    }
}
