//! Reads the tensors of a state dict: their layout in storages, then their values.

use cytoshade_pickle::{Global, Id, Pickle, Value, unexpected};
use cytoshade_safe_io::{Meter, printable, quoted, reserve};

use super::state_dict;
use super::storage::{StorageRef, Storages};
use crate::by_name::ByName;
use crate::tensor::{Float, Tensor, Tensors, charge};
use crate::tensor_filter::{TensorFilter, Wanted};
use crate::{Error, ReadLimits};

/// Names of torch's functions that make tensors, and of torch's plain values.
pub(super) const GLOBALS: &[Global] = &[
    Global { module: "torch._utils", name: "_rebuild_tensor_v2" },
    Global { module: "torch._utils", name: "_rebuild_parameter" },
    Global { module: "torch", name: "Size" },
    Global { module: "torch", name: "device" },
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
    /// The stride of each dimension, in elements of the storage.
    strides: Vec<u64>,
    elements: usize,
}

/// The network's tensors in a file, before any value is read.
pub(super) struct Views<'a> {
    /// By name in the network.
    pub(super) views: ByName<'a, View<'a>>,
    filter: TensorFilter,
}

impl<'a> Views<'a> {
    /// Finds the state dict in a pickle and reads the descriptions of its tensors.
    pub(super) fn find(
        pickle: &Pickle<'a>,
        wanted: Wanted,
        limits: &ReadLimits,
        meter: &mut Meter,
    ) -> Result<Self, Error> {
        let (pairs, beside) = state_dict::find(pickle, meter)?;
        meter.charge::<(&str, Id)>(3 * pairs.len())?;
        let mut tensors = Vec::new();
        let mut others = Vec::new();
        for &(key, value) in pairs {
            // Other values (an epoch's number, for example) are not weights.
            match pickle.get(value) {
                Value::Call { global, .. } if GLOBALS[..2].contains(global) => {
                    let name = pickle.text(key, "a tensor's name")?;
                    limits.values.check_key(name.len())?;
                    meter.charge_scan(name.len())?;
                    tensors.push((name, value));
                }
                _ => others.push(key),
            }
        }
        limits.check_tensors(tensors.len() as u64)?;
        let names: Vec<&str> = tensors.iter().map(|(name, _)| *name).collect();
        let mut filter = TensorFilter::among(&names, wanted)?;
        for key in beside.into_iter().chain(others) {
            filter.leave(pickle.text(key, "an entry's name").unwrap_or("a key that is not text"));
        }
        let mut views = ByName::new();
        for (name, value) in tensors {
            if let Some(name) = filter.own(name) {
                // The last of equal keys counts.
                views.insert(name, View::read(pickle, name, value, meter)?);
            }
        }
        Ok(Self { views, filter })
    }

    /// Refuses tensors with a missing storage, with names of no network, or with an unsupported type.
    pub(super) fn check(&self, has_storage: impl Fn(&str) -> bool) -> Result<(), Error> {
        if let Some(view) = self.views.values().iter().find(|view| !has_storage(view.storage.key)) {
            return Err(view.storage.damaged("is not in the file"));
        }
        self.filter.check()?;
        self.views.values().iter().try_for_each(|view| view.float().map(|_| ()))
    }

    /// Reads the tensors, and returns descriptions of the ignored entries.
    pub(super) fn read(self, storages: &Storages<'_>, meter: &mut Meter) -> Result<(Tensors, Vec<String>), Error> {
        let mut tensors = Tensors::new();
        for view in self.views.into_values() {
            let missing = || view.storage.damaged("is not in the file");
            let storage = storages.get(view.storage.key).ok_or_else(missing)?;
            tensors.insert(view.name.to_string(), view.tensor(storage, meter)?);
        }
        Ok((tensors, self.filter.ignored()))
    }
}

impl<'a> View<'a> {
    /// Reads `_rebuild_tensor_v2(storage, offset, shape, strides, ...)`, directly or in `_rebuild_parameter`.
    fn read(pickle: &Pickle<'a>, name: &'a str, value: Id, meter: &mut Meter) -> Result<Self, Error> {
        let (global, args) = call(pickle, value)?;
        let (global, args) = match (global, args) {
            ("_rebuild_parameter", [tensor, ..]) => call(pickle, *tensor)?,
            other => other,
        };
        let ("_rebuild_tensor_v2", [storage, offset, shape, strides, ..]) = (global, args) else {
            return Err(damaged(name, &format!("is made by {global} with too few parts")));
        };
        let Value::Persistent(key) = pickle.get(*storage) else {
            return Err(unexpected("a tensor's storage", "a persistent reference", pickle.get(*storage)).into());
        };
        let shape = pickle.counts(*shape, "a tensor's shape")?;
        let strides = pickle.counts(*strides, "a tensor's strides")?;
        let elements = charge(&shape, pickle.limits(), meter)?;
        let storage = StorageRef::read(pickle, *key)?;
        let offset = pickle.count(*offset, "a tensor's offset")?;
        if shape.len() != strides.len() {
            return Err(damaged(name, "has a shape and strides of different lengths"));
        }
        let view = Self { name, storage, offset, shape, strides, elements };
        view.span()?;
        Ok(view)
    }

    /// The type of the elements.
    fn float(&self) -> Result<Float, Error> {
        let other = || Error::Type { name: printable(self.name), found: self.storage.kind.into() };
        self.storage.float.ok_or_else(other)
    }

    /// The shape.
    ///
    /// `charge` has checked that the elements are addressable; in a tensor without elements, a size may be too large
    /// and is clamped.
    fn shape(&self) -> Vec<usize> {
        self.shape.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect()
    }

    fn tensor(&self, storage: &[u8], meter: &mut Meter) -> Result<Tensor, Error> {
        let run = storage.get(self.span()?).ok_or_else(|| self.outside())?;
        let float = self.float()?;
        let values = if self.is_contiguous() {
            float.decode(run)?
        } else {
            meter.charge_values::<f32>(run.len() / float.size())?;
            let run = float.decode(run)?;
            let mut values = reserve(self.elements)?;
            // `span` contains every index.
            values.extend(self.places().map(|at| run[at]));
            values
        };
        Tensor::new(self.name, self.shape(), values)
    }

    /// The byte range of the storage from the first element to the last.
    fn span(&self) -> Result<std::ops::Range<usize>, Error> {
        let steps = self.shape.iter().zip(&self.strides);
        let length = if self.elements == 0 {
            Some(0)
        } else {
            steps
                .map(|(&size, &stride)| (size - 1).checked_mul(stride))
                .try_fold(1u64, |sum, step| sum.checked_add(step?))
        };
        let end = length.and_then(|length| self.offset.checked_add(length));
        let end = end.filter(|&end| end <= self.storage.elements).ok_or_else(|| self.outside())?;
        let byte =
            |element: u64| element.checked_mul(self.storage.element_bytes).and_then(|at| usize::try_from(at).ok());
        let range = byte(self.offset.min(end)).zip(byte(end));
        range.map(|(start, end)| start..end).ok_or_else(|| self.outside())
    }

    /// Whether the elements are contiguous in row-major order.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1u64;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size <= 1 || stride == expected;
            // In a tensor without elements, sizes are arbitrary.
            expected = size.max(1).saturating_mul(expected);
            fits
        })
    }

    /// Offset of each element from the first, in row-major order.
    fn places(&self) -> impl Iterator<Item = usize> {
        let mut index = vec![0u64; self.shape.len()];
        (0..self.elements).map(move |_| {
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

    fn outside(&self) -> Error {
        damaged(self.name, "is outside its storage")
    }
}

fn damaged(name: &str, what: &str) -> Error {
    Error::damaged(format!("tensor {} {what}", quoted(name)))
}

/// Name and arguments of a call.
fn call<'p>(pickle: &'p Pickle<'_>, value: Id) -> Result<(&'static str, &'p [Id]), Error> {
    match pickle.get(value) {
        Value::Call { global, args, .. } => Ok((global.name, pickle.items(*args, "the arguments of a call")?)),
        other => Err(unexpected("a parameter's tensor", "a tensor", other).into()),
    }
}
