//! Draws the times as SVG: a bar per engine in each group, with the length of its median.

use std::fmt::Write;

use super::{Group, Unit};

const WIDTH: f64 = 760.0;
/// Left end of the bars, right of the names.
const LEFT: f64 = 220.0;
/// Space for the figure beside the longest bar.
const RIGHT: f64 = 110.0;
const ROW: f64 = 22.0;
const HEAD: f64 = 34.0;

pub(super) fn plot(groups: &[Group]) -> String {
    let groups: Vec<&Group> = groups.iter().filter(|group| group.unit == Unit::Seconds).collect();
    let height: f64 = groups.iter().map(|group| HEAD + ROW * group.figures.len() as f64).sum::<f64>() + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut y = 0.0;
    for group in groups {
        let longest = group.figures.iter().map(super::Figure::median).fold(f64::MIN_POSITIVE, f64::max);
        y += HEAD;
        let _ = writeln!(svg, "<text x=\"10\" y=\"{}\" font-weight=\"bold\">{}</text>", y - 10.0, group.title);
        for (at, figure) in group.figures.iter().enumerate() {
            let length = (WIDTH - LEFT - RIGHT) * figure.median() / longest;
            let color = if at == 0 { "#1b7a5a" } else { "#9aa7b0" };
            let (text, middle) = (y + 15.0, y + 3.0);
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>\n\
                 <rect x=\"{LEFT}\" y=\"{middle}\" width=\"{length:.1}\" height=\"16\" fill=\"{color}\"/>\n\
                 <text x=\"{:.1}\" y=\"{text}\">{:.0} ms</text>",
                LEFT - 8.0,
                figure.peer,
                LEFT + length + 6.0,
                figure.median() * 1e3
            );
            y += ROW;
        }
    }
    svg + "</svg>\n"
}
