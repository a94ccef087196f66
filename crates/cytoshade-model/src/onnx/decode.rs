//! Decodes the messages. Charges each before it is allocated.
//!
//! A message of two bytes becomes a structure of hundreds, so a small file could otherwise allocate much memory.

use cytoshade_safe_io::{Meter, MeterError};

use super::schema::{Attribute, Entry, Graph, Model, Node, Tensor};
use super::wire::{Fields, Wire, packed};
use crate::{Error, ReadLimits};

/// Decodes the model in the bytes of a file.
pub(super) fn model<'m>(bytes: &'m [u8], limits: &ReadLimits, meter: &mut Meter) -> Result<Model<'m>, Error> {
    Decoder { limits, meter, nodes: 0, tensors: 0 }.model(bytes)
}

struct Decoder<'d> {
    limits: &'d ReadLimits,
    meter: &'d mut Meter,
    nodes: u64,
    tensors: u64,
}

impl Decoder<'_> {
    fn model<'m>(&mut self, bytes: &'m [u8]) -> Result<Model<'m>, Error> {
        let mut model = Model::default();
        self.fields(bytes, |decoder, field, value| {
            match (field, value) {
                (7, Wire::Bytes(bytes)) => decoder.graph(bytes, model.graph.get_or_insert_default())?,
                (14, Wire::Bytes(bytes)) => {
                    let entry = decoder.entry(bytes)?;
                    decoder.push(&mut model.metadata, entry)?;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(model)
    }

    fn graph<'m>(&mut self, bytes: &'m [u8], graph: &mut Graph<'m>) -> Result<(), Error> {
        self.fields(bytes, |decoder, field, value| {
            let Wire::Bytes(bytes) = value else { return Ok(()) };
            match field {
                1 => {
                    decoder.nodes += 1;
                    decoder.limits.check_nodes(decoder.nodes)?;
                    let node = decoder.node(bytes)?;
                    decoder.push(&mut graph.nodes, node)?;
                }
                5 => {
                    let tensor = decoder.tensor(bytes)?;
                    decoder.push(&mut graph.initializers, tensor)?;
                }
                12 => {
                    let name = decoder.value_name(bytes)?;
                    decoder.push(&mut graph.outputs, name)?;
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn node<'m>(&mut self, bytes: &'m [u8]) -> Result<Node<'m>, Error> {
        let mut node = Node::default();
        self.fields(bytes, |decoder, field, value| {
            let Wire::Bytes(bytes) = value else { return Ok(()) };
            match field {
                1 => decoder.push(&mut node.inputs, text(bytes)?)?,
                2 => decoder.push(&mut node.outputs, text(bytes)?)?,
                3 => node.name = text(bytes)?,
                4 => node.op_type = text(bytes)?,
                5 => {
                    let attribute = decoder.attribute(bytes)?;
                    decoder.push(&mut node.attributes, attribute)?;
                }
                7 => node.domain = text(bytes)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(node)
    }

    fn attribute<'m>(&mut self, bytes: &'m [u8]) -> Result<Attribute<'m>, Error> {
        let mut attribute = Attribute::default();
        self.fields(bytes, |decoder, field, value| {
            match (field, value) {
                (1, Wire::Bytes(bytes)) => attribute.name = text(bytes)?,
                (2, Wire::Fixed32(bytes)) => attribute.f = f32::from_le_bytes(bytes),
                (3, Wire::Varint(value)) => attribute.i = value as i64,
                (4, Wire::Bytes(bytes)) => attribute.s = bytes,
                (5, Wire::Bytes(bytes)) => attribute.t = Some(decoder.tensor(bytes)?),
                (7, value) => decoder.floats(&mut attribute.floats, value)?,
                (8, value) => decoder.integers(&mut attribute.ints, value, |value| value as i64)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(attribute)
    }

    fn tensor<'m>(&mut self, bytes: &'m [u8]) -> Result<Tensor<'m>, Error> {
        self.tensors += 1;
        self.limits.check_tensors(self.tensors)?;
        let mut tensor = Tensor::default();
        self.fields(bytes, |decoder, field, value| {
            match (field, value) {
                (1, value) => decoder.integers(&mut tensor.dims, value, |value| value as i64)?,
                (2, Wire::Varint(value)) => tensor.data_type = value as i32,
                (4, value) => decoder.floats(&mut tensor.float_data, value)?,
                (5, value) => decoder.integers(&mut tensor.int32_data, value, |value| value as i32)?,
                (7, value) => decoder.integers(&mut tensor.int64_data, value, |value| value as i64)?,
                (8, Wire::Bytes(bytes)) => tensor.name = text(bytes)?,
                (9, Wire::Bytes(bytes)) => tensor.raw_data = bytes,
                (10, Wire::Fixed64(bytes)) => decoder.push(&mut tensor.double_data, f64::from_le_bytes(bytes))?,
                (10, Wire::Bytes(bytes)) => {
                    let numbers = bytes.as_chunks().0;
                    decoder.reserve(&mut tensor.double_data, numbers.len())?;
                    tensor.double_data.extend(numbers.iter().map(|&bytes| f64::from_le_bytes(bytes)));
                }
                (13, Wire::Bytes(bytes)) => {
                    let entry = decoder.entry(bytes)?;
                    decoder.push(&mut tensor.external_data, entry)?;
                }
                (14, Wire::Varint(value)) => tensor.data_location = value as i32,
                _ => {}
            }
            Ok(())
        })?;
        Ok(tensor)
    }

    fn entry<'m>(&mut self, bytes: &'m [u8]) -> Result<Entry<'m>, Error> {
        let mut entry = Entry::default();
        self.fields(bytes, |_, field, value| {
            match (field, value) {
                (1, Wire::Bytes(bytes)) => entry.key = text(bytes)?,
                (2, Wire::Bytes(bytes)) => entry.value = text(bytes)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(entry)
    }

    /// The name of a `ValueInfoProto`.
    fn value_name<'m>(&mut self, bytes: &'m [u8]) -> Result<&'m str, Error> {
        let mut name = "";
        self.fields(bytes, |_, field, value| {
            if let (1, Wire::Bytes(bytes)) = (field, value) {
                name = text(bytes)?;
            }
            Ok(())
        })?;
        Ok(name)
    }

    fn fields<'m>(
        &mut self,
        message: &'m [u8],
        mut read: impl FnMut(&mut Self, u64, Wire<'m>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut fields = Fields::new(message);
        while let Some((field, value)) = fields.next()? {
            self.meter.charge_steps(1)?;
            read(self, field, value)?;
        }
        Ok(())
    }

    fn floats(&mut self, list: &mut Vec<f32>, value: Wire<'_>) -> Result<(), Error> {
        match value {
            Wire::Fixed32(bytes) => self.push(list, f32::from_le_bytes(bytes))?,
            Wire::Bytes(bytes) => {
                let numbers = bytes.as_chunks().0;
                self.reserve(list, numbers.len())?;
                list.extend(numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)));
            }
            _ => {}
        }
        Ok(())
    }

    fn integers<T>(&mut self, list: &mut Vec<T>, value: Wire<'_>, convert: fn(u64) -> T) -> Result<(), Error> {
        match value {
            Wire::Varint(value) => self.push(list, convert(value))?,
            Wire::Bytes(bytes) => {
                // Each number ends with a byte whose highest bit is clear.
                self.reserve(list, bytes.iter().filter(|&&byte| byte < 0x80).count())?;
                for value in packed(bytes) {
                    list.push(convert(value?));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Charges a value of a growing vector, which reserves twice its length.
    fn push<T>(&mut self, list: &mut Vec<T>, value: T) -> Result<(), Error> {
        self.meter.charge::<T>(2)?;
        list.push(value);
        Ok(())
    }

    /// Charges the numbers of a packed list. The file has at least one byte for each.
    fn reserve<T>(&mut self, list: &mut Vec<T>, more: usize) -> Result<(), Error> {
        self.meter.charge_values::<T>(more)?;
        let bytes = (more as u64).saturating_mul(size_of::<T>() as u64);
        Ok(list.try_reserve_exact(more).map_err(|_| MeterError::Memory { bytes })?)
    }
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    str::from_utf8(bytes).map_err(|_| Error::damaged("a name in the ONNX file is not UTF-8"))
}
