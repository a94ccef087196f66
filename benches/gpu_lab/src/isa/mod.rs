//! Counts instructions by kind in the text of a compiler, for the whole program and for its inner loop.

mod amd;
mod apple;
mod intel;
mod nvidia;

use std::collections::{BTreeMap, HashMap};

use crate::devices::Family;

/// The kind of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A product of subgroup matrices.
    Matrix,
    /// Multiplies and adds numbers with a fraction; a packed instruction counts once, a dual one as two.
    MultiplyAdd,
    /// Any other arithmetic, moves and conversions.
    Other,
    /// Reads or writes buffers.
    Buffer,
    /// Reads or writes 32 bits or more of workgroup memory.
    Workgroup,
    /// Reads or writes 16 bits or less of workgroup memory.
    Workgroup16,
    /// Reads or writes memory of one invocation: spills and arrays with an index.
    Local,
    /// Branches, barriers, waits.
    Control,
    /// Takes no slot of its own: hints to the scheduler.
    Hint,
}

/// A line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// A place to jump to.
    Label(String),
    /// An instruction, and the label that it may jump to.
    Instruction(Kind, Option<String>),
}

/// Instructions by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<Kind, usize>);

impl Counts {
    /// The instructions of a kind.
    pub fn of(&self, kind: Kind) -> usize {
        self.0.get(&kind).copied().unwrap_or(0)
    }

    /// All instructions but hints.
    pub fn total(&self) -> usize {
        self.0.values().sum::<usize>() - self.of(Kind::Hint)
    }

    /// Products of matrices, or multiply-adds if there are none.
    pub fn products(&self) -> usize {
        match self.of(Kind::Matrix) {
            0 => self.of(Kind::MultiplyAdd),
            matrices => matrices,
        }
    }

    fn add(&mut self, kind: Kind) {
        *self.0.entry(kind).or_default() += 1;
    }
}

/// The instructions of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// All instructions.
    pub whole: Counts,
    /// Those of the loop with the most products, without those of loops inside of it; `None` if no loop has any.
    pub inner: Option<Counts>,
    /// That loop with the loops inside of it.
    pub step: Counts,
}

/// Counts the instructions in the text of the compiler of a family.
pub fn count(family: Family, text: &str) -> Program {
    program(&match family {
        Family::Amd => text.lines().flat_map(amd::items).collect(),
        Family::Nvidia => text.lines().filter_map(nvidia::item).collect(),
        Family::Intel => text.lines().filter_map(intel::item).collect(),
        Family::Apple => apple::items(text),
    })
}

fn program(items: &[Item]) -> Program {
    let loops = loops(items);
    let mut whole = Counts::default();
    let mut own = vec![Counts::default(); loops.len()];
    let mut all = own.clone();
    for (at, item) in items.iter().enumerate() {
        let Item::Instruction(kind, _) = *item else { continue };
        whole.add(kind);
        let around = (0..loops.len()).filter(|&i| (loops[i].0..=loops[i].1).contains(&at));
        around.clone().for_each(|i| all[i].add(kind));
        // The shortest loop around an instruction is the innermost one.
        if let Some(inner) = around.min_by_key(|&i| loops[i].1 - loops[i].0) {
            own[inner].add(kind);
        }
    }
    let products = |counts: &Counts| (counts.of(Kind::Matrix), counts.products());
    let found = own.into_iter().zip(all).max_by_key(|(own, _)| products(own));
    match found.filter(|(own, _)| own.products() > 0) {
        Some((inner, step)) => Program { whole, inner: Some(inner), step },
        None => Program { whole, ..Program::default() },
    }
}

/// The first and last item of each loop: from a label to the last jump back to it.
fn loops(items: &[Item]) -> Vec<(usize, usize)> {
    let mut labels = HashMap::new();
    let mut loops: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        match item {
            Item::Label(label) => {
                labels.insert(label, at);
            }
            Item::Instruction(_, Some(target)) => {
                // A label that is not known yet is a jump forward.
                if let Some(&first) = labels.get(target) {
                    loops.insert(first, at);
                }
            }
            Item::Instruction(_, None) => {}
        }
    }
    loops.into_iter().collect()
}

/// The first word of a text, and the rest.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADD: Item = Item::Instruction(Kind::MultiplyAdd, None);
    const MOVE: Item = Item::Instruction(Kind::Other, None);

    fn label(name: &str) -> Item {
        Item::Label(name.into())
    }

    fn jump(to: &str) -> Item {
        Item::Instruction(Kind::Control, Some(to.into()))
    }

    #[test]
    fn the_inner_loop_has_the_most_products_of_its_own() {
        // A staging loop inside the loop of products, and a loop without products after it.
        let before = vec![MOVE, label("outer"), ADD];
        let staging = vec![label("staging"), MOVE, MOVE, jump("staging")];
        let products = vec![ADD, ADD, jump("after"), jump("outer")];
        let after = vec![label("after"), MOVE, jump("after")];
        let found = program(&[before, staging, products, after].concat());
        assert_eq!((found.whole.total(), found.whole.products()), (11, 3));
        let inner = found.inner.unwrap();
        assert_eq!((inner.total(), inner.products(), inner.of(Kind::Control)), (5, 3, 2));
        assert_eq!(found.step.total(), 8);
    }

    #[test]
    fn matrices_come_before_multiply_adds_and_hints_do_not_count() {
        let (matrix, hint) = (Item::Instruction(Kind::Matrix, None), Item::Instruction(Kind::Hint, None));
        let adds = vec![label("a"), ADD, ADD, jump("a")];
        let matrices = vec![label("b"), matrix, hint, ADD, ADD, ADD, jump("b")];
        let inner = program(&[adds, matrices].concat()).inner.unwrap();
        assert_eq!((inner.total(), inner.products()), (5, 1));
        assert_eq!(program(&[ADD, MOVE]).inner, None);
        assert_eq!(program(&[label("a"), MOVE, jump("a")]).inner, None, "a loop without products");
    }
}
