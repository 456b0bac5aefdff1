//! Settings from a TOML file, read value by value so that every error has its line and key.
//!
//! Not by `serde`'s derive: its errors for an unknown key or a wrong type know the place, but those
//! of our own bounds would not.

mod choices;
mod moment;
mod rollout;
mod scalar;
mod sources;
mod tables;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Error, Fault, Origin};
use super::faults::Faults;
use super::key::{Key, nearest};
use super::layer::Layer;
use crate::limits::CONFIG_BYTES_MAX;
use scalar::{Type, wrong_type};
use tables::Table;

type Value<'a> = Spanned<DeValue<'a>>;

/// Reads a configuration file.
pub fn from_file(path: &Path) -> Result<Layer, Error> {
    from_bytes(path, &read(path)?)
}

/// Reads what a configuration file of this name has in it, or would.
pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Layer, Error> {
    let (layer, faults) = all_from_bytes(path, bytes);
    faults.unless(layer)
}

/// The same, with everything that is wrong; what it is wrong with is left out.
pub fn all_from_bytes(path: &Path, bytes: &[u8]) -> (Layer, Faults) {
    let mut faults = Faults::default();
    let layer = match text(bytes) {
        Ok(text) => Document { path, text }.layer(&mut faults),
        Err(fault) => {
            faults.push(fault.at(whole(path)));
            None
        }
    };
    // Of one that is no text, or not TOML, nobody knows which sources it has.
    let unread = || Layer { file: Some(path.into()), lacks_sources: true, ..Layer::default() };
    (layer.unwrap_or_else(unread), faults)
}

/// The file and no place in it.
fn whole(path: &Path) -> Origin {
    Origin::File { path: path.into(), line: None, key: None }
}

/// What a configuration file has in it: one byte more than it may have at most.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let file = File::open(path);
    file.and_then(|file| file.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(|error| {
        let fault = Fault::new(format!("cannot be read: {error}"), "check the path and its permissions");
        fault.at(whole(path))
    })?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    if bytes.len() as u64 > CONFIG_BYTES_MAX {
        let what = format!("the file has more than {CONFIG_BYTES_MAX} bytes");
        return Err(Fault::new(what, "check that it is the configuration"));
    }
    str::from_utf8(bytes)
        .map_err(|_| Fault::new("the file is not UTF-8 text", "check that it is the configuration"))
}

/// The text being read, which turns positions into lines.
struct Document<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Document<'_> {
    /// What it says; nothing where it is not TOML.
    fn layer(&self, faults: &mut Faults) -> Option<Layer> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        if !errors.is_empty() {
            self.not_toml(errors, faults);
            return None;
        }
        let mut layer = Layer { file: Some(self.path.into()), ..Layer::default() };
        for (key, span, value) in in_order(table.get_ref()) {
            let known = Key::ALL.into_iter().find(|known| known.name() == key && !known.is_source());
            match known {
                Some(known) if known.is_list() => self.list(known, value, &mut layer, faults),
                Some(known) => {
                    let origin = self.origin(&value.span(), Some(key));
                    let text =
                        Type::of(known).text(value.get_ref()).map_err(|fault| fault.at(origin.clone()));
                    faults.note(text.and_then(|text| layer.set(known, &text, origin)));
                }
                None if key == "source" => self.sources(value, &mut layer, faults),
                None if key == "rollout" => self.rollout(&span, value, &mut layer, faults),
                None => {
                    layer.lacks_sources |= nearest(key, ["source"]).is_some();
                    faults.push(Table::Top.unknown(key).at(self.origin(&span, None)));
                }
            }
        }
        Some(layer)
    }

    /// What the parser dislikes, a line at most once: it comes back to what it could not make sense of.
    fn not_toml(&self, mut errors: Vec<toml::de::Error>, faults: &mut Faults) {
        // They come in the order in which the parser's passes met them; a reader wants the first in the file.
        // One (too many dots in a key) comes without its place.
        errors.sort_by_key(|error| error.span().map_or(usize::MAX, |span| span.start));
        let mut last = None;
        for error in errors {
            let what = error.message().trim().replace('\n', ", ");
            let (origin, cure) = match error.span() {
                Some(span) => (self.origin(&span, None), "correct the line"),
                None => (whole(self.path), "correct the file"),
            };
            if last.as_ref() != Some(&origin) {
                faults.push(Fault::new(format!("not TOML: {what}"), cure).at(origin.clone()));
            }
            last = Some(origin);
        }
    }

    /// One address or network, or an array of them.
    fn list(&self, key: Key, value: &Value, layer: &mut Layer, faults: &mut Faults) {
        let one = std::slice::from_ref(value);
        let items = value.get_ref().as_array().map_or(one, |array| array);
        if items.is_empty() {
            // An empty list of networks could mean all or none of them.
            let all = if key == Key::Allow { "every network" } else { "0.0.0.0:11211" };
            let fault = Fault::new("the list is empty", format!("leave the key out for {all}"));
            faults.push(fault.at(self.origin(&value.span(), Some(key.name()))));
        }
        for item in items {
            let text = self.string(item, key.name());
            let origin = self.origin(&item.span(), Some(key.name()));
            faults.note(text.and_then(|text| layer.set(key, text, origin)));
        }
    }

    fn string<'v>(&self, value: &'v Value, key: &str) -> Result<&'v str, Error> {
        let fault = || wrong_type("a string", "put it in quotes", value.get_ref());
        value.get_ref().as_str().ok_or_else(|| fault().at(self.origin(&value.span(), Some(key))))
    }

    fn origin(&self, span: &Range<usize>, key: Option<&str>) -> Origin {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Origin::File { path: self.path.into(), line: Some(line), key: key.map(str::to_owned) }
    }
}

/// A table's entries as the file has them, so that the first error in the file is the one reported.
fn in_order<'t>(table: &'t DeTable) -> Vec<(&'t str, Range<usize>, &'t Value<'t>)> {
    let entries = table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value));
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|(_, span, _)| span.start);
    entries
}
