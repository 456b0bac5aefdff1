//! Draws a view. At 80x24 the panes share a place below the sources; where there is room, all are shown.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use super::headline::ITEM;
use super::plain::{Row, Tone, cut, fold, width};
use super::view::{Page, Pane, View};

/// Least columns and rows that are of use.
const COLUMNS_MIN: u16 = 60;
const ROWS_MIN: u16 = 16;

/// Columns and rows from which on all panes are shown.
const COLUMNS_ALL: u16 = 110;
const ROWS_ALL: u16 = 34;

const KEYS: &str = " q quit   Tab next pane   arrows PgUp PgDn Home End scroll   ? help";

const HELP: [&str; 16] = [
    "q Esc Ctrl-C   quit",
    "Tab Shift-Tab  next pane, pane before: the one in [ ]",
    "Up Down        scroll by a row",
    "PgUp PgDn      by a page",
    "Home End       to the beginning, to the end",
    "Left Right     to what is cut off",
    "Ctrl-L         draw everything anew",
    "? Esc          close this",
    "",
    "A source is",
    "fresh    its last answer was taken",
    "waiting  it has not been asked yet",
    "stale    its last answer is older than the one held, or contradicts it",
    "shrunk   its last answer lacks too many nodes: held back",
    "failing  it gives no answer: its last good list stays",
    "dropped  it was silent too long: its nodes are off the list",
];

/// What tones look like. Every one of them is also told in words.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    /// Whether there may be colour.
    pub is_coloured: bool,
}

impl Palette {
    fn style(self, tone: Tone) -> Style {
        let (colour, modifier) = match tone {
            Tone::Plain => (None, Modifier::empty()),
            Tone::Good => (Some(Color::Green), Modifier::empty()),
            Tone::Doubtful => (Some(Color::Yellow), Modifier::empty()),
            Tone::Bad => (Some(Color::Red), Modifier::BOLD),
            Tone::Faint => (None, Modifier::DIM),
            Tone::Head => (None, Modifier::BOLD),
        };
        let style = Style::new().add_modifier(modifier);
        match colour {
            Some(colour) if self.is_coloured => style.fg(colour),
            _ => style,
        }
    }
}

/// Draws it as it is at `now`.
pub fn draw(frame: &mut Frame, view: &mut View, palette: Palette, now: Instant) {
    let area = frame.area();
    if area.width < COLUMNS_MIN || area.height < ROWS_MIN {
        return too_small(frame, area);
    }
    let head = headlines(view, area, palette, now);
    let heights = [Constraint::Length(head.len() as u16), Constraint::Min(0), Constraint::Length(1)];
    let [top, middle, foot] = Layout::vertical(heights).areas(area);
    frame.render_widget(Paragraph::new(head), top);
    // What there is and its frame, up to a good third of the place.
    let sources = view.rows(Pane::Sources).saturating_add(2);
    let sources = u16::try_from(sources).unwrap_or(u16::MAX).min((middle.height * 2 / 5).max(5));
    let [upper, lower] = Layout::vertical([Constraint::Length(sources), Constraint::Min(3)]).areas(middle);
    pane(frame, upper, view, &[Pane::Sources], palette);
    if area.width >= COLUMNS_ALL && area.height >= ROWS_ALL {
        let halves = [Constraint::Percentage(50), Constraint::Percentage(50)];
        let [left, right] = Layout::horizontal(halves).areas(lower);
        let thirds = [Constraint::Fill(2), Constraint::Fill(1), Constraint::Length(8)];
        let [changes, clients, limits] = Layout::vertical(thirds).areas(right);
        for (area, one) in
            [(left, Pane::List), (changes, Pane::Changes), (clients, Pane::Clients), (limits, Pane::Limits)]
        {
            pane(frame, area, view, &[one], palette);
        }
    } else {
        pane(frame, lower, view, &Pane::ALL[1..], palette);
    }
    frame.render_widget(Paragraph::new(cut(KEYS, foot.width.into())).style(palette.style(Tone::Faint)), foot);
    if view.is_helping() {
        help(frame, area, palette);
    }
}

/// The rows above the panes, a long one folded, one of several things that are not well cut: they leave the panes most of
/// the place.
fn headlines(view: &View, area: Rect, palette: Palette, now: Instant) -> Vec<Line<'static>> {
    let columns = usize::from(area.width);
    let mut rows = view.head(now, usize::from(area.height / 5));
    let traffic = view.traffic(columns);
    rows.push(Row { tone: if view.is_old() { Tone::Faint } else { traffic.tone }, ..traffic });
    let lines = |row: Row| {
        let style = palette.style(row.tone);
        let lines = match row.text.starts_with(ITEM) {
            true => vec![cut(&row.text, columns)],
            false => fold(&row.text, columns),
        };
        lines.into_iter().map(move |line| Line::styled(line, style))
    };
    rows.into_iter().flat_map(lines).collect()
}

/// A frame with the one of these panes in it that is looked at; the others are named only.
fn pane(frame: &mut Frame, area: Rect, view: &mut View, panes: &[Pane], palette: Palette) {
    let (focus, lower, is_old) = (view.focus(), view.lower(), view.is_old());
    let shown = if let [one] = panes { *one } else { lower };
    let columns = usize::from(area.width.saturating_sub(2));
    let page = view.page(shown, usize::from(area.height.saturating_sub(2)));
    let mut title = vec![Span::raw(" ")];
    for pane in panes {
        let style = palette.style(if *pane == shown { Tone::Head } else { Tone::Faint });
        let name = pane.name();
        let name = if *pane == focus { format!("[{name}]") } else { name.to_owned() };
        title.extend([Span::styled(name, style), Span::raw(" ")]);
    }
    let block = Block::bordered().title(Line::from(title));
    let block = match extent(&page) {
        Some(words) => block.title(Line::from(words).right_aligned()),
        None => block,
    };
    let line = |row: &Row| {
        let text: String = row.text.chars().skip(page.across).collect();
        let style = palette.style(row.tone);
        let style = if is_old { style.add_modifier(Modifier::DIM) } else { style };
        Line::styled(cut(&text, columns), style)
    };
    let lines: Vec<Line> = page.head.into_iter().chain(page.shown).map(line).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// Which rows are shown, where it is not all.
fn extent(page: &Page) -> Option<String> {
    (page.shown.len() < page.of)
        .then(|| format!(" {}-{} of {} ", page.from + 1, page.from + page.shown.len(), page.of))
}

fn help(frame: &mut Frame, area: Rect, palette: Palette) {
    let widest = HELP.iter().map(|line| width(line)).max().unwrap_or_default() as u16;
    let (columns, rows) = ((widest + 4).min(area.width), (HELP.len() as u16 + 2).min(area.height));
    let place = Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - rows) / 2,
        width: columns,
        height: rows,
    };
    let block = Block::bordered().title(Line::styled(" Help ", palette.style(Tone::Head)));
    frame.render_widget(Clear, place);
    let lines = HELP.map(|line| Line::raw(format!(" {line}")));
    frame.render_widget(Paragraph::new(lines.to_vec()).block(block), place);
}

fn too_small(frame: &mut Frame, area: Rect) {
    let (columns, rows) = (area.width, area.height);
    let text = format!(
        "This window has {columns}x{rows}; {COLUMNS_MIN}x{ROWS_MIN} is the least. Make it larger, or quit (q) and use mimikyu top --once."
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
}
