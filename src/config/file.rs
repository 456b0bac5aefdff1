//! Settings from a TOML file, read value by value so that every error has its line and key.
//!
//! Not by `serde`'s derive: its errors for an unknown key or a wrong type know the place, but those
//! of our own bounds would not.

mod choices;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Error, Fault, Origin, quoted};
use super::examined::name_twice;
use super::faults::Faults;
use super::key::{Key, nearest};
use super::layer::{Layer, Setting};
use super::{FillIp, Share, Source, SourceKind, source, value};
use crate::limits::{CONFIG_BYTES_MAX, SILENCE_MAX};
use choices::Choices;

type Value<'a> = Spanned<DeValue<'a>>;

/// The keys of a `[[source]]` table that say what it is, of which it has exactly one.
const KINDS: [Key; 3] = [Key::Upstream, Key::Static, Key::Dns];

/// The other keys of one.
const CHOICES: [&str; 5] = ["name", "fill_ip", "publish", "max_shrink", "drop_after"];

/// Shortest `drop_after`; tests use it, nobody else should.
const DROP_AFTER_MIN: Duration = Duration::from_millis(100);

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
                    let text = scalar(known, value.get_ref()).map_err(|fault| fault.at(origin.clone()));
                    faults.note(text.and_then(|text| layer.set(known, &text, origin)));
                }
                None if key == "source" => self.sources(value, &mut layer, faults),
                None => {
                    layer.lacks_sources |= nearest(key, ["source"]).is_some();
                    faults.push(unknown_key(key).at(self.origin(&span, None)));
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

    fn sources(&self, value: &Value, layer: &mut Layer, faults: &mut Faults) {
        let fault = |span: &Range<usize>| {
            Fault::new("source is not an array of tables", "write [[source]] above the keys of each")
                .at(self.origin(span, None))
        };
        let Some(tables) = value.get_ref().as_array() else {
            layer.lacks_sources = true;
            return faults.push(fault(&value.span()));
        };
        // Names of sources that are wrong otherwise: those of the others are compared when all layers are known.
        let mut lost: Vec<Setting<String>> = Vec::new();
        for value in tables.iter() {
            let (name, source) = match value.get_ref().as_table() {
                Some(table) => self.source(table, &value.span(), faults),
                None => (None, faults.note(Err(fault(&value.span())))),
            };
            let origin =
                |known: &Setting<String>, name: &str| (known.value == name).then(|| known.origin.clone());
            if let Some(name) = name {
                let mut kept =
                    layer.sources.iter().filter(|kept| kept.value.name == name.value && source.is_none());
                let first = lost.iter().find_map(|lost| origin(lost, &name.value));
                let first = first.or_else(|| kept.next().map(|kept| kept.origin.clone()));
                if let Some(first) = first {
                    faults.push(name_twice(&name.value, &first).at(name.origin.clone()));
                }
                lost.extend(source.is_none().then_some(name));
            }
            layer.lacks_sources |= source.is_none();
            layer.sources.extend(source);
        }
    }

    /// One `[[source]]` table: its name, and the source unless something about it is wrong.
    fn source(
        &self,
        table: &DeTable,
        header: &Range<usize>,
        faults: &mut Faults,
    ) -> (Option<Setting<String>>, Option<Setting<Source>>) {
        let faults_before = faults.len();
        let (mut name, mut kind) = (None, None);
        let mut choices = Choices::default();
        // Keys that were given, or meant: what is given wrongly is not missing too.
        let mut given = Vec::new();
        for (key, span, value) in in_order(table) {
            let origin = || self.origin(&value.span(), Some(key));
            let is_kind = |key: &str| KINDS.iter().any(|kind| kind.name() == key);
            if key == "name" {
                name = faults.note(self.name(value));
            } else if is_kind(key) && given.iter().copied().any(is_kind) {
                let cure = "give it a [[source]] table of its own";
                faults.push(Fault::new("a second place for one source", cure).at(origin()));
            } else if is_kind(key) {
                kind = self.kind(key, value, faults);
            } else if faults.note(self.choice(key, value, &mut choices)) == Some(false) {
                faults.push(unknown_source_key(key).at(self.origin(&span, None)));
                given.extend(nearest_of_source(key));
            }
            given.push(key);
        }
        let missing = |what, cure| Fault::new(what, cure).at(self.origin(header, None));
        if !given.contains(&"name") {
            faults.push(missing("the source has no name", "add name = \"…\""));
        }
        if !KINDS.iter().any(|kind| given.contains(&kind.name())) {
            faults.push(missing("the source has no place", "add one of upstream, static and dns to it"));
        }
        if let Some(kind) = &kind {
            choices.check(kind, faults);
        }
        let source = match (&name, kind) {
            (Some(Setting { value, origin }), Some(kind)) if faults.len() == faults_before => {
                let source = choices.put(Source::new(value.clone(), kind));
                Some(Setting { value: source, origin: origin.clone() })
            }
            _ => None,
        };
        (name, source)
    }

    fn name(&self, value: &Value) -> Result<Setting<String>, Error> {
        let origin = self.origin(&value.span(), Some("name"));
        let text = self.string(value, "name")?;
        source::check_name(text).map_err(|fault| fault.at(origin.clone()))?;
        Ok(Setting { value: text.to_owned(), origin })
    }

    fn kind(&self, key: &str, value: &Value, faults: &mut Faults) -> Option<SourceKind> {
        if key == Key::Static.name() {
            return self.nodes(value, faults).map(SourceKind::Static);
        }
        let place = faults.note(self.host_port(value, key))?;
        Some(if key == Key::Dns.name() { SourceKind::Dns(place) } else { SourceKind::Endpoint(place) })
    }

    /// Reads what else a source may have. False where the key is none of these.
    fn choice(&self, key: &str, value: &Value, choices: &mut Choices) -> Result<bool, Error> {
        let origin = self.origin(&value.span(), Some(key));
        match key {
            "fill_ip" => choices.fill_ip = Some((self.fill_ip(value)?, origin)),
            "publish" => {
                let wrong = || wrong_type("a boolean", "write true or false", value).at(origin.clone());
                choices.publish = Some((value.get_ref().as_bool().ok_or_else(wrong)?, origin));
            }
            "max_shrink" => {
                let share = scalar(Key::MaxShrink, value.get_ref()).and_then(|text| Share::new(&text));
                choices.max_shrink = Some((share.map_err(|fault| fault.at(origin.clone()))?, origin));
            }
            "drop_after" => {
                let time = value::duration(self.string(value, key)?, DROP_AFTER_MIN..=SILENCE_MAX);
                choices.drop_after = Some((time.map_err(|fault| fault.at(origin.clone()))?, origin));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn fill_ip(&self, value: &Value) -> Result<FillIp, Error> {
        match self.string(value, "fill_ip")? {
            "missing" => Ok(FillIp::Missing),
            "never" => Ok(FillIp::Never),
            other => {
                let fault =
                    Fault::new(format!("{} is not a choice", quoted(other)), "write missing or never");
                Err(fault.at(self.origin(&value.span(), Some("fill_ip"))))
            }
        }
    }

    fn nodes(&self, value: &Value, faults: &mut Faults) -> Option<Vec<super::HostPort>> {
        let origin = self.origin(&value.span(), Some("static"));
        let Some(items) = value.get_ref().as_array() else {
            faults.push(wrong_type("an array", "write static = [\"HOST:PORT\", …]", value).at(origin));
            return None;
        };
        let node = |item| faults.note(self.host_port(item, "static"));
        let nodes: Vec<_> = items.iter().filter_map(node).collect();
        if nodes.len() < items.len() {
            return None;
        }
        faults.note(source::check_nodes(nodes).map_err(|fault| fault.at(origin)))
    }

    fn host_port(&self, value: &Value, key: &str) -> Result<super::HostPort, Error> {
        let parsed = self.string(value, key)?.parse();
        parsed.map_err(|fault: Fault| fault.at(self.origin(&value.span(), Some(key))))
    }

    fn string<'v>(&self, value: &'v Value, key: &str) -> Result<&'v str, Error> {
        let fault = || wrong_type("a string", "put it in quotes", value);
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

/// The text of a value that is not a list, if it has the type of its key.
fn scalar(key: Key, value: &DeValue) -> Result<String, Fault> {
    let counts = matches!(
        key,
        Key::Workers
            | Key::VersionBase
            | Key::ConnectionsMax
            | Key::ConnectionsPerIpMax
            | Key::ClientsTrackedMax
    );
    let (wanted, cure) =
        if counts { ("an integer", "write it without quotes") } else { ("a string", "put it in quotes") };
    match (key, value) {
        (_, DeValue::Integer(number)) if counts => {
            let decimal = i128::from_str_radix(number.as_str(), number.radix());
            Ok(decimal.map_or_else(|_| number.to_string(), |number| number.to_string()))
        }
        // A bare 0 is a time, and of any other number the cure is to write the unit.
        (
            Key::PollInterval | Key::PollTimeout | Key::StartupGrace | Key::RequestTimeout | Key::IdleTimeout,
            DeValue::Integer(number),
        ) if number.radix() == 10 && !number.as_str().starts_with(['+', '-']) => {
            Ok(number.as_str().to_owned())
        }
        (Key::MaxShrink, DeValue::Float(number)) => Ok(number.as_str().to_owned()),
        (_, DeValue::String(text)) if !counts => Ok(text.to_string()),
        _ => Err(Fault::new(format!("expected {wanted}, found {}", article(value)), cure)),
    }
}

fn wrong_type(wanted: &str, cure: &str, found: &Value) -> Fault {
    Fault::new(format!("expected {wanted}, found {}", article(found.get_ref())), cure)
}

fn article(value: &DeValue) -> String {
    match value.type_str() {
        name if name.starts_with(['a', 'i']) => format!("an {name}"),
        name => format!("a {name}"),
    }
}

fn unknown_key(key: &str) -> Fault {
    let what = format!("unknown key {}", quoted(key));
    if KINDS.iter().any(|kind| kind.name() == key) || CHOICES.contains(&key) {
        return Fault::new(what, "put it in a [[source]] table");
    }
    let known = || Key::ALL.into_iter().filter(|key| !key.is_source()).map(Key::name).chain(["source"]);
    match nearest(key, known()) {
        Some(meant) => Fault::new(what, format!("did you mean \"{meant}\"?")),
        None => Fault::new(what, format!("known are {}", known().collect::<Vec<_>>().join(", "))),
    }
}

fn unknown_source_key(key: &str) -> Fault {
    let what = format!("unknown key {} of a source", quoted(key));
    if Key::ALL.iter().any(|known| known.name() == key) {
        return Fault::new(what, "put it above the first [[source]]");
    }
    match nearest_of_source(key) {
        Some(meant) => Fault::new(what, format!("did you mean \"{meant}\"?")),
        None => Fault::new(
            what,
            "known are name, upstream, static, dns, fill_ip, publish, max_shrink, drop_after",
        ),
    }
}

/// The key of a source that a misspelt one probably means.
fn nearest_of_source(key: &str) -> Option<&'static str> {
    nearest(key, KINDS.map(Key::name).into_iter().chain(CHOICES))
}
