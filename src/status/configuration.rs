//! What is in force, and where it was given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The whole of `/config`. It has no secrets, since no setting is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The configuration file; none where there is none.
    pub file: Option<String>,
    /// Every setting but the sources and the rollout.
    pub settings: Vec<Setting>,
    /// The sources, in their order.
    pub sources: Vec<Given>,
    /// The rollout; none where there is none.
    #[serde(default)]
    pub rollout: Option<GivenRollout>,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name in a configuration file.
    pub key: String,
    /// What is in force, as it is written; a list's items with commas between. None where it is off.
    pub value: Option<String>,
    /// What kind of place gave it.
    pub origin: Origin,
    /// Which place: `--poll-interval`, `MIMIKYU_POLL_INTERVAL`, `mimikyu.toml:3`; none for a default.
    #[serde(rename = "where")]
    pub place: Option<String>,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// `upstream`, `static` or `dns`.
    pub kind: String,
    /// What is asked, or the nodes, separated by commas.
    pub target: String,
    /// Its own settings that were given: `fill_ip`, `publish`, `max_shrink`, `drop_after`.
    pub choices: BTreeMap<String, String>,
    /// What kind of place gave it.
    pub origin: Origin,
    /// Which place.
    #[serde(rename = "where")]
    pub place: Option<String>,
}

/// A migration in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenRollout {
    /// Its settings that are in force, by their keys, as they are written; a list's items with commas between.
    pub settings: BTreeMap<String, String>,
    /// What kind of place gave it.
    pub origin: Origin,
    /// Which place.
    #[serde(rename = "where")]
    pub place: Option<String>,
}

/// What kind of place a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// The configuration file.
    File,
    /// Nowhere: it is what it is unless something else is said.
    Default,
}
