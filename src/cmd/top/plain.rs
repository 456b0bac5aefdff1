//! Text for eyes: nothing that a terminal would obey, times and counts as people read them, columns.

use ratatui::text::Span;

/// How a row is meant, beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// As it should be.
    Good,
    /// To be looked at.
    Doubtful,
    /// Wrong.
    Bad,
    /// Less important.
    Faint,
    /// Names what is below.
    Head,
}

/// A line, which says all it has to say in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its words; no control character is among them.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

impl Row {
    /// A row of words, whoever wrote them.
    pub fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { text: printable(text.as_ref()), tone }
    }
}

/// The text without what a terminal obeys or hides: controls, and what turns the direction of writing.
pub fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '?',
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => '?',
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => '?',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Columns that the text takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { Span::raw(text).width() }
}

/// What fits into so many columns, with an ellipsis where something does not.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (mut shown, mut taken) = (String::new(), 0);
    for c in text.chars() {
        taken += width(c.encode_utf8(&mut [0; 4]));
        if taken >= columns {
            break;
        }
        shown.push(c);
    }
    if columns > 0 {
        shown.push('…');
    }
    shown
}

/// The text in two lines at most, broken at a space where there is one; what does not fit is cut.
pub fn fold(text: &str, columns: usize) -> Vec<String> {
    if width(text) <= columns {
        return vec![text.to_owned()];
    }
    let fits = |at: &usize| width(&text[..*at]) <= columns;
    let broken = text.match_indices(' ').map(|(at, _)| at).take_while(fits).last();
    match broken.filter(|at| *at > 0) {
        Some(at) => vec![text[..at].to_owned(), cut(&text[at + 1..], columns)],
        None => vec![cut(text, columns)],
    }
}

/// Widest that a column is for the sake of one cell; a wider one moves the rest of its own row.
const COLUMN_MAX: usize = 46;

/// Rows with their cells below each other, two spaces between; the first is the head.
pub fn table(rows: Vec<(Tone, Vec<String>)>) -> Vec<Row> {
    let rows: Vec<(Tone, Vec<String>)> =
        rows.into_iter().map(|(tone, cells)| (tone, cells.iter().map(|c| printable(c)).collect())).collect();
    let mut widths: Vec<usize> = Vec::new();
    for (_, cells) in &rows {
        widths.resize(widths.len().max(cells.len()), 0);
        for (column, cell) in widths.iter_mut().zip(cells) {
            *column = (*column).max(width(cell)).min(COLUMN_MAX);
        }
    }
    let laid = |(tone, cells): (Tone, Vec<String>)| {
        let mut text = String::new();
        for (cell, column) in cells.iter().zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', column.saturating_sub(width(cell)) + 2));
        }
        Row { text: text.trim_end().to_owned(), tone }
    };
    rows.into_iter().map(laid).collect()
}

/// A time that passed, in its two largest units: `3 s`, `12 min`, `3 h 12 min`, `5 d 3 h`.
pub fn elapsed(seconds: f64) -> String {
    // What is no number or negative becomes 0, what is too large the largest.
    let seconds = seconds as u64;
    let two = |large: u64, of: &str, small: u64, by: &str| match small {
        0 => format!("{large} {of}"),
        _ => format!("{large} {of} {small} {by}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// The same in the largest one alone, where there is little place.
pub fn largest(seconds: f64) -> String {
    elapsed(seconds).split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// A count with its thousands apart: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 node`, `2 nodes`.
pub fn some(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", count(number as u64), if number == 1 { "" } else { "s" })
}

/// The time of day of a point in time, or its date where it was another day than `now`.
pub fn clock(at: &str, now: &str) -> String {
    let (date, time) = (at.get(..10), at.get(11..19));
    match (date, time) {
        (Some(date), Some(time)) if now.get(..10) == Some(date) => time.to_owned(),
        (Some(date), Some(time)) => format!("{date} {time}"),
        _ => at.to_owned(),
    }
}

/// The last of these numbers as a chart of so many columns.
pub fn chart(numbers: &[u64], columns: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let last = &numbers[numbers.len().saturating_sub(columns)..];
    let most = last.iter().copied().max().unwrap_or_default().max(1);
    // Nothing is the lowest bar alone, the most is the highest.
    let bar = |number: &u64| BARS[(u128::from(*number) * 7).div_ceil(u128::from(most)) as usize];
    last.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let hostile = "a\x1b[2J\x07b\u{9b}31m\r\n\x7f\t\u{202e}c\u{200b}\u{feff}é";
        assert_eq!(printable(hostile), "a?[2J?b?31m??? ?c??é");
        for c in (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32) {
            assert!(!Row::new(Tone::Plain, c.to_string()).text.contains(char::is_control), "{c:?}");
        }
    }

    #[test]
    fn times_and_counts_read_well() {
        for (seconds, words) in [
            (0.9, "0 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (3599.0, "59 min"),
            (3600.0, "1 h"),
            (11_520.0, "3 h 12 min"),
            (86_400.0, "1 d"),
            (442_800.0, "5 d 3 h"),
            (-1.0, "0 s"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(elapsed(seconds), words);
        }
        assert_eq!((largest(11_520.0), largest(59.0)), ("3 h".into(), "59 s".into()));
        assert!(elapsed(f64::INFINITY).ends_with(" h"));
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((some(1, "node"), some(1000, "node")), ("1 node".into(), "1,000 nodes".into()));
        assert_eq!(clock("2026-11-22T10:00:01.000Z", "2026-11-22T10:00:05.000Z"), "10:00:01");
        assert_eq!(clock("2026-11-21T10:00:01.000Z", "2026-11-22T10:00:05.000Z"), "2026-11-21 10:00:01");
        assert_eq!(clock("é", ""), "é");
    }

    #[test]
    fn what_does_not_fit_is_cut_with_an_ellipsis() {
        assert_eq!((cut("abc", 3), cut("abcd", 3), cut("abc", 0)), ("abc".into(), "ab…".into(), "".into()));
        // Two columns a character.
        assert_eq!((cut("日本語", 6), cut("日本語", 5)), ("日本語".into(), "日本…".into()));
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(
            (fold("ab cd", 5), fold("ab cd", 4)),
            (vec!["ab cd".into()], vec!["ab".into(), "cd".to_owned()])
        );
        assert_eq!(fold("ab cd ef gh", 5), ["ab cd", "ef gh"]);
        assert_eq!(
            (fold("ab cd ef ghi", 5), fold("abcdef", 3)),
            (vec!["ab cd".into(), "ef g…".into()], vec!["ab…".to_owned()])
        );
    }

    #[test]
    fn columns_are_below_each_other_and_one_wide_cell_moves_its_own_row_alone() {
        let row = |cells: [&str; 2]| (Tone::Plain, cells.map(str::to_owned).to_vec());
        let rows = table(vec![row(["a", "b"]), row(["日本", "c"]), row([&"x".repeat(50), "d"])]);
        assert_eq!(rows[0].text, format!("a{}b", " ".repeat(47)));
        assert_eq!(rows[1].text, format!("日本{}c", " ".repeat(44)));
        assert_eq!(rows[2].text, format!("{}  d", "x".repeat(50)));
    }

    #[test]
    fn a_chart_shows_the_last_and_its_most_is_the_highest() {
        assert_eq!(chart(&[9, 0, 1, 7, 14], 4), "▁▂▅█");
        assert_eq!(
            (chart(&[0, 0], 9), chart(&[], 9), chart(&[u64::MAX, 1], 2)),
            ("▁▁".into(), "".into(), "█▂".into())
        );
    }
}
