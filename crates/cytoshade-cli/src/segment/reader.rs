//! Opens the inputs of a run in order and reads their images.

use std::sync::Arc;

use cytoshade::{Image, Sha256, Span};
use cytoshade_formats::Item;

use super::args::Segment;
use super::plan::Planned;
use crate::failure::Failure;
use crate::inputs::{Facts, Input};
use crate::interrupt;

/// Images of more pixels are segmented one after the other: an image of a batch waits in memory for others.
const MOST_PIXELS_IN_BATCH: usize = 1 << 24;

/// An open input.
pub(super) struct Opened {
    /// Its index in the plan.
    pub(super) input: usize,
    pub(super) facts: Facts,
    /// The hash of its files.
    pub(super) sha256: Sha256,
}

/// An image or stack that was read.
pub(super) struct Unit {
    pub(super) opened: Arc<Opened>,
    /// The index of the item in the file.
    pub(super) item: usize,
    /// The time of reading, for the profile.
    pub(super) spans: Vec<Span>,
}

impl Unit {
    pub(super) fn item(&self) -> Option<&Item> {
        self.opened.facts.items().get(self.item)
    }
}

/// An input that cannot be read.
pub(super) struct Unreadable {
    pub(super) input: usize,
    pub(super) failure: Failure,
}

/// The next element of a [`Reader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An image for a batch.
    Image,
    /// An image or stack that is segmented without others.
    Alone,
    /// An input that cannot be opened.
    Unreadable,
}

/// Reads the images of the inputs in order.
pub(super) struct Reader {
    args: Arc<Segment>,
    inputs: Arc<[Planned]>,
    /// True if there is no other image to share a batch.
    is_single: bool,
    /// The index of the next input, and of the next item in it.
    input: usize,
    item: usize,
    open: Option<Result<(Input, Arc<Opened>), Failure>>,
    spans: Vec<Span>,
}

impl Reader {
    pub(super) fn new(args: Arc<Segment>, inputs: Arc<[Planned]>) -> Self {
        let is_single = inputs.iter().map(|input| input.images).sum::<usize>() <= 1;
        Self { args, inputs, is_single, input: 0, item: 0, open: None, spans: Vec::new() }
    }

    /// The next element, without reading its samples; `None` at the end and after an interruption.
    pub(super) fn peek(&mut self) -> Option<Next> {
        loop {
            let planned = self.inputs.get(self.input)?;
            if interrupt::is_interrupted() {
                return None;
            }
            if self.open.is_none() {
                let span = Span::begin("read");
                self.open = Some(self.open_input(planned));
                self.spans.push(span.end());
            }
            match &self.open {
                Some(Ok((_, opened))) => match opened.facts.items().get(self.item) {
                    Some(item) => return Some(self.next_of(item)),
                    None => self.skip_input(),
                },
                _ => return Some(Next::Unreadable),
            }
        }
    }

    /// Reads the next element: its z-slices.
    pub(super) fn read(&mut self) -> Option<Result<(Unit, Vec<Image>), Unreadable>> {
        self.peek()?;
        let index = self.input;
        let planned = self.inputs.get(index)?;
        let images = match &self.open {
            Some(Ok((input, opened))) => {
                let span = Span::begin("read");
                let item = opened.facts.items().get(self.item)?;
                let images = input.read(&planned.path, item);
                self.spans.push(span.end());
                images.map(|images| {
                    let spans = std::mem::take(&mut self.spans);
                    (Unit { opened: opened.clone(), item: self.item, spans }, images)
                })
            }
            _ => match self.open.take()? {
                Ok(_) => return None,
                Err(failure) => Err(failure),
            },
        };
        if images.is_ok() {
            self.item += 1;
        } else {
            self.skip_input();
        }
        Some(images.map_err(|failure| Unreadable { input: index, failure }))
    }

    /// Leaves out the rest of an input that failed.
    pub(super) fn leave_out(&mut self, input: usize) {
        if self.input == input {
            self.skip_input();
        }
    }

    /// Continues after an input, whatever was read since.
    pub(super) fn continue_after(&mut self, input: usize) {
        self.input = input;
        self.skip_input();
    }

    fn skip_input(&mut self) {
        self.input += 1;
        (self.item, self.open) = (0, None);
    }

    fn open_input(&self, planned: &Planned) -> Result<(Input, Arc<Opened>), Failure> {
        let path = &planned.path;
        // First, so that the record of a file that is replaced meanwhile has the earlier hash: --skip-done then
        // segments it again.
        let sha256 = crate::hash::of_files(planned.files()).map_err(|error| Failure::at(path, error))?;
        let mut input = self.args.read.open(path, self.args.is_stack(), &self.args.isolate)?;
        input.facts.warn_of_channels(path, self.args.params().channels);
        let facts = input.facts.clone();
        Ok((input, Arc::new(Opened { input: self.input, facts, sha256 })))
    }

    fn next_of(&self, item: &Item) -> Next {
        let is_small = item.height.saturating_mul(item.width) <= MOST_PIXELS_IN_BATCH;
        let is_for_batch = item.slices == 1 && is_small && !self.is_single;
        if is_for_batch && !self.args.is_stack() && !self.args.is_sequential() { Next::Image } else { Next::Alone }
    }
}
