//! The state file: the list last served and every source's last good answer, over a restart.
//!
//! One line that says what it is and checks the rest, then JSON. Written whole to a second file, synced and
//! renamed, so that there is always one whole file; a file that is absent, torn or of another format never
//! stops a start.

mod open;
mod progress;
mod saver;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, Node, Version};
use crate::config::SourceKind;
use crate::limits::STATE_BYTES_MAX;
use progress::FileProgress;

pub use open::{Claim, Opened, open};
pub use progress::{Progress, Roster};
pub use saver::Saver;

/// The first words of the file; the number changes with the format.
const MAGIC: &str = "mimikyu-state 1";

/// Most of a wrong word that a message repeats, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The list that was served last, and its version, which the next one must not fall below.
    pub served: Option<Cluster>,
    /// The last good answers, in the order of their sources.
    pub sources: Vec<Remembered>,
    /// How far a rollout is, if one has begun.
    pub rollout: Option<Progress>,
}

/// A source's last good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The source's name.
    pub name: String,
    /// What the source was when it answered: see [`identity`].
    pub identity: String,
    /// Its answer; the version is the upstream's, or the count of changes where it has none.
    pub cluster: Cluster,
    /// Its silence, where it had not answered for a while and a restart has to know.
    pub silent: Option<Silent>,
}

/// A silence that goes on over a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silent {
    /// When the source gave its last good answer, in seconds since 1970 by a clock that may be set.
    pub since: u64,
    /// Whether its nodes are off the list for that.
    pub dropped: bool,
}

/// What must be the same for a remembered answer to be this source's.
///
/// An endpoint's address belongs to it: another cluster's version says nothing of the age of its list. So does a DNS
/// name, whose nodes must not outlive it. Static nodes are the configuration's, and only their addresses are remembered.
pub fn identity(kind: &SourceKind) -> String {
    match kind {
        SourceKind::Endpoint(target) => format!("endpoint {target}"),
        SourceKind::Static(_) => "static".into(),
        SourceKind::Dns(target) => format!("dns {target}"),
    }
}

/// Why there is no state to go on from.
#[derive(Debug)]
pub enum Error {
    /// There is no file: a first start.
    Absent(PathBuf),
    /// It can't be read.
    Unreadable(PathBuf, io::Error),
    /// It was not written by this format, or not to its end.
    Damaged(PathBuf, String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(path) => write!(f, "{}: there is no state file yet", path.display()),
            Self::Unreadable(path, source) => {
                write!(f, "{}: the state file can't be read: {source}", path.display())
            }
            Self::Damaged(path, what) => write!(f, "{}: the state file is of no use: {what}", path.display()),
        }
    }
}

impl std::error::Error for Error {}

/// Reads the state.
pub fn load(path: &Path) -> Result<State, Error> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(STATE_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => decode(&bytes).map_err(|what| Error::Damaged(path.into(), what)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Absent(path.into())),
        Err(error) => Err(Error::Unreadable(path.into(), error)),
    }
}

/// Writes the state so that after a crash there is either the last file or this one, whole.
pub fn store(path: &Path, state: &State) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = Path::new(&fresh);
    let written = write(fresh, path, state).and_then(|()| fs::rename(fresh, path));
    if written.is_err() {
        // Where this fails too, the next write starts it anew.
        let _ = fs::remove_file(fresh);
    }
    written?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    // Without this the new name may not survive a power cut; the old file then does.
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Writes and syncs the new file, with the permissions of the one it will replace.
fn write(fresh: &Path, path: &Path, state: &State) -> io::Result<()> {
    let mut file = File::create(fresh)?;
    if let Ok(metadata) = fs::metadata(path) {
        file.set_permissions(metadata.permissions())?;
    }
    file.write_all(&encode(state))?;
    file.sync_all()
}

/// The bytes of the file.
pub fn encode(state: &State) -> Vec<u8> {
    let written = FileState {
        served: state.served.as_ref().map(FileCluster::from),
        sources: state.sources.iter().map(FileSource::from).collect(),
        rollout: state.rollout.as_ref().map(FileProgress::from),
    };
    // Strings, numbers and lists: nothing that JSON can't say.
    let json = serde_json::to_vec_pretty(&written).unwrap_or_default();
    let mut bytes = format!("{MAGIC} {:08x}\n", crc32fast::hash(&json)).into_bytes();
    bytes.extend_from_slice(&json);
    bytes
}

/// The state that the bytes of a file hold, or what is wrong with them.
pub fn decode(bytes: &[u8]) -> Result<State, String> {
    if bytes.len() as u64 > STATE_BYTES_MAX {
        return Err(format!("it has over {STATE_BYTES_MAX} bytes"));
    }
    let end = memchr::memchr(b'\n', bytes).ok_or("it is cut short")?;
    let header = String::from_utf8_lossy(&bytes[..end.min(64)]);
    let Some(checksum) = header.strip_prefix(MAGIC) else {
        return Err(format!("it begins with {header:?} and not with {MAGIC:?}"));
    };
    let json = &bytes[end + 1..];
    if u32::from_str_radix(checksum.trim(), 16) != Ok(crc32fast::hash(json)) {
        return Err("its checksum is wrong: it was cut short or changed".into());
    }
    let read: FileState = serde_json::from_slice(json).map_err(|error| shown(&error.to_string()))?;
    Ok(State {
        served: read.served.map(Cluster::try_from).transpose()?,
        sources: read.sources.into_iter().map(Remembered::try_from).collect::<Result<_, _>>()?,
        rollout: read.rollout.map(Progress::try_from).transpose()?,
    })
}

/// A text for a message: on one line and not too long, whatever the file has in its strings.
fn shown(text: &str) -> String {
    let characters = text.chars().take(SHOWN_CHARS_MAX);
    characters.map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileState {
    served: Option<FileCluster>,
    sources: Vec<FileSource>,
    /// Written only in the course of a rollout: any other file is read by those who know nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rollout: Option<FileProgress>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSource {
    name: String,
    identity: String,
    answer: FileCluster,
    /// Written only for a source with `drop_after`: any other file is read by those who know nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    silent: Option<Silent>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCluster {
    version: u32,
    /// As in a node list.
    nodes: Vec<String>,
}

/// Nodes as in a node list.
fn words(nodes: &[Node]) -> Vec<String> {
    nodes.iter().map(Node::to_string).collect()
}

fn nodes(words: &[String]) -> Result<Vec<Node>, String> {
    let node = |word: &String| word.parse().map_err(|_| format!("{:?} is no node", shown(word)));
    words.iter().map(node).collect()
}

impl From<&Cluster> for FileCluster {
    fn from(cluster: &Cluster) -> Self {
        Self { version: cluster.version.number(), nodes: words(&cluster.nodes) }
    }
}

impl TryFrom<FileCluster> for Cluster {
    type Error = String;

    fn try_from(read: FileCluster) -> Result<Self, String> {
        let version = Version::new(read.version.into()).ok_or("a version is out of range")?;
        if read.nodes.is_empty() {
            return Err("a list is empty".into());
        }
        Ok(Self { version, nodes: nodes(&read.nodes)? })
    }
}

impl From<&Remembered> for FileSource {
    fn from(source: &Remembered) -> Self {
        Self {
            name: source.name.clone(),
            identity: source.identity.clone(),
            answer: (&source.cluster).into(),
            silent: source.silent,
        }
    }
}

impl TryFrom<FileSource> for Remembered {
    type Error = String;

    fn try_from(read: FileSource) -> Result<Self, String> {
        let cluster = read.answer.try_into()?;
        Ok(Self { name: read.name, identity: read.identity, cluster, silent: read.silent })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn state(version: u64) -> State {
        let nodes = vec![Node::new("a.x", "10.0.0.1", 11211), Node::new("b.x", "", 11212)];
        let cluster = Cluster { version: Version::new(version).unwrap(), nodes };
        let source = Remembered {
            name: "alpha".into(),
            identity: "endpoint a:1".into(),
            cluster: cluster.clone(),
            silent: None,
        };
        let silent = Some(Silent { since: 1_763_000_000, dropped: version > 1 });
        let other = Remembered { name: "beta".into(), silent, ..source.clone() };
        let roster = Roster {
            from: cluster.nodes.clone(),
            to: vec![Node::new("c.x", "10.0.0.3", 1)],
            late: cluster.nodes[1..].to_vec(),
        };
        let (start, interval) = (Duration::from_millis(1_763_000_000_001), Duration::from_nanos(7));
        let (identity, way) = ("a to b".into(), "swap of 1".into());
        let (step, behind, hold_at, done) = (3, -2, Some(4), (version > 2).then_some(3));
        let progress = Progress { identity, way, start, interval, step, behind, hold_at, done, roster };
        State {
            served: Some(cluster),
            sources: vec![source, other],
            rollout: (version > 1).then_some(progress),
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        assert!(matches!(load(&path), Err(Error::Absent(_))));
        for version in [1, 2, 3] {
            store(&path, &state(version)).unwrap();
            assert_eq!(load(&path).unwrap(), state(version));
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");
        assert_eq!(decode(&encode(&State::default())), Ok(State::default()));
    }

    #[test]
    fn a_silence_is_written_for_its_source_only() {
        let text = String::from_utf8(encode(&state(2))).unwrap();
        assert_eq!(text.matches("silent").count(), 1, "{text}");
    }

    #[test]
    fn a_torn_or_changed_file_is_known_for_what_it_is() {
        let whole = encode(&state(7));
        for cut in 0..whole.len() {
            assert!(decode(&whole[..cut]).is_err(), "cut at {cut}");
            let mut changed = whole.clone();
            changed[cut] ^= 0x20;
            // Case does not matter in the checksum's own digits.
            assert!(
                decode(&changed).is_err() || (MAGIC.len()..MAGIC.len() + 9).contains(&cut),
                "changed at {cut}"
            );
        }
        let other = [b"mimikyu-state 2 00000000\n{}".as_slice()].concat();
        assert!(decode(&other).unwrap_err().contains("mimikyu-state 1"));
    }

    #[test]
    fn a_file_over_the_bound_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(STATE_BYTES_MAX + 1).unwrap();
        assert!(load(file.path()).unwrap_err().to_string().contains("over"));
        file.as_file().set_len(STATE_BYTES_MAX).unwrap();
        assert!(!load(file.path()).unwrap_err().to_string().contains("over"));
    }

    #[test]
    fn a_directory_is_no_state_file() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(load(directory.path()), Err(Error::Unreadable(..))));
        assert!(store(&directory.path().join("absent/state"), &state(1)).is_err());
    }
}
