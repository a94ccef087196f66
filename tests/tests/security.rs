//! SECURITY.md is true: its numbers are those of the code, and its statements about the sources hold. `cargo xtask docs`
//! checks that its tests exist.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../SECURITY.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source under a folder, by its path from the repository's root.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// The sources of the product: `crates/*/src` and the shaders, without their tests.
fn product() -> BTreeMap<String, String> {
    let mut found = sources("crates");
    found.retain(|name, _| name.split('/').nth(2) == Some("src"));
    found.extend(sources("shaders/src"));
    for text in found.values_mut() {
        let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
        text.truncate(tests);
    }
    assert!(found.len() > 80);
    found
}

/// The rows of the page's tables, as cells.
fn rows() -> Vec<Vec<&'static str>> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").collect()).collect()
}

/// The code spans of a cell.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The fields and numbers in the `{:?}` form of a struct of numbers, durations and nested structs, which are left out.
fn fields(name: &str, shown: &str) -> BTreeMap<String, u64> {
    let (_, inner) = shown.split_once('{').unwrap();
    let mut found = BTreeMap::new();
    let mut depth = 0;
    for field in inner.trim_end_matches('}').split(',') {
        let within = depth > 0;
        depth += field.matches('{').count();
        depth -= field.matches('}').count();
        if !within && !field.contains('{') {
            let (field, value) = field.split_once(':').unwrap();
            found.insert(format!("{name}::{}", field.trim()), number(value));
        }
    }
    found
}

/// A number as the page and the code write it: `4096`, `1_000_000`, `2^30`, `1 << 30`, `30 s`, `30s`.
fn number(text: &str) -> u64 {
    let text = text.trim().trim_end_matches('s').trim().replace('_', "");
    let parse = |text: &str| text.trim().parse::<u64>().unwrap_or_else(|_| panic!("{text:?} is no number"));
    match (text.split_once('^'), text.split_once("<<")) {
        (Some((base, power)), _) => parse(base).pow(parse(power) as u32),
        (_, Some((base, shift))) => parse(base) << parse(shift),
        _ => parse(&text),
    }
}

#[cfg(target_pointer_width = "64")]
#[test]
fn every_default_is_the_one_in_the_code() {
    let mut code = fields("ReadLimits", &format!("{:?}", cytoshade_model::ReadLimits::default()));
    // If the system states its memory, half of it is the default.
    let limits = cytoshade_formats::Limits { decoded_bytes: 1 << 32, ..cytoshade_formats::Limits::default() };
    code.extend(fields("Limits", &format!("{limits:?}")));
    code.extend(fields("ValueLimits", &format!("{:?}", cytoshade_model::ValueLimits::default())));
    code.extend(fields("CostLimits", &format!("{:?}", cytoshade_model::CostLimits::default())));
    // Images have larger values than models.
    code.insert("Limits::values.string_bytes".into(), limits.values.string_bytes);
    code.insert("Limits::values.elements".into(), limits.values.elements);
    code.extend(fields("fetch::Limits", &format!("{:?}", cytoshade_fetch::Limits::default())));
    for text in product().values() {
        for line in text.lines() {
            let Some((name, value)) = line.split_once("const ").and_then(|(_, rest)| rest.split_once(": ")) else {
                continue;
            };
            let Some((_, value)) = value.split_once(" = ").filter(|_| name.starts_with("MAX_")) else { continue };
            let value = value.trim_end_matches(';');
            if value.chars().all(|c| matches!(c, '0'..='9' | '_' | '<' | ' ')) {
                let before = code.insert(name.into(), number(value));
                assert!(before.is_none_or(|before| before == number(value)), "{name} is two numbers");
            }
        }
    }
    let mut stated: Vec<String> = Vec::new();
    for row in rows().iter().filter(|row| row.len() == 3) {
        let Some(field) = quoted(row[0]).next() else { continue };
        let found = code.get(field).unwrap_or_else(|| panic!("the code has no {field}"));
        assert_eq!(number(row[1]), *found, "{field}");
        stated.push(field.into());
    }
    let missing: Vec<_> = code.keys().filter(|field| field.contains("::") && !stated.contains(field)).collect();
    assert!(missing.is_empty(), "the page lacks {missing:?}");
}

#[test]
fn the_number_of_hostile_files_is_current() {
    let files = include_str!("../hostile/INDEX.tsv").lines().count() - 1;
    let stated = PAGE.split("attack the readers: ").nth(1).and_then(|rest| rest.split(' ').next());
    let stated: usize = stated.unwrap().parse().unwrap();
    assert!((stated..stated + 50).contains(&files), "{files} hostile files, the page states {stated}");
}

/// `--isolate` starts the program itself, and nothing else starts a process.
#[test]
fn the_product_runs_no_other_programs() {
    let isolation = ["crates/cytoshade-cli/src/isolate.rs", "crates/cytoshade-safe-io/src/isolate/mod.rs"];
    let product = product();
    let starts = |text: &str| text.lines().any(|line| line.contains("process::") && line.contains("Command"));
    let starting: Vec<&str> = product.iter().filter(|(_, text)| starts(text)).map(|(name, _)| name.as_str()).collect();
    assert_eq!(starting, isolation);
    let commands: usize = product.values().map(|text| text.matches("Command::new(").count()).sum();
    assert_eq!(commands, 1);
}

#[test]
fn unsafe_is_where_the_page_says() {
    for (name, text) in product() {
        let is_root = ["lib.rs", "main.rs"].iter().any(|root| name.ends_with(&format!("src/{root}")));
        let gpu = ["open", "pipeline_cache"].map(|file| format!("crates/cytoshade-gpu/src/device/{file}.rs"));
        let huge_pages = name == "crates/cytoshade-safe-io/src/huge_pages.rs";
        let may = name.starts_with("crates/cytoshade-cpu/") || gpu.contains(&name) || huge_pages;
        if is_root && !may {
            // `deny`, unlike `forbid`, lets single files allow it.
            let denies = ["crates/cytoshade-gpu/", "crates/cytoshade-safe-io/"].iter().any(|one| name.starts_with(one));
            let what = if denies { "deny" } else { "forbid" };
            assert!(text.contains(&format!("#![{what}(unsafe_code)]")), "{name} does not {what} unsafe code");
        }
        let is_used = text.lines().any(|line| line.contains("unsafe {") || line.contains("unsafe fn"));
        assert!(may || !is_used, "{name}");
    }
}

#[test]
fn shaders_keep_their_bounds_checks() {
    for (name, text) in product() {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        assert!(!code.into_iter().any(|line| line.contains("create_shader_module_trusted")), "{name}");
    }
}
