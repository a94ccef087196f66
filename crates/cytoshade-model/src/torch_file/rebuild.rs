//! The state dict of a pickle: finds it, reads how its tensors lie in their storages, and takes them out.

use cytoshade_pickle::{Global, Id, ORDERED_DICT, Pickle, Value, printable, unexpected};

use super::storage::{StorageRef, Storages};
use crate::budget::Budget;
use crate::tensor::{Tensor, Tensors};
use crate::tensor_filter::TensorFilter;
use crate::{Error, ReadLimits};

/// Keys under which training scripts put the state dict beside other things.
const NESTED_UNDER: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// Everything that a torch file's pickle may mention.
pub(super) const GLOBALS: &[Global] = &[
    ORDERED_DICT,
    Global { module: "torch._utils", name: "_rebuild_tensor_v2" },
    Global { module: "torch._utils", name: "_rebuild_parameter" },
    Global { module: "torch", name: "Size" },
    Global { module: "torch", name: "FloatStorage" },
    Global { module: "torch", name: "HalfStorage" },
    Global { module: "torch", name: "BFloat16Storage" },
    Global { module: "torch", name: "DoubleStorage" },
    Global { module: "torch", name: "LongStorage" },
    Global { module: "torch", name: "IntStorage" },
    Global { module: "torch", name: "ShortStorage" },
    Global { module: "torch", name: "CharStorage" },
    Global { module: "torch", name: "ByteStorage" },
    Global { module: "torch", name: "BoolStorage" },
];

/// A tensor as the pickle describes it: a view of a storage.
#[derive(Debug)]
pub(super) struct View<'a> {
    /// The tensor's name in the network.
    name: &'a str,
    pub(super) storage: StorageRef<'a>,
    /// First element in the storage.
    offset: u64,
    shape: Vec<u64>,
    /// Elements of the storage from one index of a dimension to the next.
    strides: Vec<u64>,
}

/// The views of the network's tensors in a pickle, and what was left alone.
pub(super) fn views<'a>(pickle: &Pickle<'a>, limits: &ReadLimits) -> Result<(Vec<View<'a>>, Vec<String>), Error> {
    let (pairs, beside) = state_dict(pickle, limits)?;
    limits.check_tensors(pairs.len() as u64)?;
    let mut tensors = Vec::new();
    let mut others = Vec::new();
    for &(key, value) in pairs {
        match pickle.get(value) {
            Value::Call { .. } => tensors.push((pickle.text(key, "a tensor's name")?, value)),
            // What is no tensor is no weight: an epoch's number beside the tensors, say.
            _ => others.push(key),
        }
    }
    let names: Vec<&str> = tensors.iter().map(|(name, _)| *name).collect();
    let mut tensor_filter = TensorFilter::among(&names)?;
    for key in beside.into_iter().chain(others) {
        tensor_filter.leave(pickle.text(key, "an entry's name").unwrap_or("what has no name"));
    }
    let mut views = Vec::new();
    for (name, value) in tensors {
        if let Some(name) = tensor_filter.own(name) {
            views.push(View::read(pickle, name, value)?);
        }
    }
    Ok((views, tensor_filter.ignored()))
}

/// The entries of a dictionary.
type Entries<'p> = &'p [(Id, Id)];

/// The dictionary of tensors: the object itself, or one of its entries. With the keys that lie beside such an entry.
fn state_dict<'p>(pickle: &'p Pickle<'_>, limits: &ReadLimits) -> Result<(Entries<'p>, Vec<Id>), Error> {
    let mut found = pickle.root();
    let mut beside = Vec::new();
    let mut depth = 0;
    loop {
        depth += 1;
        // A dictionary may lie in itself.
        limits.check_nesting(depth)?;
        let Value::Dict(pairs) = found else {
            return Err(unexpected("the saved object", "a state dict", found).into());
        };
        let nested = NESTED_UNDER.iter().filter_map(|key| pickle.find(pairs, key));
        let Some(inner) = nested.into_iter().find(|&id| matches!(pickle.get(id), Value::Dict(_))) else {
            return Ok((pairs, beside));
        };
        beside.extend(pairs.iter().filter(|(_, value)| *value != inner).map(|(key, _)| *key));
        found = pickle.get(inner);
    }
}

/// The tensors that the views show.
pub(super) fn tensors(
    views: &[View<'_>],
    storages: &Storages<'_>,
    limits: &ReadLimits,
    budget: &mut Budget,
) -> Result<Tensors, Error> {
    let mut tensors = Tensors::new();
    for view in views {
        let missing = || view.storage.damaged("is not in the file");
        let storage = storages.get(view.storage.key).ok_or_else(missing)?;
        tensors.insert(view.name.to_string(), view.tensor(storage, limits, budget)?);
    }
    Ok(tensors)
}

impl<'a> View<'a> {
    /// Reads `_rebuild_tensor_v2(storage, offset, shape, strides, ...)`, or `_rebuild_parameter(tensor, ...)` around it.
    fn read(pickle: &Pickle<'a>, name: &'a str, value: Id) -> Result<Self, Error> {
        let (global, args) = call(pickle, value)?;
        let (global, args) = match (global, args) {
            ("_rebuild_parameter", [tensor, ..]) => call(pickle, *tensor)?,
            other => other,
        };
        let ("_rebuild_tensor_v2", [storage, offset, shape, strides, ..]) = (global, args) else {
            return Err(Error::damaged(format!("tensor {} is made by {global} of too few parts", printable(name))));
        };
        let counts = |id: Id, what: &str| -> Result<Vec<u64>, cytoshade_pickle::Error> {
            pickle.items(id, what)?.iter().map(|&id| pickle.count(id, what)).collect()
        };
        let view = Self {
            name,
            storage: StorageRef::read(pickle, pickle.get(*storage))?,
            offset: pickle.count(*offset, "a tensor's offset")?,
            shape: counts(*shape, "a tensor's shape")?,
            strides: counts(*strides, "a tensor's stride")?,
        };
        if view.shape.len() != view.strides.len() {
            return Err(view.damaged("has a shape and strides of different lengths"));
        }
        Ok(view)
    }

    fn tensor(&self, storage: &[u8], limits: &ReadLimits, budget: &mut Budget) -> Result<Tensor, Error> {
        let Some(float) = self.storage.float else {
            return Err(Error::Type { name: printable(self.name), found: self.storage.kind.into() });
        };
        let elements = limits.elements(&self.shape)?;
        budget.spend_values(elements)?;
        let run = storage.get(self.span(elements)?).ok_or_else(|| self.damaged("lies outside of its storage"))?;
        let values = if self.is_contiguous() {
            float.decode(run)
        } else {
            budget.spend_values(run.len() / float.size())?;
            let run = float.decode(run);
            // `span` holds every place.
            self.places(elements).map(|at| run[at]).collect()
        };
        let shape = self.shape.iter().map(|&size| size as usize).collect();
        Tensor::new(self.name, shape, values)
    }

    /// The bytes of the storage from the first element to the last.
    fn span(&self, elements: usize) -> Result<std::ops::Range<usize>, Error> {
        let steps = self.shape.iter().zip(&self.strides);
        let length = if elements == 0 {
            Some(0)
        } else {
            steps
                .map(|(&size, &stride)| (size - 1).checked_mul(stride))
                .try_fold(1u64, |sum, step| sum.checked_add(step?))
        };
        let end = length.and_then(|length| self.offset.checked_add(length));
        let end = end.filter(|&end| end <= self.storage.elements);
        let end = end.ok_or_else(|| self.damaged("lies outside of its storage"))?;
        // The storage's bytes are counted and are there, so this fits.
        let byte = |element: u64| (element * self.storage.element_bytes) as usize;
        Ok(byte(self.offset.min(end))..byte(end))
    }

    /// Whether the elements lie one after the other in row-major order.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1u64;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size <= 1 || stride == expected;
            // Of a tensor without elements the sizes may be anything.
            expected = size.max(1).saturating_mul(expected);
            fits
        })
    }

    /// Where each element lies, from the first, in row-major order.
    fn places(&self, elements: usize) -> impl Iterator<Item = usize> {
        let mut index = vec![0u64; self.shape.len()];
        (0..elements).map(move |_| {
            let place: u64 = index.iter().zip(&self.strides).map(|(&index, &stride)| index * stride).sum();
            for (index, &size) in index.iter_mut().zip(&self.shape).rev() {
                *index += 1;
                if *index < size {
                    break;
                }
                *index = 0;
            }
            place as usize
        })
    }

    fn damaged(&self, what: &str) -> Error {
        Error::damaged(format!("tensor {} {what}", printable(self.name)))
    }
}

/// Name and arguments of a call.
fn call<'p>(pickle: &'p Pickle<'_>, value: Id) -> Result<(&'static str, &'p [Id]), Error> {
    match pickle.get(value) {
        Value::Call { global, args, .. } => Ok((global.name, pickle.items(*args, "the arguments of a call")?)),
        other => Err(unexpected("a parameter's tensor", "a tensor", other).into()),
    }
}
