//! The stack machine: one pass over the opcodes, one step of the meter each.

mod objects;

use std::collections::HashMap;

use cytoshade_safe_io::Meter;

use crate::{Error, Global, Id, Input, Others, Pickle, Value, ValueLimits, opcode, unexpected};

/// The highest supported protocol.
const HIGHEST_PROTOCOL: u8 = 5;

/// Reads one pickle and leaves `input` after its end.
///
/// The pickle may use the globals in `allowed`; `others` sets the treatment of other names.
///
/// # Errors
/// [`Error::Global`] and [`Error::Opcode`] for a pickle that is not plain data, [`Error::Limit`], [`Error::Memory`],
/// [`Error::Damaged`].
pub fn read<'a>(
    input: &mut Input<'a>,
    (allowed, others): (&[&'static [Global]], Others),
    limits: &ValueLimits,
    meter: &mut Meter,
) -> Result<Pickle<'a>, Error> {
    let mut machine = Machine {
        allowed,
        others,
        limits,
        meter,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let mut opcodes = 0;
    loop {
        opcodes += 1;
        limits.check_opcodes(opcodes)?;
        machine.meter.charge_steps(1)?;
        let code = input.u8()?;
        if code == opcode::STOP {
            break;
        }
        machine.step(code, input)?;
    }
    let root = machine.pop()?;
    Ok(Pickle { values: machine.values, root, limits: limits.clone() })
}

struct Machine<'a, 'l> {
    allowed: &'l [&'static [Global]],
    others: Others,
    limits: &'l ValueLimits,
    meter: &'l mut Meter,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Stack heights at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a, '_> {
    fn step(&mut self, code: u8, input: &mut Input<'a>) -> Result<(), Error> {
        match code {
            opcode::PROTO => protocol(input.u8()?),
            // A frame only says how far a reader may read ahead.
            opcode::FRAME => Ok(input.u64().map(drop)?),

            opcode::NONE => self.push(Value::None),
            opcode::NEWTRUE => self.push(Value::Bool(true)),
            opcode::NEWFALSE => self.push(Value::Bool(false)),
            opcode::BININT => self.push(Value::Int(i32::from_le_bytes(input.array()?).into())),
            opcode::BININT1 => self.push(Value::Int(input.u8()?.into())),
            opcode::BININT2 => self.push(Value::Int(input.u16()?.into())),
            opcode::LONG1 => self.long(u64::from(input.u8()?), input),
            opcode::LONG4 => self.long(u64::from(input.u32()?), input),
            opcode::BINFLOAT => self.push(Value::Float(f64::from_be_bytes(input.array()?))),

            opcode::SHORT_BINUNICODE => self.text(u64::from(input.u8()?), input),
            opcode::BINUNICODE => self.text(u64::from(input.u32()?), input),
            opcode::BINUNICODE8 => self.text(input.u64()?, input),
            opcode::SHORT_BINBYTES => self.bytes(u64::from(input.u8()?), input),
            opcode::BINBYTES => self.bytes(u64::from(input.u32()?), input),
            // Protocol 5 distinguishes mutable bytes.
            opcode::BINBYTES8 | opcode::BYTEARRAY8 => self.bytes(input.u64()?, input),
            opcode::SHORT_BINSTRING => self.old_string(u64::from(input.u8()?), input),
            opcode::BINSTRING => self.old_string(u64::from(input.u32()?), input),

            opcode::MARK => {
                self.marks.push(self.stack.len());
                Ok(self.limits.check_nesting(self.marks.len() as u64)?)
            }
            opcode::POP => self.pop().map(drop),
            opcode::POP_MARK => {
                let mark = self.pop_mark()?;
                self.stack.truncate(mark);
                Ok(())
            }
            opcode::DUP => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }

            opcode::EMPTY_TUPLE => self.push(Value::Tuple(Vec::new())),
            opcode::TUPLE1 => self.tuple(1),
            opcode::TUPLE2 => self.tuple(2),
            opcode::TUPLE3 => self.tuple(3),
            opcode::TUPLE => self.push_from_mark(Value::Tuple),
            opcode::EMPTY_LIST => self.push(Value::List(Vec::new())),
            opcode::APPEND => {
                let item = self.pop()?;
                self.extend(opcode::APPEND, &[item])
            }
            opcode::EMPTY_SET => self.push(Value::Set(Vec::new())),
            opcode::FROZENSET => self.push_from_mark(Value::FrozenSet),
            opcode::APPENDS | opcode::ADDITEMS => {
                let items = self.pop_to_mark()?;
                self.extend(code, &items)
            }
            opcode::EMPTY_DICT => self.push(Value::Dict(Vec::new())),
            opcode::SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.extend_dict(&[key, value])
            }
            opcode::SETITEMS => {
                let items = self.pop_to_mark()?;
                self.extend_dict(&items)
            }

            opcode::BINPUT => self.put(u32::from(input.u8()?)),
            opcode::LONG_BINPUT => self.put(input.u32()?),
            opcode::MEMOIZE => self.put(self.memo.len() as u32),
            opcode::BINGET => self.recall(u32::from(input.u8()?)),
            opcode::LONG_BINGET => self.recall(input.u32()?),

            opcode::GLOBAL => {
                let (module, name) = (input.line()?, input.line()?);
                self.global(module, name)
            }
            opcode::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.value(module), self.value(name)) {
                    (&Value::Str(module), &Value::Str(name)) => self.global(module.as_bytes(), name.as_bytes()),
                    (Value::Str(_), name) => Err(unexpected("a global's name", "a string", name)),
                    (module, _) => Err(unexpected("a global's module", "a string", module)),
                }
            }
            opcode::BINPERSID => {
                let key = self.pop()?;
                self.push(Value::Persistent(key))
            }
            opcode::REDUCE => {
                let (args, called) = (self.pop()?, self.pop()?);
                self.reduce(called, args)
            }
            opcode::NEWOBJ => {
                let (args, class) = (self.pop()?, self.pop()?);
                self.new_object(code, class, args)
            }
            opcode::NEWOBJ_EX => {
                let (_keywords, args, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.new_object(code, class, args)
            }
            opcode::BUILD => self.build(),
            other => Err(refuse(other, "it is not among those that build plain data")),
        }
    }

    fn value(&self, id: Id) -> &Value<'a> {
        &self.values[id.0 as usize]
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), Error> {
        let id = self.keep(value)?;
        self.stack.push(id);
        Ok(())
    }

    /// A new value that is not on the stack.
    fn keep(&mut self, value: Value<'a>) -> Result<Id, Error> {
        self.meter.charge::<Value<'_>>(1)?;
        // The number of opcodes is limited far below 2^32, and each makes at most three values.
        let id = Id(self.values.len() as u32);
        self.values.push(value);
        Ok(id)
    }

    /// The top value above the innermost mark; values below the mark are inaccessible.
    fn top(&self) -> Result<Id, Error> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack.get(floor..).and_then(<[Id]>::last).copied().ok_or_else(empty)
    }

    fn pop(&mut self) -> Result<Id, Error> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Result<usize, Error> {
        self.marks.pop().ok_or_else(|| Error::damaged("the pickle lacks a mark that an opcode needs"))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Error> {
        let mark = self.pop_mark()?;
        let items = self.stack.get(mark..).unwrap_or_default();
        let mut popped = self.meter.list(items.len())?;
        popped.extend_from_slice(items);
        self.stack.truncate(mark);
        Ok(popped)
    }

    fn push_from_mark(&mut self, make: fn(Vec<Id>) -> Value<'a>) -> Result<(), Error> {
        let items = self.pop_to_mark()?;
        self.push(make(items))
    }

    fn tuple(&mut self, length: usize) -> Result<(), Error> {
        let mut items = self.meter.list(length)?;
        for _ in 0..length {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Value::Tuple(items))
    }

    fn extend(&mut self, code: u8, items: &[Id]) -> Result<(), Error> {
        let container = self.top()?;
        // A growing vector reserves twice its length.
        self.meter.charge::<Id>(2 * items.len())?;
        match &mut self.values[container.0 as usize] {
            Value::List(list) if code != opcode::ADDITEMS => list.extend_from_slice(items),
            Value::Set(set) if code == opcode::ADDITEMS => set.extend_from_slice(items),
            Value::Opaque { .. } => {}
            other => return Err(unexpected("the target of appended items", "a list or a set", other)),
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Id]) -> Result<(), Error> {
        let dict = self.top()?;
        let (pairs, []) = items.as_chunks::<2>() else {
            return Err(Error::damaged("the pickle has a key without a value"));
        };
        self.meter.charge::<(Id, Id)>(2 * pairs.len())?;
        match &mut self.values[dict.0 as usize] {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            Value::Opaque { .. } => {}
            other => return Err(unexpected("the target of a key", "a dictionary", other)),
        }
        Ok(())
    }

    fn string(&self, length: u64, input: &mut Input<'a>) -> Result<&'a [u8], Error> {
        self.limits.check_string(length)?;
        Ok(input.take(length)?)
    }

    fn text(&mut self, length: u64, input: &mut Input<'a>) -> Result<(), Error> {
        let text = str::from_utf8(self.string(length, input)?);
        self.push(Value::Str(text.map_err(|_| Error::damaged("a string of the pickle is not UTF-8"))?))
    }

    fn bytes(&mut self, length: u64, input: &mut Input<'a>) -> Result<(), Error> {
        let bytes = self.string(length, input)?;
        self.push(Value::Bytes(bytes))
    }

    /// A Python 2 string: text or bytes.
    fn old_string(&mut self, length: u64, input: &mut Input<'a>) -> Result<(), Error> {
        let bytes = self.string(length, input)?;
        self.push(str::from_utf8(bytes).map_or(Value::Bytes(bytes), Value::Str))
    }

    /// A signed integer in two's complement, little-endian.
    fn long(&mut self, length: u64, input: &mut Input<'a>) -> Result<(), Error> {
        let bytes = self.string(length, input)?;
        let negative = bytes.last().is_some_and(|&byte| byte & 0x80 != 0);
        let mut extended = [if negative { 0xff } else { 0 }; 16];
        match extended.get_mut(..bytes.len()) {
            Some(low) => low.copy_from_slice(bytes),
            None => return self.push(Value::LargeInt(bytes)),
        }
        self.push(Value::Int(i128::from_le_bytes(extended)))
    }

    fn put(&mut self, key: u32) -> Result<(), Error> {
        let top = self.top()?;
        self.meter.charge::<(u32, Id)>(2)?;
        self.memo.insert(key, top);
        Ok(self.limits.check_memo(self.memo.len() as u64)?)
    }

    fn recall(&mut self, key: u32) -> Result<(), Error> {
        let found = self.memo.get(&key);
        let id = *found.ok_or_else(|| Error::damaged(format!("the pickle's memo has no entry {key}")))?;
        self.stack.push(id);
        Ok(())
    }
}

fn protocol(found: u8) -> Result<(), Error> {
    if found <= HIGHEST_PROTOCOL {
        return Ok(());
    }
    Err(Error::damaged(format!("the pickle has protocol {found}, expected at most {HIGHEST_PROTOCOL}")))
}

fn refuse(code: u8, why: &str) -> Error {
    Error::Opcode { name: opcode::name(code), code, why: why.into() }
}

fn empty() -> Error {
    Error::damaged("the pickle's stack lacks a value that an opcode needs")
}
