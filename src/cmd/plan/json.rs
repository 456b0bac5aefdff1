//! A plan as one JSON document, with everything that was reckoned.

use mimikyu::cluster::Node;
use mimikyu::plan::{Load, Outlook, Step, Worst};
use serde_json::{Value, json};

use super::keys::Origin;
use super::{Reckoned, Side, Way, advice};

/// One document, on one line. Shares are from 0 to 1.
pub fn text(reckoned: &Reckoned) -> String {
    let (seed, file) = match &reckoned.keys_origin {
        Origin::Seed(seed) => (Some(seed), None),
        Origin::File(file) => (None, Some(file.display().to_string())),
    };
    let advice = &reckoned.advice;
    let alone = |(family, worst): &(_, Worst)| json!({ "client": mimikyu::plan::Family::name(*family), "best": one(worst) });
    let document = json!({
        "from": side(&reckoned.from),
        "to": side(&reckoned.to),
        "batch": { "given": reckoned.batch.to_string(), "nodes": reckoned.batch_nodes() },
        "keys": { "count": reckoned.keys.len(), "seed": seed, "file": file },
        "notes": reckoned.notes(),
        "ways": reckoned.ways.iter().map(way).collect::<Vec<_>>(),
        "courses": reckoned.outlooks.iter().map(course).collect::<Vec<_>>(),
        "advice": {
            "best": one(&advice.best),
            "others": advice.others.iter().map(one).collect::<Vec<_>>(),
            "alone": advice.alone.iter().map(alone).collect::<Vec<_>>(),
            "text": advice::line(reckoned),
        },
    });
    format!("{document}\n")
}

fn side(side: &Side) -> Value {
    json!({ "source": side.name, "nodes": texts(&side.nodes) })
}

fn texts(nodes: &[Node]) -> Vec<String> {
    nodes.iter().map(ToString::to_string).collect()
}

fn way(way: &Way) -> Value {
    let lists: Vec<_> = way.lists.iter().map(|list| texts(list)).collect();
    json!({ "strategy": way.strategy.name(), "lists": lists })
}

fn course(outlook: &Outlook) -> Value {
    let Outlook { family, strategy, course } = outlook;
    let (peak, at) = course.peak();
    let step = |(number, step): (usize, &Step)| {
        json!({
            "step": number,
            "nodes": step.nodes,
            "moved": step.moved,
            "moved_in_all": step.moved_in_all,
            "load": load(&step.load),
        })
    };
    json!({
        "client": family.name(),
        "used_by": family.clients(),
        "known_by": family.known_by().name(),
        "strategy": strategy.name(),
        "start": { "nodes": course.nodes, "load": load(&course.load) },
        "steps": (1..).zip(&course.steps).map(step).collect::<Vec<_>>(),
        "worst": { "moved": peak, "step": at },
        "moved_in_all": course.sum(),
    })
}

fn load(load: &Load) -> Value {
    json!({ "min": load.min, "max": load.max, "deviation": load.deviation })
}

fn one(worst: &Worst) -> Value {
    json!({
        "strategy": worst.strategy.name(),
        "moved": worst.peak,
        "step": worst.step,
        "client": worst.family.name(),
        "moved_in_all": worst.sum,
    })
}
