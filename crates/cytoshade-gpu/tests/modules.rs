//! No two modules of the crate import each other, except parents and their children.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module's path in the crate.
type Module = Vec<String>;

/// The modules that each module imports.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Collects the sources of the modules in a folder, without comments and tests.
fn sources(folder: &Path, path: &Module, found: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(folder).expect("the folder of a module").flatten() {
        let (file, mut module) = (entry.path(), path.clone());
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        if file.is_dir() {
            module.push(name);
            sources(&file, &module, found);
            continue;
        }
        if name != "mod" && name != "lib" {
            module.push(name);
        }
        let text = std::fs::read_to_string(&file).expect("a source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        found.insert(module, code.join("\n"));
    }
}

/// Reads the modules that each module imports, without its ancestors and descendants.
fn imports(sources: &BTreeMap<Module, String>) -> Imports {
    let mut imports = Imports::new();
    for (module, code) in sources.iter().filter(|(module, _)| !module.is_empty()) {
        let mut named = BTreeSet::new();
        for (at, root) in code.match_indices("crate::").chain(code.match_indices("super::")) {
            let path = &code[at..];
            let end = path.find(|c: char| c != ':' && c != '_' && !c.is_alphanumeric()).unwrap_or(path.len());
            let mut target = if root == "crate::" { Module::new() } else { module[..module.len() - 1].to_vec() };
            for name in path[..end].split("::").skip(1).filter(|name| !name.is_empty()) {
                if name == "super" {
                    target.pop();
                } else {
                    target.push(name.into());
                }
            }
            while !sources.contains_key(&target) {
                target.pop();
            }
            let related = module.starts_with(&target) || target.starts_with(module);
            if !related {
                named.insert(target);
            }
        }
        imports.insert(module.clone(), named);
    }
    imports
}

/// The modules in or above cycles: those left after modules that import nothing are removed.
fn in_cycles(mut imports: Imports) -> Vec<String> {
    loop {
        let free = imports.iter().filter(|(_, named)| named.is_empty()).map(|(module, _)| module.clone());
        let free: Vec<Module> = free.collect();
        if free.is_empty() {
            return imports.into_keys().map(|module| module.join("::")).collect();
        }
        for module in free {
            imports.remove(&module);
            for named in imports.values_mut() {
                named.remove(&module);
            }
        }
    }
}

/// The imports between top-level modules.
fn top_level(imports: &Imports) -> Imports {
    let mut top = Imports::new();
    for (module, named) in imports {
        let others = named.iter().map(|other| other[..1].to_vec()).filter(|other| *other != module[..1]);
        top.entry(module[..1].to_vec()).or_default().extend(others);
    }
    top
}

#[test]
fn no_modules_import_each_other() {
    let mut found = BTreeMap::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &Module::new(), &mut found);
    let imports = imports(&found);
    assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 100, "the test reads no imports");
    assert_eq!(in_cycles(top_level(&imports)), [] as [String; 0], "top-level modules");
    assert_eq!(in_cycles(imports), [] as [String; 0], "modules");
}

/// Twin of the above.
#[test]
fn a_cycle_is_found() {
    let module = |path: &str| path.split("::").map(String::from).collect::<Module>();
    let with = |last: &str| {
        imports(&BTreeMap::from([
            (Module::new(), String::new()),
            (module("a"), "mod b;\nuse b::B;".into()),
            (module("a::b"), "use super::A;\nuse crate::c::{C, D};".into()),
            (module("c"), "fn c() -> crate::d::e::E {}".into()),
            (module("d"), String::new()),
            (module("d::e"), last.into()),
        ]))
    };
    assert_eq!(in_cycles(with("use super::D;")), [] as [String; 0]);
    assert_eq!(in_cycles(with("use super::super::a::b::B;")), ["a::b", "c", "d::e"]);
    assert_eq!(in_cycles(top_level(&with("use crate::a::A;"))), ["a", "c", "d"]);
}
