//! Values by name.

use std::collections::BTreeMap;

/// Values by name, in the order of their insertion.
///
/// The map holds numbers, so that all kinds of values share its code: a map is kilobytes of code for each type.
#[derive(Debug)]
pub(crate) struct ByName<'a, T> {
    numbers: BTreeMap<&'a str, usize>,
    values: Vec<T>,
}

impl<'a, T> ByName<'a, T> {
    pub(crate) fn new() -> Self {
        Self { numbers: BTreeMap::new(), values: Vec::new() }
    }

    /// Adds or replaces a value. Returns the replaced one.
    pub(crate) fn insert(&mut self, name: &'a str, value: T) -> Option<T> {
        let next = self.values.len();
        match self.values.get_mut(*self.numbers.entry(name).or_insert(next)) {
            Some(known) => Some(std::mem::replace(known, value)),
            None => {
                self.values.push(value);
                None
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.values.get(*self.numbers.get(name)?)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.numbers.contains_key(name)
    }

    /// The names in ascending order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.numbers.keys().copied()
    }

    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    pub(crate) fn into_values(self) -> Vec<T> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_order_and_the_last_of_a_name_counts() {
        let mut values = ByName::new();
        assert_eq!(values.insert("b", 1), None);
        assert_eq!(values.insert("a", 2), None);
        assert_eq!(values.insert("b", 3), Some(1));
        assert_eq!((values.get("b"), values.get("c")), (Some(&3), None));
        assert_eq!(values.values(), [3, 2]);
        assert!(values.names().eq(["a", "b"]));
    }
}
