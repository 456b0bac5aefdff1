//! A picture of some lines, as an SVG that is readable on light and on dark.

use std::fmt::Write;

use crate::table::grouped;
use crate::ticks::Range;
pub use crate::ticks::Scale;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
/// The place of the lines, between these.
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 28.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = HEIGHT - 60.0;
/// Names of ticks closer than this would touch.
const TICK_APART: f64 = 34.0;
/// About the width of a letter.
const LETTER: f64 = 7.5;

/// Colours are GitHub's own, for either background; lines differ by their marks too.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}\
.page{fill:#fff}.grid{stroke:#d1d9e0}.axis{stroke:#59636e}.line{fill:none;stroke-width:2}\
.s0{stroke:#0969da;color:#0969da}.s1{stroke:#bc4c00;color:#bc4c00}.s2{stroke:#1a7f37;color:#1a7f37}\
.linear{stroke:#59636e;stroke-dasharray:6 5}.mark{fill:currentColor;stroke:none}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.page{fill:#0d1117}.grid{stroke:#3d444d}.axis{stroke:#9198a1}\
.s0{stroke:#4493f8;color:#4493f8}.s1{stroke:#f0883e;color:#f0883e}.s2{stroke:#3fb950;color:#3fb950}\
.linear{stroke:#9198a1}}";

pub struct Picture {
    pub title: &'static str,
    /// What is to be seen, for those who can't see it.
    pub description: &'static str,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
}

pub struct Axis {
    /// What it counts, with its unit.
    pub name: &'static str,
    pub scale: Scale,
    /// What is named on it; round numbers where there is nothing.
    pub ticks: Vec<f64>,
}

/// A line.
pub struct Series {
    name: String,
    pub points: Vec<(f64, f64)>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Measured,
    /// What linear growth would be, on logarithmic axes.
    Linear,
}

impl Series {
    pub fn measured(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.to_owned(), points, kind: Kind::Measured }
    }

    /// Linear growth to the last of these points.
    pub fn linear(points: &[(f64, f64)]) -> Self {
        let name = "linear growth".to_owned();
        Self { name, points: points.last().copied().into_iter().collect(), kind: Kind::Linear }
    }
}

impl Picture {
    pub fn svg(&self) -> String {
        let points = self.series.iter().flat_map(|series| &series.points);
        let mut x = Range::tight(self.x.scale, points.clone().map(|point| point.0));
        let mut x_ticks = self.x.ticks.clone();
        if x_ticks.is_empty() {
            (x, x_ticks) = x.with_ticks();
        }
        let (y, y_ticks) = Range::tight(self.y.scale, points.map(|point| point.1)).with_ticks();
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"title desc\">\n<title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n\
             <style>{STYLE}</style>\n<rect class=\"page\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n",
            self.title,
            self.described(),
        );
        let mut put = |line: std::fmt::Arguments| writeln!(text, "{line}").expect("a string takes all");
        put(format_args!("<text class=\"title\" x=\"{LEFT}\" y=\"28\">{}</text>", self.title));
        let across = |value| LEFT + (RIGHT - LEFT) * x.place(value);
        let up = |value| BOTTOM - (BOTTOM - TOP) * y.place(value);
        for &tick in &y_ticks {
            let at = up(tick);
            put(format_args!("<path class=\"grid\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>"));
            let (left, name, base) = (LEFT - 8.0, named(tick), at + 4.5);
            put(format_args!("<text x=\"{left}\" y=\"{base:.1}\" text-anchor=\"end\">{name}</text>"));
        }
        let mut last = f64::NEG_INFINITY;
        for &tick in &x_ticks {
            let (at, name, base) = (across(tick), named(tick), BOTTOM + 21.0);
            put(format_args!("<path class=\"axis\" d=\"M{at:.1} {BOTTOM}v5\"/>"));
            if at - last >= TICK_APART {
                put(format_args!("<text x=\"{at:.1}\" y=\"{base}\" text-anchor=\"middle\">{name}</text>"));
                last = at;
            }
        }
        put(format_args!("<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>"));
        let (x_middle, y_middle) = (f64::midpoint(LEFT, RIGHT), f64::midpoint(TOP, BOTTOM));
        let (below, name) = (HEIGHT - 16.0, self.x.name);
        put(format_args!("<text x=\"{x_middle}\" y=\"{below}\" text-anchor=\"middle\">{name}</text>"));
        let name = self.y.name;
        put(format_args!(
            "<text transform=\"translate(22 {y_middle})rotate(-90)\" text-anchor=\"middle\">{name}</text>"
        ));
        let mut legend = LEFT;
        for (number, series) in self.series.iter().enumerate() {
            let measured = series.kind == Kind::Measured;
            let class = if measured { format!("s{}", number % 3) } else { "linear".to_owned() };
            let mut places: Vec<_> = series.points.iter().map(|&(a, b)| (across(a), up(b))).collect();
            if let (Kind::Linear, Some(&(to_x, to_y))) = (series.kind, series.points.last()) {
                // As far down as the picture goes.
                let from = (to_x * y.low / to_y).max(x.low);
                places.insert(0, (across(from), up(to_y * from / to_x)));
            }
            let path: Vec<_> = places.iter().map(|(a, b)| format!("{a:.1} {b:.1}")).collect();
            put(format_args!("<path class=\"line {class}\" d=\"M{}\"/>", path.join("L")));
            put(format_args!("<path class=\"line {class}\" d=\"M{legend} 52h26\"/>"));
            let (word, middle) = (legend + 33.0, legend + 13.0);
            if measured {
                for (a, b) in places.into_iter().chain([(middle, 52.0)]) {
                    put(format_args!("<path class=\"mark {class}\" d=\"M{a:.1} {b:.1}{}\"/>", mark(number)));
                }
            }
            put(format_args!("<text x=\"{word}\" y=\"56.5\">{}</text>", series.name));
            legend = word + LETTER * series.name.len() as f64 + 18.0;
        }
        text.push_str("</svg>\n");
        text
    }

    /// The description with the ends of every line.
    fn described(&self) -> String {
        let mut text = self.description.to_owned();
        for Series { name, points, kind } in &self.series {
            if let (Kind::Measured, [(a, b), .., (c, d)]) = (*kind, &points[..]) {
                let [a, b, c, d] = [a, b, c, d].map(|&value| named(value));
                write!(text, " {name}: {b} at {a}, {d} at {c}.").expect("a string takes all");
            }
        }
        text
    }
}

/// A disc, a square, a diamond.
fn mark(number: usize) -> &'static str {
    ["m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0", "m-4 -4h8v8h-8z", "m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z"]
        [number % 3]
}

/// A number as people write it, with three digits that mean something at least.
fn named(value: f64) -> String {
    match value {
        value if value >= 100.0 || value == value.round() => grouped(value),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
