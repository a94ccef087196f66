//! Writes plain data as pickles: protocol 4, with no globals but numpy's and `complex`.

use std::io::{self, Write};

use crate::numpy::{Array, Data, Dtype, Kind, Scalar};
use crate::{Plain, opcode};

/// numpy's module before version 2; later versions still accept it.
const MULTIARRAY: &str = "numpy.core.multiarray";

/// Writes an NPY file of one object, as `np.save` does.
///
/// `np.load(path, allow_pickle=True).item()` returns the object.
///
/// A [`Plain::Opaque`] is not written: in a dictionary its entry is left out, elsewhere it becomes `None`.
///
/// # Errors
/// Errors of `out`.
pub fn write_npy<W: Write>(out: W, object: &Plain<'_>) -> io::Result<()> {
    let mut writer = Writer { out };
    // Magic, version and length are 10 bytes; with the header they fill a multiple of 64.
    let header = format!("{:<117}\n", "{'descr': '|O', 'fortran_order': False, 'shape': (), }");
    writer.bytes(b"\x93NUMPY\x01\x00")?;
    writer.bytes(&(header.len() as u16).to_le_bytes())?;
    writer.bytes(header.as_bytes())?;
    writer.bytes(&[opcode::PROTO, 4])?;
    let dtype = Dtype::little_endian(Kind::Object, 0);
    writer.array_of(&[], dtype, false, |writer| {
        writer.code(opcode::EMPTY_LIST)?;
        writer.value(object)?;
        writer.code(opcode::APPEND)
    })?;
    writer.code(opcode::STOP)?;
    writer.out.flush()
}

struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    fn value(&mut self, value: &Plain<'_>) -> io::Result<()> {
        match value {
            Plain::None | Plain::Opaque(_) => self.code(opcode::NONE),
            Plain::Bool(true) => self.code(opcode::NEWTRUE),
            Plain::Bool(false) => self.code(opcode::NEWFALSE),
            Plain::Int(value) => self.int(*value),
            Plain::Float(value) => {
                self.code(opcode::BINFLOAT)?;
                self.bytes(&value.to_be_bytes())
            }
            Plain::Complex(real, imaginary) => {
                self.global("builtins", "complex")?;
                self.tuple(|writer| {
                    writer.value(&Plain::Float(*real))?;
                    writer.value(&Plain::Float(*imaginary))
                })?;
                self.code(opcode::REDUCE)
            }
            Plain::Text(text) => self.text(text),
            Plain::Bytes(bytes) => self.byte_string(bytes),
            Plain::Tuple(items) => self.tuple(|writer| items.iter().try_for_each(|item| writer.value(item))),
            Plain::List(items) => self.list(items),
            Plain::Set(items) => {
                self.bytes(&[opcode::EMPTY_SET, opcode::MARK])?;
                items.iter().try_for_each(|item| self.value(item))?;
                self.code(opcode::ADDITEMS)
            }
            Plain::FrozenSet(items) => {
                self.code(opcode::MARK)?;
                items.iter().try_for_each(|item| self.value(item))?;
                self.code(opcode::FROZENSET)
            }
            Plain::Dict(pairs) => {
                self.bytes(&[opcode::EMPTY_DICT, opcode::MARK])?;
                let is_opaque = |value: &Plain<'_>| matches!(value, Plain::Opaque(_));
                for (key, value) in pairs.iter().filter(|(key, value)| !is_opaque(key) && !is_opaque(value)) {
                    self.value(key)?;
                    self.value(value)?;
                }
                self.code(opcode::SETITEMS)
            }
            Plain::Array(array) => self.array(array),
            Plain::Scalar(scalar) => self.scalar(scalar),
        }
    }

    fn list(&mut self, items: &[Plain<'_>]) -> io::Result<()> {
        self.bytes(&[opcode::EMPTY_LIST, opcode::MARK])?;
        items.iter().try_for_each(|item| self.value(item))?;
        self.code(opcode::APPENDS)
    }

    fn array(&mut self, array: &Array<'_, Plain<'_>>) -> io::Result<()> {
        self.array_of(array.shape(), array.dtype(), array.fortran_order(), |writer| match array.data() {
            Data::Bytes(bytes) => writer.byte_string(bytes),
            Data::Objects(items) => writer.list(items),
        })
    }

    /// `_reconstruct(ndarray, (0,), b"b")`, and its state `(1, shape, dtype, is_fortran, data)`.
    fn array_of(
        &mut self,
        shape: &[usize],
        dtype: Dtype,
        fortran_order: bool,
        data: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.global(MULTIARRAY, "_reconstruct")?;
        self.tuple(|writer| {
            writer.global("numpy", "ndarray")?;
            writer.tuple(|writer| writer.int(0))?;
            writer.byte_string(b"b")
        })?;
        self.code(opcode::REDUCE)?;
        self.tuple(|writer| {
            writer.int(1)?;
            writer.tuple(|writer| shape.iter().try_for_each(|&length| writer.int(length as i128)))?;
            writer.dtype(dtype)?;
            writer.value(&Plain::Bool(fortran_order))?;
            data(writer)
        })?;
        self.code(opcode::BUILD)
    }

    fn scalar(&mut self, scalar: &Scalar<'_>) -> io::Result<()> {
        self.global(MULTIARRAY, "scalar")?;
        self.tuple(|writer| {
            writer.dtype(scalar.dtype())?;
            writer.byte_string(scalar.data())
        })?;
        self.code(opcode::REDUCE)
    }

    /// `dtype(name, False, True)`, and its state `(3, order, None, None, None, element size, alignment, flags)`.
    ///
    /// Size and alignment are given unless the name implies them; the flags are those of Python objects.
    fn dtype(&mut self, dtype: Dtype) -> io::Result<()> {
        self.global("numpy", "dtype")?;
        self.tuple(|writer| {
            writer.text(&dtype.name())?;
            writer.value(&Plain::Bool(false))?;
            writer.value(&Plain::Bool(true))
        })?;
        self.code(opcode::REDUCE)?;
        let (size, alignment, flags) = match dtype.kind {
            Kind::Unicode => (dtype.size as i128, 4, 8),
            Kind::Bytes => (dtype.size as i128, 1, 0),
            Kind::Object => (-1, -1, 63),
            _ => (-1, -1, 0),
        };
        self.tuple(|writer| {
            writer.int(3)?;
            writer.text(dtype.order())?;
            writer.bytes(&[opcode::NONE; 3])?;
            [size, alignment, flags].into_iter().try_for_each(|number| writer.int(number))
        })?;
        self.code(opcode::BUILD)
    }

    fn tuple(&mut self, items: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        self.code(opcode::MARK)?;
        items(self)?;
        self.code(opcode::TUPLE)
    }

    fn global(&mut self, module: &str, name: &str) -> io::Result<()> {
        write!(self.out, "{}{module}\n{name}\n", char::from(opcode::GLOBAL))
    }

    fn int(&mut self, value: i128) -> io::Result<()> {
        if let Ok(value) = i32::try_from(value) {
            self.code(opcode::BININT)?;
            return self.bytes(&value.to_le_bytes());
        }
        self.bytes(&[opcode::LONG1, 16])?;
        self.bytes(&value.to_le_bytes())
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.long((opcode::SHORT_BINUNICODE, opcode::BINUNICODE8), text.as_bytes())
    }

    fn byte_string(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.long((opcode::SHORT_BINBYTES, opcode::BINBYTES8), bytes)
    }

    /// Bytes preceded by their length, of one byte or of eight.
    fn long(&mut self, (short, long): (u8, u8), bytes: &[u8]) -> io::Result<()> {
        match u8::try_from(bytes.len()) {
            Ok(length) => self.bytes(&[short, length])?,
            Err(_) => {
                self.code(long)?;
                self.bytes(&(bytes.len() as u64).to_le_bytes())?;
            }
        }
        self.bytes(bytes)
    }

    fn code(&mut self, code: u8) -> io::Result<()> {
        self.bytes(&[code])
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }
}
