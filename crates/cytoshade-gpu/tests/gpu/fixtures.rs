//! Reading what `tests/oracle/make_fixtures.py` wrote (`tests/fixtures/README.md` says what is where).

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One case of a stage.
#[derive(Clone)]
pub(crate) struct Case {
    folder: PathBuf,
    value: Value,
}

/// The cases of a stage; there is at least one.
pub(crate) fn cases(stage: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(stage);
    let file = folder.join("cases.json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let cases = json["cases"].as_array().cloned().unwrap_or_default();
    assert!(!cases.is_empty(), "{} holds no case", file.display());
    cases.into_iter().map(|value| Case { folder: folder.clone(), value }).collect()
}

impl Case {
    pub(crate) fn name(&self) -> String {
        self.value["name"].as_str().unwrap_or_default().into()
    }

    pub(crate) fn param(&self, name: &str) -> &Value {
        &self.value["params"][name]
    }

    /// Whether every file that the case reads is there: the larger ones are not in the repository.
    pub(crate) fn complete(&self) -> bool {
        let inputs = self.value["inputs"].as_object().into_iter().flatten();
        inputs.into_iter().all(|(_, file)| file.as_str().is_some_and(|file| self.path(file).exists()))
    }

    pub(crate) fn input(&self, name: &str) -> PathBuf {
        let file = self.value["inputs"][name].as_str();
        self.path(file.unwrap_or_else(|| panic!("{}: no input {name}", self.name())))
    }

    pub(crate) fn expected(&self, name: &str) -> Option<PathBuf> {
        self.value["expected"][name].as_str().map(|file| self.path(file))
    }

    fn path(&self, file: &str) -> PathBuf {
        match file.strip_prefix("$CYTOSHADE_TEST_DATA/") {
            // Where there is no test data the path leads nowhere.
            Some(file) => PathBuf::from(std::env::var_os("CYTOSHADE_TEST_DATA").unwrap_or_default()).join(file),
            None => self.folder.join(file),
        }
    }
}

/// Sides and values of an array of floats.
pub(crate) fn floats(path: &Path) -> (Vec<usize>, Vec<f32>) {
    npy(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Values of an array of counts, which are stored in whatever type they fit.
pub(crate) fn counts(path: &Path) -> Vec<u32> {
    let wide = || npy::<i32>(path).map(|(_, values)| values.into_iter().map(|n| n as u32).collect());
    let narrow = || npy::<u16>(path).map(|(_, values)| values.into_iter().map(u32::from).collect());
    narrow().or_else(|_| wide()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn npy<T: npyz::Deserialize>(path: &Path) -> std::io::Result<(Vec<usize>, Vec<T>)> {
    let file = npyz::NpyFile::new(std::io::BufReader::new(std::fs::File::open(path)?))?;
    let sides = file.shape().iter().map(|&side| side as usize).collect();
    Ok((sides, file.into_vec()?))
}
