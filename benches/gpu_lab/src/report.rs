//! Results of a device's compiler, as the child process sends them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The traits of a device that decide which pipelines it gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traits {
    /// The name of the adapter.
    pub name: String,
    /// The name and version of the driver.
    pub driver: String,
    /// The sizes of subgroups, ascending.
    pub subgroups: Vec<u32>,
    /// The sides of the square subgroup matrices that multiply f16 into f32.
    pub matrices: Vec<u32>,
}

impl Traits {
    /// Whether the product runs its kernels for few registers: `Capabilities::has_few_registers` of `cytoshade-gpu`.
    pub fn has_few_registers(&self) -> bool {
        let [smallest, largest] = [self.subgroups.first(), self.subgroups.last()];
        smallest.is_some_and(|&size| size <= 16) && largest.is_some_and(|&size| size <= 32)
    }
}

/// A program that a compiler made of a pipeline. Intel's makes several, one for each width of a subgroup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Executable {
    /// The driver's name of the program.
    pub name: String,
    /// The size of its subgroups; 0 if unknown.
    pub subgroup: u32,
    /// The compiler's statistics, under its own names.
    pub statistics: BTreeMap<String, f64>,
    /// The instructions as text; empty if the driver offers none.
    pub assembly: String,
}

/// A line from the child process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// The device is open.
    Device(Traits),
    /// The pipeline is compiled.
    Compiled(Vec<Executable>),
    /// The driver refused the pipeline, or there is none of its name.
    Refused(String),
}

/// Precedes each message, to tell it from the compilers' own output.
const MARK: &str = "@gpu-lab ";

impl Message {
    /// The message as a line without its end.
    pub fn line(&self) -> String {
        // A message has no map with keys other than text, the only thing that JSON refuses.
        format!("{MARK}{}", serde_json::to_string(self).unwrap_or_default())
    }

    /// The message in a line; `None` for other output.
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line.strip_prefix(MARK)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_from_other_output() {
        let statistics = BTreeMap::from([("VGPRs".to_string(), 96.0)]);
        let executable = Executable { name: "cs\n".into(), subgroup: 32, statistics, assembly: "a\n\tb".into() };
        let message = Message::Compiled(vec![executable]);
        let line = message.line();
        assert!(!line.contains('\n'));
        assert_eq!(Message::read(&line), Some(message));
        assert_eq!(Message::read("shader: @gpu-lab"), None);
    }
}
