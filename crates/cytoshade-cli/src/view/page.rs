//! The HTML of the contact sheet.

use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::histogram;
use super::results::{Measured, count};
use crate::failure::Failure;
use crate::median::of_sorted;
use crate::report::warn;
use crate::svg::escaped;

const STYLE: &str = include_str!("page.css");

/// Writes one file that loads nothing: pictures are embedded, and its policy forbids every request and every script.
pub(super) fn write(
    out: &mut impl Write,
    folder: &Path,
    results: &[Measured<'_>],
    limit: usize,
    max_side: usize,
) -> io::Result<()> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let title = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let title = if title.is_empty() { "Results".into() } else { escaped(&title) };
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy =
        format!("default-src 'none'; img-src data:; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    write!(
        out,
        concat!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<meta name=\"color-scheme\" content=\"light dark\">\n",
            "<title>{} - Cytoshade</title>\n<style>{}</style>\n</head>\n<body>\n"
        ),
        policy, title, STYLE
    )?;
    let end = histogram::end(results.iter().flat_map(|result| result.diameters.iter().copied()));
    header(out, &title, results, end)?;
    writeln!(out, "<main>")?;
    for (index, result) in results.iter().enumerate().take(limit) {
        card(out, index, result, end, max_side)?;
    }
    writeln!(out, "</main>")?;
    table(out, results, limit)?;
    writeln!(out, "</body>\n</html>")
}

fn header(out: &mut impl Write, title: &str, results: &[Measured<'_>], end: f64) -> io::Result<()> {
    let mut diameters: Vec<f64> = results.iter().flat_map(|result| result.diameters.iter().copied()).collect();
    diameters.sort_by(f64::total_cmp);
    let has_errors = results.iter().any(|result| !result.flow_errors.is_empty());
    let order = if has_errors { "the worst by mean flow error first" } else { "by name: no flow errors are known" };
    writeln!(
        out,
        "<header>\n<h1>{title}</h1>\n<p>{} in {}, median diameter {} pixels; {order}.</p>\n{}\n</header>",
        count(diameters.len(), "cell"),
        count(results.len(), "image"),
        of_sorted(&diameters).map_or_else(|| "-".into(), |median| format!("{median:.1}")),
        histogram::svg(&diameters, end)
    )
}

fn card(out: &mut impl Write, index: usize, result: &Measured<'_>, end: f64, max_side: usize) -> io::Result<()> {
    let name = escaped(&result.files.name);
    writeln!(out, "<article id=\"image-{}\">\n<h2>{name}</h2>", index + 1)?;
    match picture(result, max_side) {
        Ok((data, [width, height], plane)) => {
            let plane = plane.map_or_else(String::new, |plane| format!(", {plane}"));
            let cells = count(result.diameters.len(), "cell");
            writeln!(
                out,
                "<img src=\"data:image/png;base64,{data}\" width=\"{width}\" height=\"{height}\" loading=\"lazy\" \
                 alt=\"{name} with the outlines of {cells}{plane}\">"
            )?;
        }
        // The message has a path, and the sheet may be shared.
        Err(failure) => {
            writeln!(out, "<p class=\"failure\">No picture: the labels cannot be read.</p>")?;
            warn(failure);
        }
    }
    writeln!(out, "<dl>")?;
    for (term, value) in facts(result) {
        writeln!(out, "<div><dt>{term}</dt><dd>{value}</dd></div>")?;
    }
    writeln!(out, "</dl>\n{}\n</article>", histogram::svg(&result.diameters, end))
}

/// The picture as base64, its width and height, and the position of its plane.
fn picture(result: &Measured<'_>, max_side: usize) -> Result<(String, [usize; 2], Option<String>), Failure> {
    let (picture, plane) = result.picture(max_side)?;
    let mut png = Vec::new();
    picture.write_png(&mut png).map_err(Failure::run)?;
    Ok((STANDARD.encode(png), [picture.width(), picture.height()], plane))
}

/// The numbers of an image.
fn facts(result: &Measured<'_>) -> [(&'static str, String); 4] {
    let number =
        |value: Option<f64>, digits: usize| value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"));
    [
        ("Cells", result.diameters.len().to_string()),
        ("Median diameter", number(result.median_diameter(), 1)),
        ("Mean flow error", number(result.mean_flow_error(), 3)),
        ("Largest flow error", number(result.largest_flow_error(), 3)),
    ]
}

/// All images, with links to their pictures.
fn table(out: &mut impl Write, results: &[Measured<'_>], limit: usize) -> io::Result<()> {
    writeln!(out, "<section>\n<h2>All images</h2>\n<table>\n<thead><tr><th scope=\"col\">Image</th>")?;
    if let Some(first) = results.first() {
        facts(first).iter().try_for_each(|(term, _)| writeln!(out, "<th scope=\"col\">{term}</th>"))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for (index, result) in results.iter().enumerate() {
        let name = escaped(&result.files.name);
        let name = if index < limit { format!("<a href=\"#image-{}\">{name}</a>", index + 1) } else { name };
        write!(out, "<tr><th scope=\"row\">{name}</th>")?;
        facts(result).iter().try_for_each(|(_, value)| write!(out, "<td>{value}</td>"))?;
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody>\n</table>\n</section>")
}

#[cfg(test)]
mod tests {
    use super::super::find::ResultFiles;
    use super::*;

    #[test]
    fn a_sheet_has_no_path_of_a_file_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let labels = folder.path().join("a_cp_masks.tif");
        let files = ResultFiles { name: "a".into(), labels, image: None, measurements: None, flows: None };
        let result = Measured { files: &files, diameters: Vec::new(), flow_errors: Vec::new() };
        let mut page = Vec::new();
        write(&mut page, folder.path(), &[result], 1, 100).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains("No picture: the labels cannot be read"), "{page}");
        assert!(!page.contains("a_cp_masks.tif"), "{page}");
    }
}
