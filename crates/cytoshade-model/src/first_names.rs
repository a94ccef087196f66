//! Shortens long lists of names for messages.

/// Names listed in a message.
const SHOWN: usize = 5;

/// Characters kept of a name: one more than a message prints.
const KEPT: usize = 101;

/// Keeps the first few names in alphabetical order: some formats list them in no order.
#[derive(Debug, Default)]
pub(crate) struct FirstNames {
    /// In alphabetical order.
    first: Vec<String>,
    count: usize,
}

impl FirstNames {
    pub(crate) fn add(&mut self, name: &str) {
        self.count += 1;
        let end = name.char_indices().nth(KEPT).map_or(name.len(), |(end, _)| end);
        let name = &name[..end];
        if let Err(place) = self.first.binary_search_by(|known| known.as_str().cmp(name))
            && place < SHOWN
        {
            self.first.insert(place, name.to_string());
            self.first.truncate(SHOWN);
        }
    }

    /// The names as `show` prints them, and the number of others. `None` if there are no names.
    pub(crate) fn listed(&self, show: impl Fn(&String) -> String) -> Option<String> {
        let shown = self.first.iter().map(show).collect::<Vec<_>>().join(", ");
        match self.count.saturating_sub(self.first.len()) {
            _ if self.count == 0 => None,
            0 => Some(shown),
            more => Some(format!("{shown} and {more} more")),
        }
    }
}

impl<'n> FromIterator<&'n str> for FirstNames {
    fn from_iter<I: IntoIterator<Item = &'n str>>(names: I) -> Self {
        let mut first = Self::default();
        names.into_iter().for_each(|name| first.add(name));
        first
    }
}
