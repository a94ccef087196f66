//! Names, calls and objects, kept as data.

use cytoshade_safe_io::printable;

use super::{Machine, refuse};
use crate::globals::{NAMESPACES, is_attack};
use crate::{Error, Global, Id, Others, Value, opcode, unexpected};

impl<'a> Machine<'a, '_> {
    pub(super) fn global(&mut self, module: &'a [u8], name: &'a [u8]) -> Result<(), Error> {
        let is = |known: &&Global| known.module.as_bytes() == module && known.name.as_bytes() == name;
        if let Some(known) = self.allowed.iter().copied().flatten().find(is) {
            return self.push(Value::Global(known));
        }
        if self.others == Others::Refuse || is_attack(module, name) {
            return Err(Error::Global { name: printable([module, b".", name].concat()) });
        }
        let (module, name) = (self.keep(Value::Bytes(module))?, self.keep(Value::Bytes(name))?);
        self.push(Value::Opaque { module, name })
    }

    /// `REDUCE`: keeps a call as data.
    pub(super) fn reduce(&mut self, called: Id, args: Id) -> Result<(), Error> {
        let Value::Tuple(items) = self.value(args) else {
            return Err(unexpected("the arguments of a call", "a tuple", self.value(args)));
        };
        let global = match *self.value(called) {
            Value::Global(global) => global,
            Value::Opaque { module, name } => return self.push(Value::Opaque { module, name }),
            ref other => return Err(refuse(opcode::REDUCE, &format!("it calls {}", other.kind()))),
        };
        let first = items.first().copied();
        match (global.name, first) {
            ("OrderedDict", None) | ("defaultdict", _) => self.push(Value::Dict(Vec::new())),
            // Python 2's form: a list of pairs.
            ("OrderedDict", Some(list)) => self.ordered_dict(list),
            ("set" | "frozenset", list) => {
                let items = match list {
                    Some(list) => self.copy_items(list)?,
                    None => Vec::new(),
                };
                self.push(if global.name == "set" { Value::Set(items) } else { Value::FrozenSet(items) })
            }
            _ => self.push(Value::Call { global, args, state: None }),
        }
    }

    fn ordered_dict(&mut self, list: Id) -> Result<(), Error> {
        let items = self.copy_items(list)?;
        let mut pairs = self.meter.list(items.len())?;
        for item in items {
            match self.value(item) {
                Value::List(pair) | Value::Tuple(pair) if pair.len() == 2 => pairs.push((pair[0], pair[1])),
                other => return Err(unexpected("an entry of an OrderedDict", "a pair", other)),
            }
        }
        self.push(Value::Dict(pairs))
    }

    /// Copies the items of a list or tuple: several values can share one list.
    fn copy_items(&mut self, list: Id) -> Result<Vec<Id>, Error> {
        match &self.values[list.0 as usize] {
            Value::List(items) | Value::Tuple(items) => {
                let mut copy = self.meter.list(items.len())?;
                self.meter.charge_scan(size_of_val(&items[..]))?;
                copy.extend_from_slice(items);
                Ok(copy)
            }
            other => Err(unexpected("the content of a container", "a list", other)),
        }
    }

    /// `NEWOBJ`: an object made without calling its class. Kept as data if it is a namespace.
    pub(super) fn new_object(&mut self, code: u8, class: Id, args: Id) -> Result<(), Error> {
        match *self.value(class) {
            Value::Global(global) if NAMESPACES.contains(global) => {
                self.push(Value::Call { global, args, state: None })
            }
            Value::Opaque { module, name } => self.push(Value::Opaque { module, name }),
            _ => Err(refuse(code, "it makes an object that is not plain data")),
        }
    }

    /// `BUILD`: keeps the state of an object. Attributes of a dictionary (torch's `_metadata`) are dropped.
    pub(super) fn build(&mut self) -> Result<(), Error> {
        let given = self.pop()?;
        let object = self.top()?;
        match &mut self.values[object.0 as usize] {
            Value::Call { state, .. } => *state = Some(given),
            Value::Dict(_) | Value::Opaque { .. } => {}
            other => {
                let kind = other.kind();
                return Err(refuse(opcode::BUILD, &format!("it gives state to {kind}")));
            }
        }
        Ok(())
    }
}
