//! The `[[source]]` tables.

use std::ops::Range;
use std::time::Duration;

use toml::de::DeTable;

use super::super::error::{Error, Fault, quoted};
use super::super::examined::name_twice;
use super::super::faults::Faults;
use super::super::key::Key;
use super::super::layer::{Layer, Setting};
use super::super::{FillIp, HostPort, Share, Source, SourceKind, source, value};
use super::choices::Choices;
use super::scalar::{Type, wrong_type};
use super::tables::{KINDS, Table};
use super::{Document, Value, in_order};
use crate::limits::SILENCE_MAX;

/// Shortest `drop_after`; tests use it, nobody else should.
const DROP_AFTER_MIN: Duration = Duration::from_millis(100);

impl Document<'_> {
    pub(super) fn sources(&self, value: &Value, layer: &mut Layer, faults: &mut Faults) {
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
                faults.push(Table::Source.unknown(key).at(self.origin(&span, None)));
                given.extend(Table::Source.nearest(key));
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
                let wrong =
                    || wrong_type("a boolean", "write true or false", value.get_ref()).at(origin.clone());
                choices.publish = Some((value.get_ref().as_bool().ok_or_else(wrong)?, origin));
            }
            "max_shrink" => {
                let share = Type::Share.text(value.get_ref()).and_then(|text| Share::new(&text));
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

    fn nodes(&self, value: &Value, faults: &mut Faults) -> Option<Vec<HostPort>> {
        let origin = self.origin(&value.span(), Some("static"));
        let Some(items) = value.get_ref().as_array() else {
            faults.push(
                wrong_type("an array", "write static = [\"HOST:PORT\", …]", value.get_ref()).at(origin),
            );
            return None;
        };
        let node = |item| faults.note(self.host_port(item, "static"));
        let nodes: Vec<_> = items.iter().filter_map(node).collect();
        if nodes.len() < items.len() {
            return None;
        }
        faults.note(source::check_nodes(nodes).map_err(|fault| fault.at(origin)))
    }

    fn host_port(&self, value: &Value, key: &str) -> Result<HostPort, Error> {
        let parsed = self.string(value, key)?.parse();
        parsed.map_err(|fault: Fault| fault.at(self.origin(&value.span(), Some(key))))
    }
}
