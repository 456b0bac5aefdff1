//! `mimikyu plan`: what ways from one list to another cost which clients.

mod advice;
mod chart;
mod error;
mod html;
mod json;
mod keys;
mod reckon;
mod source;
mod table;

use std::process::ExitCode;

use mimikyu::cluster::Node;
use mimikyu::plan::{Advice, Batch, Family, Keys, KnownBy, Outlook, Strategy};

use super::{Failure, output};
use crate::cli::{Plan, PlanFormat};
use keys::Origin;

/// Everything that was reckoned, for whoever writes it.
struct Reckoned {
    from: Side,
    to: Side,
    batch: Batch,
    keys: Keys,
    keys_origin: Origin,
    ways: Vec<Way>,
    /// By family first, in the order of the ways then.
    outlooks: Vec<Outlook>,
    advice: Advice,
}

/// One of the two lists.
struct Side {
    /// As it was named.
    name: String,
    nodes: Vec<Node>,
}

/// A strategy and the lists that it leads through.
struct Way {
    strategy: Strategy,
    lists: Vec<Vec<Node>>,
}

impl Reckoned {
    /// Nodes that change in a step, at most.
    fn batch_nodes(&self) -> usize {
        self.batch.nodes(self.from.nodes.len().max(self.to.nodes.len()))
    }

    fn families(&self) -> impl Iterator<Item = Family> {
        self.advice.alone.iter().map(|(family, _)| *family)
    }

    /// The outlooks of a family, in the order of the strategies.
    fn of(&self, family: Family) -> impl Iterator<Item = &Outlook> + Clone {
        self.outlooks.iter().filter(move |outlook| outlook.family == family)
    }

    /// What to bear in mind with these lists.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let nodes = || self.from.nodes.iter().chain(&self.to.nodes);
        let without_ip = nodes().filter(|node| node.ip.is_empty()).count();
        let by_ip: Vec<_> = self.families().filter(|family| family.known_by() == KnownBy::Ip).collect();
        if without_ip > 0 && !by_ip.is_empty() {
            let names: Vec<_> = by_ip.into_iter().map(Family::name).collect();
            notes.push(format!(
                "the ip of {without_ip} nodes is not known, so their host stands for it with {}; write host|ip|port",
                names.join(", ")
            ));
        }
        let shared = |node: &&Node| self.to.nodes.iter().any(|other| other.identity() == node.identity());
        match self.from.nodes.iter().filter(shared).count() {
            0 => {}
            all if self.from.nodes == self.to.nodes => {
                notes.push(format!("both lists are the same {all} nodes: there is nothing to do"));
            }
            some => notes.push(format!(
                "{some} nodes are in both lists: they stay, and where they are to stand elsewhere, the last steps do that"
            )),
        }
        notes
    }
}

/// Finds the lists and the keys, reckons, and writes the outcome.
pub fn run(plan: &Plan) -> Result<ExitCode, Failure> {
    let (keys, keys_origin) = keys::read(plan.keys.as_deref())?;
    let side = |source, flag| -> Result<Side, Failure> {
        let (name, nodes) = source::nodes(source, flag, plan)?;
        Ok(Side { name, nodes })
    };
    let (from, to) = (side(&plan.from, "--from")?, side(&plan.to, "--to")?);
    let way = |strategy: &Strategy| Way {
        strategy: *strategy,
        lists: strategy.lists(&from.nodes, &to.nodes, plan.batch),
    };
    let ways: Vec<Way> = plan.strategies.iter().map(way).collect();
    let outlooks = reckon::outlooks(&plan.families, &ways, &keys);
    let advice = Advice::of(&outlooks).expect("clap and `cli::plan` leave a family and a strategy at least");
    let reckoned = Reckoned { from, to, batch: plan.batch, keys, keys_origin, ways, outlooks, advice };
    let text = match plan.format {
        PlanFormat::Table => table::text(&reckoned),
        PlanFormat::Json => json::text(&reckoned),
        PlanFormat::Html => html::page(&reckoned),
    };
    output::write(text)?;
    Ok(ExitCode::SUCCESS)
}
