//! A plan as one page that needs nothing else: no script, no font, no picture from elsewhere.

use std::fmt::{self, Write};

use mimikyu::plan::{Family, Outlook, Worst};

use super::table::shares;
use super::{Reckoned, Side, advice, chart};

/// How it looks: by day, by night and on paper. Text has a contrast of 7 and more, lines and marks of 4.5 and more.
const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn page(reckoned: &Reckoned) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_page(&mut out, reckoned);
    out
}

fn write_page(out: &mut String, reckoned: &Reckoned) -> fmt::Result {
    let (from, to) = (escaped(&reckoned.from.name), escaped(&reckoned.to.name));
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"color-scheme\" content=\"light dark\">")?;
    writeln!(
        out,
        "<title>mimikyu plan: {from} to {to}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>"
    )?;
    writeln!(out, "<h1>From {from} to {to}</h1>")?;
    writeln!(out, "<p class=\"advice\"><strong>Advice:</strong> {}</p>", escaped(&advice::line(reckoned)))?;
    writeln!(
        out,
        "<p>Batch: {}. Keys: {}, {}. A key that moves is a miss once; what is read back fills the cache again.</p>",
        reckoned.batch_nodes(),
        reckoned.keys.len(),
        escaped(&reckoned.keys_origin.to_string())
    )?;
    for note in reckoned.notes() {
        writeln!(out, "<p class=\"note\">Note: {}</p>", escaped(&note))?;
    }
    nodes(out, "from", &reckoned.from)?;
    nodes(out, "to", &reckoned.to)?;
    summary(out, reckoned)?;
    writeln!(out, "<p class=\"legend\">")?;
    for way in &reckoned.ways {
        writeln!(out, "<span>{}{}</span>", chart::sample(way.strategy), way.strategy.name())?;
    }
    writeln!(out, "</p>")?;
    for family in reckoned.families() {
        client(out, reckoned, family)?;
    }
    writeln!(out, "</main>\n</body>\n</html>")
}

fn nodes(out: &mut String, title: &str, side: &Side) -> fmt::Result {
    let name = escaped(&side.name);
    writeln!(out, "<details><summary>{title}: {name}, nodes: {}</summary>\n<ol>", side.nodes.len())?;
    for node in &side.nodes {
        writeln!(out, "<li><code>{}</code></li>", escaped(&node.to_string()))?;
    }
    writeln!(out, "</ol></details>")
}

fn summary(out: &mut String, reckoned: &Reckoned) -> fmt::Result {
    writeln!(
        out,
        "{}<table><caption>Keys that move: in the worst step / in all</caption>",
        wide("All clients")
    )?;
    write!(out, "<tr><th scope=\"col\">client</th>")?;
    for way in &reckoned.ways {
        write!(out, "<th scope=\"col\">{}</th>", way.strategy.name())?;
    }
    writeln!(out, "</tr>")?;
    for (family, best) in &reckoned.advice.alone {
        let name = family.name();
        write!(out, "<tr><th scope=\"row\"><a href=\"#{name}\">{name}</a></th>")?;
        reckoned.of(*family).try_for_each(|outlook| cell(out, outlook, best))?;
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</table></div>\n<p>Bold is the best for this client alone.</p>")
}

fn cell(out: &mut String, outlook: &Outlook, best: &Worst) -> fmt::Result {
    let shares = shares(outlook);
    if outlook.strategy == best.strategy {
        write!(out, "<td><strong>{shares}</strong></td>")
    } else {
        write!(out, "<td>{shares}</td>")
    }
}

fn client(out: &mut String, reckoned: &Reckoned, family: Family) -> fmt::Result {
    let name = family.name();
    writeln!(out, "<section id=\"{name}\">\n<h2>{name}</h2>\n<p>{}</p>", escaped(family.clients()))?;
    out.write_str(&chart::svg(reckoned.of(family)))?;
    writeln!(out, "<details><summary>Every step</summary>\n{}<table>", wide(&format!("Every step, {name}")))?;
    writeln!(
        out,
        "<tr><th scope=\"col\">strategy</th><th scope=\"col\">step</th><th scope=\"col\">nodes</th>\
         <th scope=\"col\">moved</th><th scope=\"col\">in all</th><th scope=\"col\">worst load</th></tr>"
    )?;
    for Outlook { strategy, course, .. } in reckoned.of(family) {
        for (number, step) in (1..).zip(&course.steps) {
            writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{number}</td><td>{}</td><td>{:.1} %</td><td>{:.1} %</td>\
                 <td>{:.0} %</td></tr>",
                strategy.name(),
                step.nodes,
                step.moved * 100.0,
                step.moved_in_all * 100.0,
                step.load.max * 100.0
            )?;
        }
    }
    writeln!(out, "</table></div></details>\n</section>")
}

/// The start of a place that a narrow window scrolls sideways, by keyboard too.
fn wide(label: &str) -> String {
    format!("<div class=\"wide\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\">")
}

/// A text that is nothing but text in a page: what endpoints call their nodes is theirs.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_text() {
        assert_eq!(escaped("<b>\"a\"&'c'</b>"), "&lt;b&gt;&quot;a&quot;&amp;&#39;c&#39;&lt;/b&gt;");
    }

    /// The contrast that WCAG 2 asks of text (4.5) and of what pictures are made of (3), by its own formula.
    #[test]
    fn colours_can_be_told_from_the_page() {
        let (day, night) = STYLE.split_once("@media (prefers-color-scheme: dark)").expect("both");
        for theme in [day, night.split_once("@media print").expect("paper too").0] {
            let colour = |name: &str| {
                let value =
                    theme.split_once(&format!("--{name}: #")).unwrap_or_else(|| panic!("no {name}")).1;
                luminance(u32::from_str_radix(&value[..6], 16).expect("six hex digits"))
            };
            let page = colour("page");
            for (name, least) in [
                ("text", 7.0),
                ("faint", 4.5),
                ("link", 4.5),
                ("swap", 4.5),
                ("add-then-drain", 4.5),
                ("merge-then-drain", 4.5),
                ("cut", 4.5),
            ] {
                let (one, other) = (colour(name).max(page), colour(name).min(page));
                let contrast = (one + 0.05) / (other + 0.05);
                assert!(contrast >= least, "{name}: {contrast:.2}");
            }
        }
    }

    fn luminance(colour: u32) -> f64 {
        let channel = |shift: u32| {
            let value = f64::from(colour >> shift & 0xff) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    }
}
