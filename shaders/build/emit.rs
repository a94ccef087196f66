//! Writes shaders as Rust.

use std::collections::BTreeMap;
use std::fmt::Write;

use naga::Literal;

use crate::reflect::Interface;
use crate::table::{Row, Typed};

/// A shader, its interface, and the comment at the start of its file.
pub(crate) struct Entry<'a> {
    pub(crate) row: &'a Row,
    pub(crate) interface: Interface,
    pub(crate) comment: Vec<String>,
}

/// Writes a static per shader, a module with the constants of its source, and the list of all shaders.
pub(crate) fn rust(entries: &[Entry<'_>]) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    for entry in entries {
        shader(&mut out, entry)?;
        constants(&mut out, entry)?;
    }
    overrides(&mut out, entries)?;
    writeln!(out, "/// Every shader of this build.\npub static ALL: [&Shader; {}] = [", entries.len())?;
    for entry in entries {
        writeln!(out, "    &{},", item(entry.row))?;
    }
    writeln!(out, "];")?;
    Ok(out)
}

/// The name of a shader's static.
fn item(row: &Row) -> String {
    row.name.to_uppercase()
}

fn shader(out: &mut String, Entry { row, interface, comment }: &Entry<'_>) -> std::fmt::Result {
    for line in comment {
        writeln!(out, "/// {}", markdown(line))?;
    }
    writeln!(out, "pub static {}: Shader = Shader {{", item(row))?;
    writeln!(out, "    name: {:?},", row.name)?;
    writeln!(out, "    pieces: &[")?;
    for piece in row.pieces() {
        writeln!(out, "        include_str!(concat!(env!(\"OUT_DIR\"), \"/wgsl/{piece}.wgsl\")),")?;
    }
    writeln!(out, "    ],")?;
    writeln!(out, "    needs: Needs::{:?},", row.needs)?;
    writeln!(out, "    activation_typed: {},", row.typed == Typed::Activations)?;
    writeln!(out, "    entry: {:?},", interface.entry)?;
    writeln!(out, "    workgroup: {:?},", interface.workgroup)?;
    writeln!(out, "    params: &{:?},", interface.params)?;
    writeln!(out, "    storage: &[")?;
    for (name, write) in &interface.storage {
        writeln!(out, "        Storage {{ name: {name:?}, write: {write} }},")?;
    }
    writeln!(out, "    ],")?;
    writeln!(out, "    overrides: &{:?},", interface.overrides)?;
    writeln!(out, "}};\n")
}

/// The `const`s usable by a host: whole numbers and f32.
fn constants(out: &mut String, Entry { row, interface, .. }: &Entry<'_>) -> std::fmt::Result {
    if interface.constants.is_empty() {
        return Ok(());
    }
    writeln!(out, "/// The constants in the source of [`{}`].", item(row))?;
    writeln!(out, "#[allow(missing_docs)] // The source describes them.")?;
    writeln!(out, "pub mod {} {{", row.name)?;
    for (name, value) in &interface.constants {
        match value {
            Literal::U32(value) => writeln!(out, "    pub const {name}: u32 = {value};")?,
            Literal::I32(value) => writeln!(out, "    pub const {name}: i32 = {value};")?,
            Literal::F32(value) => writeln!(out, "    pub const {name}: f32 = {value:?};")?,
            _ => {}
        }
    }
    writeln!(out, "}}\n")
}

/// The names of the overrides, each with the shaders that have it.
fn overrides(out: &mut String, entries: &[Entry<'_>]) -> std::fmt::Result {
    let mut owners: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for entry in entries {
        for name in &entry.interface.overrides {
            owners.entry(name).or_default().push(format!("[`{0}`](super::{0})", item(entry.row)));
        }
    }
    writeln!(out, "/// The names of the `override` constants.\npub mod overrides {{")?;
    for (name, owners) in owners {
        writeln!(out, "    /// An override of {}.\n    pub const {name}: &str = {name:?};", owners.join(", "))?;
    }
    writeln!(out, "}}\n")
}

/// A comment line as Markdown, with brackets escaped.
fn markdown(line: &str) -> String {
    line.replace('[', "\\[").replace(']', "\\]")
}
