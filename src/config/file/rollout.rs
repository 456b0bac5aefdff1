//! The `[rollout]` table.

#[cfg(test)]
mod tests;

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::super::error::{Error, Fault, Origin, quoted};
use super::super::faults::Faults;
use super::super::key::nearest;
use super::super::layer::{Layer, Setting};
use super::super::{Guard, Rollout, Share, source, value};
use super::scalar::{Type, wrong_type};
use super::tables::Table;
use super::{Document, Value, in_order, moment};
use crate::limits::NODES_MAX;
use crate::plan::{Batch, Family, Strategy};

/// The keys of the table, in the order in which the documentation has them.
pub(super) const KEYS: [&str; 12] = [
    "from",
    "to",
    "strategy",
    "batch",
    "start",
    "interval",
    "hold_at",
    "clients",
    "max_move",
    FLOOR,
    "hit_rate_window",
    "hit_rate_requests_min",
];

/// The key that asks for a guard, which the two behind it are about.
const FLOOR: &str = "hold_below_hit_rate";

/// What a rollout can't be without, and what to write.
const NEEDED: [(&str, &str); 4] = [
    ("from", "add from = \"…\", the source whose nodes leave"),
    ("to", "add to = \"…\", the source whose nodes come"),
    ("start", "add start = 2026-12-01T03:00:00Z, the time of the first step"),
    ("interval", "add interval = \"10m\", the time from one step to the next"),
];

/// Time between two steps. Tests use the shortest, nobody else should: clients ask every minute.
const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(30 * 24 * 3600);

/// The latest step to hold at. No way has more: as many come as a source may have, one at a time, as many go, and as many
/// are brought to their places.
const HOLD_AT_MAX: u64 = 3 * NODES_MAX as u64;

/// How far back requests may count. The shortest is for tests: the nodes are asked some times within it.
const WINDOW: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

/// Most requests that may be asked for: what a large cluster has in some minutes.
const REQUESTS_MAX: u64 = 1_000_000_000;

/// What was read of the table.
#[derive(Default)]
struct Draft {
    from: Option<String>,
    to: Option<String>,
    strategy: Option<Strategy>,
    batch: Batch,
    start: Option<Duration>,
    interval: Option<Duration>,
    hold_at: Option<usize>,
    clients: Option<Vec<Family>>,
    max_move: Share,
    floor: Option<Share>,
    window: Option<Duration>,
    requests_min: Option<u64>,
}

impl Document<'_> {
    pub(super) fn rollout(
        &self,
        header: &Range<usize>,
        value: &Value,
        layer: &mut Layer,
        faults: &mut Faults,
    ) {
        let place = self.origin(header, None);
        let Some(table) = value.get_ref().as_table() else {
            let cure = "write [rollout], once, above its keys";
            return faults.push(Fault::new("rollout is not a table", cure).at(place));
        };
        let faults_before = faults.len();
        let (draft, keys) = self.draft(table, &place, faults);
        if let Some(rollout) = draft.finish().filter(|_| faults.len() == faults_before) {
            layer.rollout = Some(Setting { value: rollout, origin: place });
            layer.rollout_keys = keys;
        }
    }

    /// What the table says, and where it says so. Whatever is wrong is left out.
    fn draft(
        &self,
        table: &DeTable,
        header: &Origin,
        faults: &mut Faults,
    ) -> (Draft, Vec<Setting<&'static str>>) {
        let mut draft = Draft::default();
        let mut keys: Vec<Setting<&'static str>> = Vec::new();
        // Keys that are meant: what is misspelt is not missing too.
        let mut meant = Vec::new();
        for (key, span, value) in in_order(table) {
            let Some(known) = KEYS.into_iter().find(|known| *known == key) else {
                faults.push(Table::Rollout.unknown(key).at(self.origin(&span, None)));
                meant.extend(Table::Rollout.nearest(key));
                continue;
            };
            let origin = self.origin(&value.span(), Some(known));
            if known == "clients" {
                draft.clients = self.clients(value, &origin, faults);
            } else {
                let taken = draft.take(known, value.get_ref());
                faults.note(taken.map_err(|fault| fault.at(origin.clone())));
            }
            keys.push(Setting { value: known, origin });
        }
        let is_meant = |key: &str| meant.contains(&key) || keys.iter().any(|given| given.value == key);
        for (key, cure) in NEEDED.into_iter().filter(|(key, _)| !is_meant(key)) {
            faults.push(Fault::new(format!("the rollout has no {key}"), cure).at(header.clone()));
        }
        let guards = |key: &str| key.starts_with("hit_rate_");
        for key in keys.iter().filter(|key| guards(key.value) && !is_meant(FLOOR)) {
            let fault = Fault::new(format!("it has no effect without {FLOOR}"), "add that, or leave it out");
            faults.push(fault.at(key.origin.clone()));
        }
        (draft, keys)
    }

    /// Families of clients, none of them twice.
    fn clients(&self, value: &Value, origin: &Origin, faults: &mut Faults) -> Option<Vec<Family>> {
        let usual = Rollout::CLIENTS.map(Family::name).join(" and ");
        let Some(items) = value.get_ref().as_array() else {
            let fault = wrong_type("an array", "write clients = [\"…\", …]", value.get_ref());
            return faults.note(Err(fault.at(origin.clone())));
        };
        if items.is_empty() {
            let fault = Fault::new("the list is empty", format!("leave the key out for {usual}"));
            return faults.note(Err(fault.at(origin.clone())));
        }
        let mut clients = Vec::new();
        for item in items.iter() {
            let Some(client) = faults.note(self.client(item)) else { continue };
            if clients.contains(&client) {
                let fault = Fault::new(format!("{} is given twice", client.name()), "give it once");
                faults.push(fault.at(self.origin(&item.span(), Some("clients"))));
            } else {
                clients.push(client);
            }
        }
        Some(clients)
    }

    fn client(&self, item: &Value) -> Result<Family, Error> {
        let name = self.string(item, "clients")?;
        let unknown = || {
            let what = format!("{} is no client", quoted(name));
            unnamed(what, name, &Family::ALL.map(Family::name)).at(self.origin(&item.span(), Some("clients")))
        };
        Family::named(name).ok_or_else(unknown)
    }
}

impl Draft {
    /// Takes the value of any key but `clients`.
    fn take(&mut self, key: &str, value: &DeValue) -> Result<(), Fault> {
        match key {
            "from" => self.from = Some(source_name(value)?),
            "to" => self.to = Some(source_name(value)?),
            "strategy" => self.strategy = Some(strategy(value)?),
            "batch" => self.batch = batch(value)?,
            "start" => self.start = Some(moment::read(value)?),
            "interval" => self.interval = Some(time(value, INTERVAL)?),
            "hold_at" => self.hold_at = Some(count(value, 0..=HOLD_AT_MAX)? as usize),
            "max_move" => self.max_move = Share::new(&Type::Share.text(value)?)?,
            FLOOR => self.floor = Some(floor(value)?),
            "hit_rate_window" => self.window = Some(time(value, WINDOW)?),
            "hit_rate_requests_min" => self.requests_min = Some(count(value, 1..=REQUESTS_MAX)?),
            other => unreachable!("{other} is none of KEYS"),
        }
        Ok(())
    }

    /// The rollout, if it has what it can't be without.
    fn finish(self) -> Option<Rollout> {
        let guard = self.floor.map(|floor| Guard {
            floor,
            window: self.window.unwrap_or(Guard::WINDOW),
            requests_min: self.requests_min.unwrap_or(Guard::REQUESTS_MIN),
        });
        Some(Rollout {
            from: self.from?,
            to: self.to?,
            strategy: self.strategy.unwrap_or(Strategy::Swap),
            batch: self.batch,
            start: self.start?,
            interval: self.interval?,
            hold_at: self.hold_at,
            clients: self.clients.unwrap_or_else(|| Rollout::CLIENTS.to_vec()),
            max_move: self.max_move,
            guard,
        })
    }
}

fn source_name(value: &DeValue) -> Result<String, Fault> {
    source::check_name(&Type::Text.text(value)?).map(str::to_owned)
}

fn strategy(value: &DeValue) -> Result<Strategy, Fault> {
    let name = Type::Text.text(value)?;
    let what = || format!("{} is no strategy", quoted(&name));
    Strategy::named(&name).ok_or_else(|| unnamed(what(), &name, &Strategy::ALL.map(Strategy::name)))
}

/// A word that is none of those known.
fn unnamed(what: String, word: &str, known: &[&str]) -> Fault {
    match nearest(word, known.iter().copied()) {
        Some(meant) => Fault::new(what, format!("did you mean \"{meant}\"?")),
        None => Fault::new(what, format!("known are {}", known.join(", "))),
    }
}

/// Nodes as a number or in quotes, a share in quotes.
fn batch(value: &DeValue) -> Result<Batch, Fault> {
    let text = match value {
        DeValue::Integer(_) => Type::Count.text(value)?,
        DeValue::String(text) => text.to_string(),
        _ => return Err(wrong_type("a number or a string", "write it like 2 or \"20%\"", value)),
    };
    let cure = format!("give nodes from 1 to {NODES_MAX}, or a share from \"1%\" to \"100%\"");
    text.parse().map_err(|_| Fault::new(format!("{} is not a batch", quoted(&text)), cure))
}

fn time(value: &DeValue, bounds: RangeInclusive<Duration>) -> Result<Duration, Fault> {
    value::duration(&Type::Time.text(value)?, bounds)
}

fn count(value: &DeValue, bounds: RangeInclusive<u64>) -> Result<u64, Fault> {
    value::integer(&Type::Count.text(value)?, bounds)
}

/// A share that some requests may miss of: the whole would hold for ever, and no floor is not to name one.
fn floor(value: &DeValue) -> Result<Share, Fault> {
    let text = Type::Share.text(value)?;
    let cure = "give a share below 100%, like 85% or 0.85, or leave the key out";
    match Share::new(&text) {
        Ok(Share::OFF) => Err(Fault::new(format!("{} is out of range", quoted(&text)), cure)),
        Ok(share) => Ok(share),
        Err(fault) => Err(Fault::new(fault.what, cure)),
    }
}
