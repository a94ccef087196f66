//! Models by name: which file is opened, and which is not.

use std::path::{Path, PathBuf};

use cytoshade::errors::ModelError;
use cytoshade::{Error, Identity, LoadOptions, Model, ModelDirs, Published, Sha256};

/// Two folders of which neither is anybody's home.
struct Place {
    root: tempfile::TempDir,
    folders: ModelDirs,
}

fn place() -> Place {
    let root = tempfile::tempdir().unwrap();
    let (own, cellpose) = (root.path().join("own"), root.path().join("cellpose"));
    std::fs::create_dir_all(&own).unwrap();
    std::fs::create_dir_all(&cellpose).unwrap();
    Place { folders: ModelDirs { own: Some(own), cellpose: Some(cellpose) }, root }
}

fn demo() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/cytoshade-demo.safetensors")).unwrap()
}

impl Place {
    fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.root.path().join(path);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn open(&self, name: impl AsRef<Path>) -> Result<Model, Error> {
        Model::open_in(name, &self.folders, &LoadOptions::default())
    }
}

#[test]
fn models_of_one_s_own_are_found_by_their_names_in_both_folders() {
    let place = place();
    place.put("cellpose/CP_20230101_120000", &demo());
    place.put("own/train.123456", &demo());
    for name in ["CP_20230101_120000", "train.123456"] {
        let model = place.open(name).unwrap();
        let origin = model.origin().unwrap();
        assert_eq!((origin.identity, origin.sha256), (Identity::Unknown, Sha256::digest(&demo())));
    }
    // The first folder comes first, and what is broken there is not passed over.
    place.put("own/CP_20230101_120000", b"broken");
    assert!(matches!(place.open("CP_20230101_120000"), Err(Error::Model(ModelError::UnknownFormat { .. }))));
}

#[test]
fn a_published_name_demands_the_published_hash() {
    for (name, file) in [("cyto3", "cyto3"), ("nuclei", "nucleitorch_0"), ("nucleitorch_0", "nucleitorch_0")] {
        for folder in ["own", "cellpose"] {
            let place = place();
            let fake = place.put(&format!("{folder}/{file}"), &demo());
            match place.open(name) {
                Err(Error::NotPublished { published, path, found, expected }) => {
                    assert_eq!(Published::named(name), Some(published));
                    assert_eq!((path, found), (fake.clone(), Sha256::digest(&demo())));
                    assert_eq!(Some(expected), published.sha256);
                }
                other => panic!("{name}: {other:?}"),
            }
            // By its path it is whatever it is, and a hash that the caller demands is the one that counts.
            place.open(&fake).unwrap();
            let pinned = LoadOptions { sha256: Some(Sha256::digest(&demo())), ..LoadOptions::default() };
            Model::open_in(name, &place.folders, &pinned).unwrap();
            let other = LoadOptions { sha256: Some(Sha256([0; 32])), ..LoadOptions::default() };
            let error = Model::open_in(name, &place.folders, &other).unwrap_err();
            assert!(matches!(error, Error::Model(ModelError::Hash { .. })), "{error}");
        }
    }
}

/// In a process of its own, since the current folder is one for all tests.
#[test]
fn a_published_name_never_means_a_file_in_the_current_folder() {
    const FOLDER: &str = "CYTOSHADE_TEST_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER) {
        std::env::set_current_dir(folder).unwrap();
        let folders = ModelDirs { own: Some("own".into()), cellpose: None };
        let open = |name: &str| Model::open_in(name, &folders, &LoadOptions::default());
        for name in ["cyto3", "nuclei", "nucleitorch_0", "size_cyto3.npy"] {
            std::fs::write(name, demo()).unwrap();
            let error = open(name).unwrap_err();
            assert!(matches!(error, Error::ModelNotFound { .. }), "{name}: {error}");
            assert!(error.to_string().contains(&format!("./{name}")), "{error}");
            open(&format!("./{name}")).unwrap();
        }
        // Any other name of a file that is here is its path.
        std::fs::write("mine", demo()).unwrap();
        open("mine").unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let itself = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_published_name_never_means_a_file_in_the_current_folder"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(itself.status.success(), "{}", String::from_utf8_lossy(&itself.stdout));
    assert!(String::from_utf8_lossy(&itself.stdout).contains("1 passed"));
}

#[test]
fn a_published_model_without_a_known_hash_opens_and_is_said_to_be_unverified() {
    let place = place();
    place.put("cellpose/cyto2torch_0", &demo());
    let model = place.open("cyto2").unwrap();
    assert!(matches!(model.origin().unwrap().identity, Identity::Unverified(published) if published.name == "cyto2"));
}

#[test]
fn what_is_not_found_is_told_with_where_and_what_to_do() {
    let place = place();
    let error = place.open("cyto3").unwrap_err();
    assert!(matches!(error, Error::ModelNotFound { .. }), "{error}");
    let said = error.to_string();
    for part in [place.folders.own.as_ref(), place.folders.cellpose.as_ref()] {
        assert!(said.contains(part.unwrap().to_str().unwrap()), "{said}");
    }
    assert!(said.contains("cytoshade model fetch cyto3"), "{said}");
    let said = place.open("mine").unwrap_err().to_string();
    assert!(said.contains("cytoshade model list") && !said.contains("fetch mine"), "{said}");
    let nowhere = Model::open_in("cyto3", &ModelDirs::default(), &LoadOptions::default()).unwrap_err();
    assert!(matches!(nowhere, Error::ModelNotFound { .. }), "{nowhere}");
}

#[test]
fn nothing_but_plain_names_is_looked_for() {
    let place = place();
    place.put("secret", &demo());
    let up = "../secret";
    std::fs::write(place.root.path().join("own/x"), b"").unwrap();
    for name in [up, "own/../../secret", "..", ".", "", "/", "a/b"] {
        let error = place.open(name).unwrap_err();
        // As a path it is opened where the caller stands, where there is no such model.
        assert!(matches!(error, Error::Model(ModelError::Io { .. })), "{name}: {error}");
    }
}

#[test]
fn size_models_lie_beside_their_networks() {
    let place = place();
    assert_eq!(place.folders.find_size_model("cyto3".as_ref()), None);
    let size = place.put("cellpose/size_cyto3.npy", b"size");
    let found = place.folders.find_size_model("cyto3".as_ref()).unwrap();
    assert_eq!((found.text(), found.published()), (size.display().to_string(), Published::named("size_cyto3")));
    let found = found.open(&LoadOptions::default(), |_, options| Ok(options.sha256)).unwrap();
    assert_eq!(found, Published::named("size_cyto3").unwrap().sha256);

    let nuclei = place.put("own/size_nucleitorch_0.npy", b"size");
    let found = place.folders.find_size_model("nuclei".as_ref()).unwrap();
    assert_eq!(found.text(), nuclei.display().to_string());

    let (own, size) = (place.put("mine", &demo()), place.put("mine_size.npy", b"size"));
    let found = place.folders.find_size_model(&own).unwrap();
    assert_eq!((found.text(), found.published()), (size.display().to_string(), None));
}

#[test]
fn models_are_listed_with_what_they_claim_to_be() {
    let place = place();
    for file in [
        "own/mine",
        "own/mine.part",
        "own/mine.part.json",
        "own/.fetch.lock",
        "cellpose/cyto3",
        "cellpose/gui_models.txt",
    ] {
        place.put(file, b"1234");
    }
    std::fs::create_dir(place.root.path().join("own/folder")).unwrap();
    let list: Vec<_> = place.folders.list().into_iter().map(|p| (p.name, p.bytes, p.published)).collect();
    assert_eq!(list, [("mine".into(), 4, None), ("cyto3".into(), 4, Published::named("cyto3"))]);
}
