//! The content of a file of options. It is untrusted.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use cytoshade_safe_io::{Links, open, printable, printable_path, quoted, read_at_most};
use toml::de::{DeTable, DeValue};

use super::TABLES;
use crate::failure::Failure;
use crate::nearest::nearest;

/// Limit on the length of a file in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 16;

/// One line of a file.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: Value,
    /// From 1.
    pub(super) line: usize,
}

/// The value of a key.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Value>),
}

/// The settings of a command in a file.
///
/// # Errors
/// Fails if the file cannot be read or is not TOML, or has a table of no command.
pub(super) fn read(path: &Path, is_named: bool, command: &str) -> Result<Vec<Setting>, Failure> {
    let text = text(path, is_named).map_err(|error| Failure::at(path, error))?;
    let at = |span: Range<usize>, message: String| {
        Failure::usage(format!("{}:{}: {message}", printable_path(path), line(&text, &span)))
    };
    let tables = DeTable::parse(&text)
        .map_err(|error| at(error.span().unwrap_or_default(), printable(error.message()).to_string()))?;
    let mut settings = Vec::new();
    for (name, table) in tables.get_ref() {
        if !TABLES.contains(&name.get_ref().as_ref()) {
            let names = TABLES.map(|name| format!("[{name}]")).join(" and ");
            let message = match table.get_ref() {
                DeValue::Table(_) => {
                    format!("unknown table [{}]; the tables are {names}", printable(name.get_ref().as_ref()))
                }
                _ => format!("{} is in no table; options belong in {names}", printable(name.get_ref().as_ref())),
            };
            return Err(at(name.span(), message));
        }
        let DeValue::Table(table) = table.get_ref() else {
            return Err(at(name.span(), format!("{0} is no table; write [{0}]", name.get_ref())));
        };
        for (key, value) in table.iter().filter(|_| name.get_ref() == command) {
            let value = convert(value.get_ref()).map_err(|message| at(value.span(), message))?;
            settings.push(Setting { key: key.get_ref().to_string(), value, line: line(&text, &key.span()) });
        }
    }
    settings.sort_by_key(|setting| setting.line);
    Ok(settings)
}

/// The line of a part of a text, from 1.
fn line(text: &str, span: &Range<usize>) -> usize {
    text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
}

/// Reads a file. Nobody named one that was found, so it may not be a link.
fn text(path: &Path, is_named: bool) -> Result<String, String> {
    let links = if is_named { Links::Follow } else { Links::Refuse };
    let file = open(path, links).map_err(|error| format!("cannot read the options: {error}"))?;
    let bytes = read_at_most(file, MAX_CONFIG_BYTES).map_err(|error| format!("cannot read the options: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "expected options in TOML, found text that is not UTF-8".into())
}

fn convert(value: &DeValue<'_>) -> Result<Value, String> {
    Ok(match value {
        DeValue::Boolean(value) => Value::Flag(*value),
        DeValue::String(value) => Value::Text(value.to_string()),
        DeValue::Integer(value) if value.radix() == 10 => Value::Number(value.as_str().to_owned()),
        DeValue::Float(value) => Value::Number(value.as_str().to_owned()),
        DeValue::Array(values) => {
            Value::List(values.iter().map(|value| convert(value.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Integer(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
            return Err("expected true, false, a decimal number, a string in quotes, or a list of these".into());
        }
    })
}

/// The option of a key: a long option of the command that its help lists.
///
/// # Errors
/// Names the nearest key.
pub(super) fn option<'c>(command: &'c Command, key: &str) -> Result<&'c Arg, String> {
    let has_alias = |arg: &Arg| arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&key));
    if let Some((_, arg)) = keys(command).find(|(name, arg)| *name == key || has_alias(arg)) {
        return Ok(arg);
    }
    let advice = match nearest(&key.replace('_', "-"), keys(command).map(|(name, _)| name)) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("`cytoshade config show {}` lists the keys", command.get_name()),
    };
    Err(format!("unknown key {} of [{}]; {advice}", quoted(key), command.get_name()))
}

/// The keys of a command, with their options.
pub(super) fn keys(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let is_key = |arg: &&Arg| !arg.is_hide_set() && !["help", "config", "no_config"].contains(&arg.get_id().as_str());
    command.get_arguments().filter(is_key).filter_map(|arg| Some((arg.get_long()?, arg)))
}

/// The words that set an option to a value.
///
/// A value is joined to its option by `=`, and values that are words of their own are numbers, so that no value of a
/// file becomes another option.
///
/// # Errors
/// States the expected type.
pub(super) fn words(arg: &Arg, key: &str, value: &Value) -> Result<Vec<OsString>, String> {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return match value {
            Value::Flag(true) => Ok(vec![format!("--{key}").into()]),
            Value::Flag(false) => Ok(Vec::new()),
            _ => Err(format!("{key} expects true or false")),
        };
    }
    let several = arg.get_num_args().map_or(1, |range| range.min_values());
    let is_repeated = matches!(arg.get_action(), ArgAction::Append);
    match value {
        Value::List(lists) if several > 1 && lists.iter().all(|list| matches!(list, Value::List(_))) => {
            let lists = lists.iter().map(|list| words(arg, key, list));
            Ok(lists.collect::<Result<Vec<_>, _>>()?.concat())
        }
        Value::List(values) if several > 1 && several == values.len() => {
            let numbers = values.iter().map(|value| match value {
                Value::Number(number) => Ok(number.into()),
                _ => Err(format!("{key} expects {several} numbers")),
            });
            [Ok(format!("--{key}").into())].into_iter().chain(numbers).collect()
        }
        _ if several > 1 => Err(format!("{key} expects a list of {several} numbers")),
        Value::List(values) if is_repeated => {
            Ok(values.iter().map(|value| words(arg, key, value)).collect::<Result<Vec<_>, _>>()?.concat())
        }
        Value::Number(text) | Value::Text(text) => Ok(vec![format!("--{key}={text}").into()]),
        Value::Flag(_) | Value::List(_) => Err(format!("{key} expects one value")),
    }
}
