//! The published Cellpose U-Nets: names, sizes, hashes.
//!
//! The authors publish no hashes. The hashes here are recorded by several independent public projects, which agree. A
//! model without a recorded hash cannot be verified.

use crate::Sha256;

/// A published model: a network, or the size model of one.
///
/// This crate holds none of its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// Its common name.
    pub name: &'static str,
    /// Its other names, including the file name if that differs from `name`.
    pub aliases: &'static [&'static str],
    /// The name of its file, at its origin and in Cellpose's folder.
    pub file: &'static str,
    /// Size of the file in bytes.
    pub bytes: Option<u64>,
    /// SHA-256 of the file, if one is recorded.
    pub sha256: Option<Sha256>,
    /// Diameter in pixels of the network's cells after resizing.
    pub diam_mean: Option<u16>,
    /// Network or size model.
    pub kind: Kind,
    /// Address of the file at its origin.
    pub url: &'static str,
    /// Terms of its use and redistribution.
    pub license: &'static str,
}

/// The kinds of published files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A network.
    Network,
    /// A size model: the regression from a network's style to a diameter.
    SizeModel,
}

impl Kind {
    /// Name of the kind, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Network => "network",
            Kind::SizeModel => "size model",
        }
    }
}

const LICENSE: &str = "Cellpose's code is BSD-3-Clause; the data that several of its models were trained on is for \
                       non-commercial use: see the origin, and do not pass the file on";

/// The table of published models.
pub const PUBLISHED: &[Published] = &[
    Published {
        name: "cyto3",
        aliases: &[],
        file: "cyto3",
        bytes: Some(26_566_255),
        sha256: Some(hash("2dc3087a8abd7da46d1ab0ddd5824639933cc3ff63b382af3fa1939a392db93c")),
        diam_mean: Some(30),
        kind: Kind::Network,
        url: "https://www.cellpose.org/models/cyto3",
        license: LICENSE,
    },
    Published {
        name: "nuclei",
        aliases: &["nucleitorch_0"],
        file: "nucleitorch_0",
        bytes: Some(26_563_614),
        sha256: Some(hash("89ca45e4a45048d5010d29621466b1274b91b3dcb9714dce9f9e90a9a8671303")),
        diam_mean: Some(17),
        kind: Kind::Network,
        url: "https://www.cellpose.org/models/nucleitorch_0",
        license: LICENSE,
    },
    Published {
        name: "cyto",
        aliases: &["cytotorch_0"],
        file: "cytotorch_0",
        bytes: Some(26_563_614),
        sha256: Some(hash("6a852487b98a3ad91e4e86c969cac520aaac13c609288aad8bd01d4cf76370c6")),
        diam_mean: Some(30),
        kind: Kind::Network,
        url: "https://www.cellpose.org/models/cytotorch_0",
        license: LICENSE,
    },
    Published {
        name: "cyto2",
        aliases: &["cyto2torch_0"],
        file: "cyto2torch_0",
        bytes: Some(26_563_614),
        sha256: None,
        diam_mean: Some(30),
        kind: Kind::Network,
        url: "https://www.cellpose.org/models/cyto2torch_0",
        license: LICENSE,
    },
    Published {
        name: "size_cyto3",
        aliases: &["size_cyto3.npy"],
        file: "size_cyto3.npy",
        bytes: Some(3627),
        sha256: Some(hash("87f91feb48019b4dfb0400e7bbb89aca5873368686815aa7b4431c0faee97fc5")),
        diam_mean: None,
        kind: Kind::SizeModel,
        url: "https://www.cellpose.org/models/size_cyto3.npy",
        license: LICENSE,
    },
    Published {
        name: "size_nuclei",
        aliases: &["size_nucleitorch_0.npy"],
        file: "size_nucleitorch_0.npy",
        bytes: Some(3627),
        sha256: Some(hash("a79107c9f284b569dd65f3a7363014d613a3403241c062822f07b6f026b4d3ef")),
        diam_mean: None,
        kind: Kind::SizeModel,
        url: "https://www.cellpose.org/models/size_nucleitorch_0.npy",
        license: LICENSE,
    },
];

impl Published {
    /// The published model with this name or alias.
    ///
    /// ```
    /// use cytoshade_model::Published;
    /// assert_eq!(Published::named("nucleitorch_0").map(|model| model.name), Some("nuclei"));
    /// assert_eq!(Published::named("nuclei").map(|model| model.file), Some("nucleitorch_0"));
    /// ```
    pub fn named(name: &str) -> Option<&'static Self> {
        PUBLISHED.iter().find(|model| model.name == name || model.aliases.contains(&name))
    }

    /// The published model with this file hash.
    pub fn with_hash(hash: Sha256) -> Option<&'static Self> {
        PUBLISHED.iter().find(|model| model.sha256 == Some(hash))
    }
}

/// A hash of the table. Invalid text does not compile.
const fn hash(text: &str) -> Sha256 {
    const fn digit(letter: u8) -> u8 {
        match letter {
            b'0'..=b'9' => letter - b'0',
            b'a'..=b'f' => letter - b'a' + 10,
            _ => panic!("not a hexadecimal digit"),
        }
    }
    let text = text.as_bytes();
    assert!(text.len() == 64, "a SHA-256 has 64 digits");
    let mut hash = [0; 32];
    let mut at = 0;
    while at < 32 {
        hash[at] = digit(text[2 * at]) << 4 | digit(text[2 * at + 1]);
        at += 1;
    }
    Sha256(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_well_formed() {
        let mut names = Vec::new();
        for model in PUBLISHED {
            names.push(model.name);
            names.extend(model.aliases);
            assert!(model.file == model.name || model.aliases.contains(&model.file), "{model:?}");
            assert!(model.url.starts_with("https://") && model.url.ends_with(&format!("/{}", model.file)), "{model:?}");
            assert!(model.bytes.is_some_and(|bytes| bytes > 1000), "{model:?}");
            assert_eq!(model.diam_mean.is_some(), model.kind == Kind::Network, "{model:?}");
            assert!(!model.license.is_empty());
        }
        let hashes: Vec<_> = PUBLISHED.iter().filter_map(|model| model.sha256).collect();
        for (count, list) in [
            (names.len(), names.iter().map(ToString::to_string).collect::<Vec<_>>()),
            (hashes.len(), hashes.iter().map(ToString::to_string).collect()),
        ] {
            let unique: std::collections::BTreeSet<_> = list.into_iter().collect();
            assert_eq!(unique.len(), count, "something is there twice: {unique:?}");
        }
    }

    #[test]
    fn models_are_found_by_every_name_and_by_their_hash() {
        for model in PUBLISHED {
            for name in model.aliases.iter().chain([&model.name, &model.file]) {
                assert_eq!(Published::named(name), Some(model), "{name}");
            }
            if let Some(sha256) = model.sha256 {
                assert_eq!(Published::with_hash(sha256), Some(model));
                // The table's own digit parser agrees with the library's.
                assert_eq!(sha256.to_string().parse::<Sha256>().unwrap(), sha256);
            }
        }
        assert_eq!(Published::named("Cyto3"), None);
        assert_eq!(Published::with_hash(Sha256([0; 32])), None);
        let cyto3 = Published::named("cyto3").and_then(|model| model.sha256).map(|hash| hash.to_string());
        assert!(cyto3.is_some_and(|hash| hash.starts_with("2dc3087a") && hash.ends_with("2db93c")));
    }
}
