//! The stack machine: one pass over the opcodes, each of which is a step.

use std::collections::BTreeMap;

use crate::{Error, Global, Id, Input, Limits, ORDERED_DICT, Pickle, Value, opcode, printable, unexpected};

/// The highest protocol whose opcodes are known.
const HIGHEST_PROTOCOL: u8 = 5;

/// Reads one pickle and leaves `input` behind its end. It may mention the globals of `allowed` and no others.
///
/// # Errors
/// [`Error::Global`] and [`Error::Opcode`] for what is not plain data, [`Error::Limit`], [`Error::Damaged`].
pub fn read<'a>(input: &mut Input<'a>, allowed: &[&'static [Global]], limits: &Limits) -> Result<Pickle<'a>, Error> {
    let mut machine =
        Machine { allowed, limits, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: BTreeMap::new() };
    let mut steps = 0;
    loop {
        steps += 1;
        limits.check_steps(steps)?;
        let code = input.u8()?;
        if code == opcode::STOP {
            break;
        }
        machine.step(code, input)?;
    }
    let root = machine.pop()?;
    Ok(Pickle { values: machine.values, root })
}

struct Machine<'a, 'l> {
    allowed: &'l [&'static [Global]],
    limits: &'l Limits,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks that are open.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Id>,
}

impl<'a> Machine<'a, '_> {
    fn step(&mut self, code: u8, input: &mut Input<'a>) -> Result<(), Error> {
        match code {
            opcode::PROTO => protocol(input.u8()?)?,
            // A frame only says how far a reader may read ahead.
            opcode::FRAME => {
                input.u64()?;
            }

            opcode::NONE => self.push(Value::None),
            opcode::NEWTRUE => self.push(Value::Bool(true)),
            opcode::NEWFALSE => self.push(Value::Bool(false)),
            opcode::BININT => self.push(Value::Int(i32::from_le_bytes(input.array()?).into())),
            opcode::BININT1 => self.push(Value::Int(input.u8()?.into())),
            opcode::BININT2 => self.push(Value::Int(input.u16()?.into())),
            opcode::LONG1 => {
                let length = input.u8()?;
                let value = long(input.take(length.into())?)?;
                self.push(Value::Int(value));
            }
            opcode::BINFLOAT => self.push(Value::Float(f64::from_be_bytes(input.array()?))),

            opcode::SHORT_BINUNICODE => self.text(u64::from(input.u8()?), input)?,
            opcode::BINUNICODE => self.text(u64::from(input.u32()?), input)?,
            opcode::BINUNICODE8 => self.text(input.u64()?, input)?,
            opcode::SHORT_BINBYTES => self.bytes(u64::from(input.u8()?), input)?,
            opcode::BINBYTES => self.bytes(u64::from(input.u32()?), input)?,
            // Protocol 5 keeps apart the bytes that Python may change.
            opcode::BINBYTES8 | opcode::BYTEARRAY8 => self.bytes(input.u64()?, input)?,
            opcode::SHORT_BINSTRING => self.old_string(u64::from(input.u8()?), input)?,
            opcode::BINSTRING => self.old_string(u64::from(input.u32()?), input)?,

            opcode::MARK => {
                self.marks.push(self.stack.len());
                self.limits.check_nesting(self.marks.len() as u64)?;
            }
            opcode::POP => {
                self.pop()?;
            }
            opcode::POP_MARK => drop(self.pop_to_mark()?),
            opcode::DUP => {
                let top = self.top()?;
                self.stack.push(top);
            }

            opcode::EMPTY_TUPLE => self.push(Value::Tuple(Vec::new())),
            opcode::TUPLE1 => self.tuple(1)?,
            opcode::TUPLE2 => self.tuple(2)?,
            opcode::TUPLE3 => self.tuple(3)?,
            opcode::TUPLE => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items));
            }
            opcode::EMPTY_LIST => self.push(Value::List(Vec::new())),
            opcode::APPEND => {
                let item = self.pop()?;
                self.extend_list(vec![item])?;
            }
            opcode::APPENDS => {
                let items = self.pop_to_mark()?;
                self.extend_list(items)?;
            }
            opcode::EMPTY_DICT => self.push(Value::Dict(Vec::new())),
            opcode::SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.extend_dict(&[key, value])?;
            }
            opcode::SETITEMS => {
                let items = self.pop_to_mark()?;
                self.extend_dict(&items)?;
            }

            opcode::BINPUT => self.put(u32::from(input.u8()?))?,
            opcode::LONG_BINPUT => self.put(input.u32()?)?,
            opcode::MEMOIZE => self.put(self.memo.len() as u32)?,
            opcode::BINGET => self.remember(u32::from(input.u8()?))?,
            opcode::LONG_BINGET => self.remember(input.u32()?)?,

            opcode::GLOBAL => {
                let (module, name) = (input.line()?, input.line()?);
                self.global(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name))?;
            }
            opcode::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.value(module), self.value(name)) {
                    (&Value::Str(module), &Value::Str(name)) => self.global(module, name)?,
                    (module, _) => return Err(unexpected("a global's module", "a string", module)),
                }
            }
            opcode::BINPERSID => {
                let key = self.pop()?;
                self.push(Value::Persistent(key));
            }
            opcode::REDUCE => self.reduce()?,
            opcode::BUILD => self.build()?,
            other => return Err(refuse(other, "it is not among those that build plain data")),
        }
        Ok(())
    }

    fn value(&self, id: Id) -> &Value<'a> {
        &self.values[id.0 as usize]
    }

    fn push(&mut self, value: Value<'a>) {
        // The steps are limited far below 2^32, and a step pushes one value.
        let id = Id(self.values.len() as u32);
        self.values.push(value);
        self.stack.push(id);
    }

    /// The values above the innermost mark are out of reach of what stands below it.
    fn top(&self) -> Result<Id, Error> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack.get(floor..).and_then(<[Id]>::last).copied().ok_or_else(empty)
    }

    fn pop(&mut self) -> Result<Id, Error> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Error> {
        let mark = self.marks.pop().ok_or_else(|| Error::damaged("the pickle has no mark where it needs one"))?;
        Ok(self.stack.split_off(mark))
    }

    fn tuple(&mut self, length: usize) -> Result<(), Error> {
        let mut items = (0..length).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        self.push(Value::Tuple(items));
        Ok(())
    }

    fn extend_list(&mut self, items: Vec<Id>) -> Result<(), Error> {
        let list = self.top()?;
        match &mut self.values[list.0 as usize] {
            Value::List(list) => list.extend(items),
            other => return Err(unexpected("what is appended to", "a list", other)),
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Id]) -> Result<(), Error> {
        let dict = self.top()?;
        let (pairs, []) = items.as_chunks::<2>() else {
            return Err(Error::damaged("the pickle has a key without a value"));
        };
        match &mut self.values[dict.0 as usize] {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            other => return Err(unexpected("what a key is set in", "a dictionary", other)),
        }
        Ok(())
    }

    fn string(&self, length: u64, input: &mut Input<'a>) -> Result<&'a [u8], Error> {
        self.limits.check_string(length)?;
        input.take(length)
    }

    fn text(&mut self, length: u64, input: &mut Input<'a>) -> Result<(), Error> {
        let text = str::from_utf8(self.string(length, input)?);
        self.push(Value::Str(text.map_err(|_| Error::damaged("a string of the pickle is not UTF-8"))?));
        Ok(())
    }

    fn bytes(&mut self, length: u64, input: &mut Input<'a>) -> Result<(), Error> {
        let bytes = self.string(length, input)?;
        self.push(Value::Bytes(bytes));
        Ok(())
    }

    /// A string of Python 2, which is text or bytes.
    fn old_string(&mut self, length: u64, input: &mut Input<'a>) -> Result<(), Error> {
        let bytes = self.string(length, input)?;
        self.push(str::from_utf8(bytes).map_or(Value::Bytes(bytes), Value::Str));
        Ok(())
    }

    fn put(&mut self, key: u32) -> Result<(), Error> {
        let top = self.top()?;
        self.memo.insert(key, top);
        self.limits.check_memo(self.memo.len() as u64)
    }

    fn remember(&mut self, key: u32) -> Result<(), Error> {
        let found = self.memo.get(&key);
        let id = *found.ok_or_else(|| Error::damaged(format!("the pickle's memo has no entry {key}")))?;
        self.stack.push(id);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), Error> {
        let known = self.allowed.iter().copied().flatten().find(|known| known.module == module && known.name == name);
        let known = known.ok_or_else(|| Error::Global { name: printable(&format!("{module}.{name}")) })?;
        self.push(Value::Global(known));
        Ok(())
    }

    /// `REDUCE`: a call becomes data.
    fn reduce(&mut self) -> Result<(), Error> {
        let (args, called) = (self.pop()?, self.pop()?);
        let global = match self.value(called) {
            Value::Global(global) => *global,
            other => return Err(refuse(opcode::REDUCE, &format!("it calls {}", other.kind()))),
        };
        let no_arguments = match self.value(args) {
            Value::Tuple(items) => items.is_empty(),
            other => return Err(unexpected("the arguments of a call", "a tuple", other)),
        };
        self.push(match global {
            global if *global == ORDERED_DICT && no_arguments => Value::Dict(Vec::new()),
            global => Value::Call { global, args, state: None },
        });
        Ok(())
    }

    /// `BUILD`: the state of an object is kept; a dictionary's attributes (torch's `_metadata`) have no use here.
    fn build(&mut self) -> Result<(), Error> {
        let given = self.pop()?;
        let object = self.top()?;
        match &mut self.values[object.0 as usize] {
            Value::Call { state, .. } => *state = Some(given),
            Value::Dict(_) => {}
            other => {
                let kind = other.kind();
                return Err(refuse(opcode::BUILD, &format!("it gives state to {kind}")));
            }
        }
        Ok(())
    }
}

fn protocol(found: u8) -> Result<(), Error> {
    if found <= HIGHEST_PROTOCOL {
        return Ok(());
    }
    Err(Error::damaged(format!("the pickle has protocol {found}, expected at most {HIGHEST_PROTOCOL}")))
}

/// A whole number in two's complement, little-endian, of up to 16 bytes.
fn long(bytes: &[u8]) -> Result<i128, Error> {
    let negative = bytes.last().is_some_and(|&byte| byte & 0x80 != 0);
    let mut extended = [if negative { 0xff } else { 0 }; 16];
    let low = extended.get_mut(..bytes.len());
    let low = low.ok_or_else(|| Error::damaged(format!("an int of the pickle has {} bytes", bytes.len())))?;
    low.copy_from_slice(bytes);
    Ok(i128::from_le_bytes(extended))
}

fn refuse(code: u8, why: &str) -> Error {
    Error::Opcode { name: opcode::name(code), code, why: why.into() }
}

fn empty() -> Error {
    Error::damaged("the pickle's stack is empty where it needs a value")
}
