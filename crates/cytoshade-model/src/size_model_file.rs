//! The file of a size model: a numpy file of one pickled dictionary, read as plain data.

use cytoshade_pickle::numpy::{self, Array};
use cytoshade_pickle::{CONTAINERS, Global, Others, Value, unexpected};
use cytoshade_safe_io::{Input, Meter};

use crate::format::NUMPY;
use crate::{Error, ReadLimits, SizeModel};

/// Names that a size model's pickle may mention.
const ALLOWED: &[&[Global]] = &[numpy::GLOBALS, CONTAINERS];

/// The size model in a file that begins as numpy files do.
pub(crate) fn read(bytes: &[u8], limits: &ReadLimits) -> Result<SizeModel, Error> {
    let meter = &mut limits.cost.meter(bytes.len() as u64);
    let mut input = Input::new(bytes, "the size model");
    check_header(&mut input, limits)?;
    let pickle = cytoshade_pickle::read(&mut input, (ALLOWED, Others::Refuse), &limits.values, meter)?;
    let object = pickle.get(Array::read(&pickle, pickle.root(), meter)?.only_object()?);
    let Value::Dict(entries) = object else {
        return Err(unexpected("the size model", "a dictionary", object).into());
    };
    let entry = |name: &str| {
        pickle.find(entries, name).ok_or_else(|| Error::damaged(format!("the size model has no entry {name}")))
    };
    let array = |name: &'static str, meter: &mut Meter| {
        let array = Array::read(&pickle, pickle.get(entry(name)?), meter)?;
        let no_numbers = || Error::damaged(format!("{name} is not an array of numbers"));
        let numbers = array.numbers().ok_or_else(no_numbers)?;
        let mut values = meter.values(array.shape().iter().product())?;
        for (index, number) in numbers.enumerate() {
            values.push(finite(number, name, index)?);
        }
        Ok::<_, Error>(values)
    };
    let (slopes, style_mean) = (array("A", meter)?, array("smean", meter)?);
    let mut number = |name: &'static str| finite(numpy::number(&pickle, entry(name)?, name, meter)?, name, 0);
    let model = SizeModel { slopes, style_mean, diam_mean: number("diam_mean")?, intercept: number("ymean")? };
    if model.slopes.len() != model.style_mean.len() {
        let (slopes, means) = (model.slopes.len(), model.style_mean.len());
        return Err(Error::damaged(format!("the size model has {slopes} values in A and {means} in smean")));
    }
    if model.diam_mean <= 0.0 {
        return Err(Error::damaged(format!("diam_mean is {}, expected a number of pixels above 0", model.diam_mean)));
    }
    Ok(model)
}

/// The header before the pickle, which says that one object follows.
fn check_header(input: &mut Input<'_>, limits: &ReadLimits) -> Result<(), Error> {
    input.take(NUMPY.len() as u64)?;
    let major = input.u8()?;
    input.u8()?;
    let length = if major == 1 { u64::from(input.u16()?) } else { u64::from(input.u32()?) };
    limits.check_header(length)?;
    let header = String::from_utf8_lossy(input.take(length)?);
    if header.contains("'descr': '|O'") && header.contains("'shape': ()") {
        return Ok(());
    }
    Err(Error::UnknownFormat { looks_like: "a numpy file of numbers; a size model is one pickled dictionary" })
}

fn finite(value: f64, name: &str, index: usize) -> Result<f64, Error> {
    if value.is_finite() { Ok(value) } else { Err(Error::NotFinite { name: name.into(), value: value as f32, index }) }
}
