//! `cytoshade model inspect`: describes a model file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use cytoshade::network::Description;
use cytoshade::network::arch::unet::UNet;
use cytoshade::{Identity, LoadOptions, Network, Origin, Published, Sha256};
use cytoshade_model::{AnyModel, SizeModel};
use cytoshade_safe_io::printable_path;
use serde::Serialize;

use super::Source;
use crate::failure::Failure;
use crate::report::print_line;

/// Print the format, hash, channels, diameters and parameters of a model file
///
/// Reads and checks the file as `segment` does. Nothing in it is executed.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Network or size model: a file, or a name listed by `cytoshade model list`
    #[arg(value_name = "FILE|NAME")]
    model: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Inspect) -> Result<(), Failure> {
    let (model, path) = Source::new(&args.model).load(&LoadOptions::default())?;
    let report = match &model {
        AnyModel::Network(network, origin) => Report::from_network(&path, network, origin),
        AnyModel::SizeModel(model, sha256) => Report::from_size_model(&path, model, *sha256),
    };
    if args.json {
        print_line(serde_json::to_string(&report).map_err(Failure::run)?);
        return Ok(());
    }
    report.lines().iter().for_each(|(name, value)| print_line(format_args!("{name:<12}{value}")));
    Ok(())
}

/// The report on a model. Fields that do not apply to its kind are left out.
#[derive(Debug, Default, Serialize)]
struct Report {
    file: String,
    kind: &'static str,
    format: String,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbase: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels_in: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels_out: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    style_channels: Option<usize>,
    diam_mean: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    diam_labels: Option<f64>,
    parameters: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

impl Report {
    fn from_network(path: &Path, network: &Network, origin: &Origin) -> Self {
        let published = match origin.identity {
            Identity::Published(published) => Some(published),
            Identity::Unverified(_) | Identity::Unknown => None,
        };
        let Description { inputs, outputs, style, .. } = network.description();
        Self {
            kind: "network",
            format: origin.format.to_string(),
            nbase: UNet::from_network(network).map(|unet| unet.nbase().to_vec()),
            channels_in: Some(*inputs),
            channels_out: Some(outputs.count),
            style_channels: *style,
            diam_mean: shortest(network.diam_mean()),
            diam_labels: Some(shortest(network.diam_labels())),
            parameters: network.parameters(),
            metadata: origin.metadata.clone(),
            ignored: origin.ignored.clone(),
            ..Self::from_file(path, origin.sha256, published)
        }
    }

    fn from_size_model(path: &Path, model: &SizeModel, sha256: Sha256) -> Self {
        Self {
            kind: "size model",
            format: "npy (pickled dictionary)".into(),
            style_channels: Some(model.slopes().len()),
            diam_mean: model.diam_mean(),
            parameters: model.slopes().len() + model.style_mean().len() + 2,
            ..Self::from_file(path, sha256, Published::with_hash(sha256))
        }
    }

    fn from_file(path: &Path, sha256: Sha256, published: Option<&'static Published>) -> Self {
        Self {
            file: path.display().to_string(),
            sha256: sha256.to_string(),
            published: published.map(|published| published.name),
            origin: published.map(|published| published.url),
            license: published.map(|published| published.license),
            ..Self::default()
        }
    }

    /// The report as text: names and values.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("file", printable_path(&self.file)),
            ("kind", self.kind.into()),
            ("format", self.format.clone()),
            ("sha256", self.sha256.clone()),
        ];
        let known = self.published.map(|name| format!("{name}, as published"));
        lines.push(("known as", known.unwrap_or_else(|| "no published model has this hash".into())));
        lines.extend(self.origin.map(|url| ("origin", url.to_string())));
        lines.extend(self.license.map(|license| ("license", license.to_string())));
        lines.extend(self.nbase.as_ref().map(|nbase| ("nbase", format!("{nbase:?}"))));
        if let (Some(inputs), Some(outputs)) = (self.channels_in, self.channels_out) {
            lines.push(("channels", format!("{inputs} in, {outputs} out")));
        }
        lines.extend(self.style_channels.map(|channels| ("style", format!("{channels} channels"))));
        let labels = self.diam_labels.map_or_else(String::new, |labels| format!(", diam_labels {labels}"));
        lines.push(("diameters", format!("diam_mean {}{labels}", self.diam_mean)));
        lines.push(("parameters", self.parameters.to_string()));
        lines.extend(self.metadata.iter().map(|(key, value)| ("metadata", format!("{key}: {value}"))));
        lines.extend(self.ignored.iter().map(|entry| ("ignored", entry.clone())));
        lines
    }
}

/// The f64 with the shortest decimal form of an f32: 30.1, not 30.100000381469727.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
