//! The places that settings come from, to be read once more while the daemon runs.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::examined::{Examined, examine};
use super::faults::Faults;
use super::layer::Layer;
use super::{Config, file};

/// The command line, the environment and what was passed, which stay as they were at the start, and the file, which does
/// not.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// What the command line says.
    pub flags: Layer,
    /// What the environment says.
    pub environment: Layer,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// What follows from the sockets that a service manager has passed: below all others.
    pub passed: Layer,
}

/// What the file had in it when it was looked at, or why it could not be read. Two that are equal make no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found(Option<Result<Vec<u8>, Error>>);

impl Found {
    /// What is in the file.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.0.as_ref()?.as_deref().ok()
    }
}

impl Places {
    /// Looks at the file: the one thing here that may take long.
    pub fn look(&self) -> Found {
        Found(self.file.as_deref().map(file::read))
    }

    /// The configuration, with the file as it was found.
    pub fn resolve(&self, found: &Found) -> Result<Config, Error> {
        let Examined { config, faults, .. } = self.examine(found);
        faults.unless(config)
    }

    /// The configuration and everything that is wrong with it, with the file as it was found.
    pub fn examine(&self, Found(found): &Found) -> Examined {
        let (file, mut faults) = match found {
            Some(Ok(bytes)) => file::all_from_bytes(self.file.as_deref().unwrap_or(Path::new("")), bytes),
            Some(Err(error)) => {
                let mut faults = Faults::default();
                faults.push(error.clone());
                // It may have had sources in it.
                (Layer { lacks_sources: true, ..Layer::default() }, faults)
            }
            None => Default::default(),
        };
        let layers = [self.flags.clone(), self.environment.clone(), file, self.passed.clone()];
        let examined = examine(layers);
        faults.extend(examined.faults);
        Examined { faults, ..examined }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Key, Origin};
    use super::*;

    #[test]
    fn the_file_is_read_anew_below_the_flags_and_a_fault_has_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("m.toml");
        let mut flags = Layer::default();
        flags.set(Key::Workers, "3", Origin::Flag("--workers".into())).unwrap();
        let places = Places { flags, file: Some(file.clone()), ..Places::default() };
        let absent = places.look();
        assert!(places.resolve(&absent).unwrap_err().to_string().contains("cannot be read"));
        assert_eq!(absent, places.look());
        let source = "[[source]]\nname = \"a\"\nupstream = \"alpha:1\"\n";
        std::fs::write(&file, format!("workers = 2\nversion_base = 7\n{source}")).unwrap();
        let found = places.look();
        let config = places.resolve(&found).unwrap();
        assert_eq!((config.workers, config.version_base), (Some(3), 7));
        assert_ne!(found, absent);
        std::fs::write(&file, format!("version_base = 0\n{source}")).unwrap();
        let error = places.resolve(&places.look()).unwrap_err().to_string();
        assert!(error.contains("m.toml:1: version_base: 0 is out of range; "), "{error}");
        assert_eq!(places.resolve(&found).unwrap(), config, "what was found stays what it is");
    }
}
