//! Settings from a TOML file, read value by value so that every error has its line and key.
//!
//! Not by `serde`'s derive: its errors for an unknown key or a wrong type know the place, but those
//! of our own bounds would not.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Error, Fault, Origin, quoted};
use super::key::{Key, nearest};
use super::layer::{Layer, Setting};
use super::{FillIp, MaxShrink, Source, SourceKind, source, value};
use crate::limits::{CONFIG_BYTES_MAX, SILENCE_MAX};

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
    let text = text(bytes).map_err(|fault| fault.at(whole(path)))?;
    Document { path, text }.layer()
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
    fn layer(&self) -> Result<Layer, Error> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        // They come in the order in which the parser's passes met them; a reader wants the first in the file.
        // One (too many dots in a key) comes without its place.
        let first = errors.iter().min_by_key(|error| error.span().map_or(usize::MAX, |span| span.start));
        if let Some(error) = first {
            let what = error.message().trim().replace('\n', ", ");
            let (origin, cure) = match error.span() {
                Some(span) => (self.origin(&span, None), "correct the line"),
                None => (Origin::File { path: self.path.into(), line: None, key: None }, "correct the file"),
            };
            return Err(Fault::new(format!("not TOML: {what}"), cure).at(origin));
        }
        let mut layer = Layer { file: Some(self.path.into()), ..Layer::default() };
        for (key, span, value) in in_order(table.get_ref()) {
            let known = Key::ALL.into_iter().find(|known| known.name() == key && !known.is_source());
            match known {
                Some(known) if known.is_list() => self.list(known, value, &mut layer)?,
                Some(known) => {
                    let origin = self.origin(&value.span(), Some(key));
                    let text = scalar(known, value.get_ref()).map_err(|fault| fault.at(origin.clone()))?;
                    layer.set(known, &text, origin)?;
                }
                None if key == "source" => layer.sources = self.sources(value)?,
                None => return Err(unknown_key(key).at(self.origin(&span, None))),
            }
        }
        Ok(layer)
    }

    /// One address or network, or an array of them.
    fn list(&self, key: Key, value: &Value, layer: &mut Layer) -> Result<(), Error> {
        let one = std::slice::from_ref(value);
        let items = value.get_ref().as_array().map_or(one, |array| array);
        if items.is_empty() {
            // An empty list of networks could mean all or none of them.
            let all = if key == Key::Allow { "every network" } else { "0.0.0.0:11211" };
            let fault = Fault::new("the list is empty", format!("leave the key out for {all}"));
            return Err(fault.at(self.origin(&value.span(), Some(key.name()))));
        }
        items.iter().try_for_each(|item| {
            let text = self.string(item, key.name())?;
            layer.set(key, text, self.origin(&item.span(), Some(key.name())))
        })
    }

    fn sources(&self, value: &Value) -> Result<Vec<Setting<Source>>, Error> {
        let fault = |span: &Range<usize>| {
            Fault::new("source is not an array of tables", "write [[source]] above the keys of each")
                .at(self.origin(span, None))
        };
        let tables = value.get_ref().as_array().ok_or_else(|| fault(&value.span()))?;
        let table = |value: &Value| match value.get_ref().as_table() {
            Some(table) => self.source(table, &value.span()),
            None => Err(fault(&value.span())),
        };
        tables.iter().map(table).collect()
    }

    /// One `[[source]]` table.
    fn source(&self, table: &DeTable, header: &Range<usize>) -> Result<Setting<Source>, Error> {
        let (mut name, mut kind) = (None, None);
        let mut choices = Choices::default();
        for (key, span, value) in in_order(table) {
            let origin = || self.origin(&value.span(), Some(key));
            if key == "name" {
                let text = self.string(value, key)?;
                source::check_name(text).map_err(|fault| fault.at(origin()))?;
                name = Some(Setting { value: text.to_owned(), origin: origin() });
                continue;
            }
            if self.choice(key, value, &mut choices)? {
                continue;
            }
            let Some(known) = KINDS.into_iter().find(|known| known.name() == key) else {
                return Err(unknown_source_key(key).at(self.origin(&span, None)));
            };
            if kind.is_some() {
                let fault =
                    Fault::new("a second place for one source", "give it a [[source]] table of its own");
                return Err(fault.at(origin()));
            }
            kind = Some(match known {
                Key::Static => SourceKind::Static(self.nodes(value)?),
                Key::Dns => SourceKind::Dns(self.host_port(value, key)?),
                _ => SourceKind::Endpoint(self.host_port(value, key)?),
            });
        }
        let missing = |what, cure| Fault::new(what, cure).at(self.origin(header, None));
        let name = name.ok_or_else(|| missing("the source has no name", "add name = \"…\""))?;
        let kind = kind
            .ok_or_else(|| missing("the source has no place", "add one of upstream, static and dns to it"))?;
        let mut source = Source::new(name.value, kind);
        choices.put(&mut source)?;
        Ok(Setting { value: source, origin: name.origin })
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
                let share = scalar(Key::MaxShrink, value.get_ref()).and_then(|text| MaxShrink::new(&text));
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

    fn nodes(&self, value: &Value) -> Result<Vec<super::HostPort>, Error> {
        let origin = self.origin(&value.span(), Some("static"));
        let Some(items) = value.get_ref().as_array() else {
            return Err(wrong_type("an array", "write static = [\"HOST:PORT\", …]", value).at(origin));
        };
        let nodes: Result<_, _> = items.iter().map(|item| self.host_port(item, "static")).collect();
        source::check_nodes(nodes?).map_err(|fault| fault.at(origin))
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

/// What else a source may have, and where it was given.
#[derive(Default)]
struct Choices {
    fill_ip: Option<(FillIp, Origin)>,
    publish: Option<(bool, Origin)>,
    max_shrink: Option<(MaxShrink, Origin)>,
    drop_after: Option<(Duration, Origin)>,
}

impl Choices {
    /// Gives them to a source, if it is of a kind that has them.
    fn put(self, source: &mut Source) -> Result<(), Error> {
        let is_endpoint = matches!(source.kind, SourceKind::Endpoint(_));
        let is_static = matches!(source.kind, SourceKind::Static(_));
        if let Some((fill_ip, origin)) = self.fill_ip {
            if !is_endpoint {
                return Err(Fault::new("it is for an upstream only", "leave it out").at(origin));
            }
            source.fill_ip = fill_ip;
        }
        if let Some((publish, origin)) = self.publish {
            if is_endpoint && publish {
                let cure = "leave it out, or give plain memcached nodes by static or dns";
                return Err(Fault::new("an upstream's nodes can't be written to", cure).at(origin));
            }
            source.publish = publish;
        }
        // What is given in the configuration neither shrinks nor falls silent by itself.
        let given = |origin| Fault::new("it is not for a static source", "leave it out").at(origin);
        if let Some((max_shrink, origin)) = self.max_shrink {
            if is_static {
                return Err(given(origin));
            }
            source.max_shrink = Some(max_shrink);
        }
        if let Some((drop_after, origin)) = self.drop_after {
            if is_static {
                return Err(given(origin));
            }
            source.drop_after = Some(drop_after);
        }
        Ok(())
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
    let counts =
        matches!(key, Key::Workers | Key::VersionBase | Key::ConnectionsMax | Key::ConnectionsPerIpMax);
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
    match nearest(key, KINDS.map(Key::name).into_iter().chain(CHOICES)) {
        Some(meant) => Fault::new(what, format!("did you mean \"{meant}\"?")),
        None => Fault::new(
            what,
            "known are name, upstream, static, dns, fill_ip, publish, max_shrink, drop_after",
        ),
    }
}

#[cfg(test)]
mod tests;
