//! A plot of the average precision against the threshold, as SVG.

use std::fmt::Write;

use cytoshade_measure::Scores;

use super::PLOTTED;
use super::report::{Evaluation, mean};
use crate::svg::{escaped, points};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 616.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 364.0;

/// The mean of all images as a thick line with a point at each threshold, and each image as a thin line.
pub(super) fn svg(images: &[Evaluation]) -> String {
    let precisions = |image: &Evaluation| image.plotted.iter().map(Scores::average_precision).collect::<Vec<f64>>();
    let lines: Vec<(String, Vec<f64>)> = images.iter().map(|image| (image.name.clone(), precisions(image))).collect();
    let at = |index: usize| lines.iter().filter_map(move |(_, line)| line.get(index).copied());
    let means: Vec<f64> = (0..PLOTTED.len()).map(|index| mean(at(index))).collect();
    let summary = PLOTTED.iter().zip(&means).filter(|(_, mean)| !mean.is_nan());
    let summary: Vec<String> = summary.map(|(threshold, mean)| format!("{mean:.3} at {threshold}")).collect();

    let mut svg = String::new();
    let _ = write!(
        svg,
        concat!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" ",
            "aria-labelledby=\"title desc\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n",
            "<title id=\"title\">Average precision of {} images</title>\n",
            "<desc id=\"desc\">Mean average precision by threshold of the intersection over union: {}</desc>\n",
            "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        ),
        WIDTH,
        HEIGHT,
        images.len(),
        escaped(&summary.join(", "))
    );
    axes(&mut svg);
    for (name, line) in &lines {
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#56b4e9\" stroke-opacity=\"0.6\"><title>{}</title></polyline>",
            points(places(line)),
            escaped(name)
        );
    }
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"3\"/>",
        points(places(&means))
    );
    for (x, y) in places(&means) {
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#0072b2\"/>");
    }
    svg.push_str("</svg>\n");
    svg
}

/// The points of a line; scores that do not exist are left out.
fn places(line: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    PLOTTED.iter().zip(line).filter(|(_, value)| !value.is_nan()).map(|(&threshold, &value)| (x(threshold), y(value)))
}

fn x(threshold: f64) -> f64 {
    LEFT + (threshold - 0.5) / 0.5 * (RIGHT - LEFT)
}

fn y(value: f64) -> f64 {
    BOTTOM - value * (BOTTOM - TOP)
}

fn axes(svg: &mut String) {
    let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"26\" font-size=\"16\">Average precision: TP / (TP + FP + FN)</text>");
    for tick in 0..=5 {
        let value = f64::from(tick) / 5.0;
        let (y, label) = (y(value), format!("{value:.1}"));
        let _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"#ddd\"/>");
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 8.0, y + 4.0);
    }
    for tick in 0..=5 {
        let threshold = 0.5 + f64::from(tick) / 10.0;
        let x = x(threshold);
        let _ = writeln!(svg, "<path d=\"M{x:.1} {BOTTOM}v6\" stroke=\"#222\"/>");
        let _ =
            writeln!(svg, "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{threshold:.1}</text>", BOTTOM + 22.0);
    }
    let _ = writeln!(svg, "<path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" fill=\"none\" stroke=\"#222\"/>");
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">Threshold of the intersection over union</text>",
        (LEFT + RIGHT) / 2.0,
        HEIGHT - 12.0
    );
}
