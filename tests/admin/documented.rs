//! `docs/admin.md` has every path and every field, and its examples are true.

use std::collections::BTreeSet;

use mimikyu::status::{Configuration, History, RolloutPlan, Status};
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("../../docs/admin.md");

/// The examples of the document, in their order: `/status`, `/config`, `/history`, `/rollout`.
fn examples() -> Vec<&'static str> {
    DOCUMENT.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                found.insert(path.clone());
                // What a source or a rollout may have is named by its settings.
                if key != "choices" && path != "rollout.settings" {
                    keys(value, &path, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, &format!("{path}[]"), found)),
        _ => {}
    }
}

#[test]
fn every_field_is_in_a_table_and_in_an_example() {
    let [status, config, history, rollout] = &examples()[..] else { panic!("four examples") };
    let [status, config, history, rollout] =
        [status, config, history, rollout].map(|text| serde_json::from_str::<Value>(text).unwrap());
    // The types have as many fields as the examples: none is missing there, and none too many.
    let typed = serde_json::from_value::<Status>(status.clone()).unwrap();
    assert_eq!(json!(typed), status);
    let typed = serde_json::from_value::<Configuration>(config.clone()).unwrap();
    assert_eq!(json!(typed), config);
    let typed = serde_json::from_value::<History>(history.clone()).unwrap();
    assert_eq!(json!(typed), history);
    let typed = serde_json::from_value::<RolloutPlan>(rollout.clone()).unwrap();
    assert_eq!(json!(typed), rollout);
    assert_eq!(status["rollout"], rollout["rollout"], "the one is a part of the other");
    // Nothing in the example of `/status` is absent, so that what is below it is seen too.
    assert!(!status["list"].is_null() && !status["sources"][0]["last_error"].is_null());
    assert!(status["audience"]["behind"][0].is_object());
    assert!(status["rollout"]["next"]["moves"][0].is_object() && status["rollout"]["hit_rate"].is_object());
    let mut fields = BTreeSet::new();
    [&status, &config, &history, &rollout].into_iter().for_each(|example| keys(example, "", &mut fields));
    assert!(fields.len() > 60, "{fields:?}");
    let missing: Vec<_> =
        fields.iter().filter(|field| !DOCUMENT.contains(&format!("| `{field}` |"))).collect();
    assert!(missing.is_empty(), "docs/admin.md has no row for {missing:?}");
}

#[test]
fn every_path_is_documented() {
    for path in ["/", "/metrics", "/live", "/ready", "/status", "/config", "/history", "/rollout"] {
        assert!(DOCUMENT.contains(&format!("| `{path}` |")), "{path}");
    }
}
