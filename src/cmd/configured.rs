//! The configuration from its four places, and everything that is wrong with it: what `serve` starts with, and what
//! `check` and `doctor` look at.

use std::env;

use mimikyu::config::{self, Examined, Fault, Faults, Found, Layer, Origin, Places, Source, SourceKind};

use crate::cli::{Argument, Serve};

/// What the command line, the environment and the file say.
#[derive(Debug)]
pub struct Configured {
    /// Where it comes from.
    pub places: Places,
    /// The file as it was found.
    pub found: Found,
    /// Whether the file is to be looked at all the time.
    pub watch: bool,
    /// A line for each variable that looks like ours and is not.
    pub warnings: Vec<String>,
    /// What it comes to, with all faults: those of the command line and the environment come first.
    pub examined: Examined,
}

/// The same before the file was looked at, which may take long.
#[derive(Debug)]
pub struct Gathered {
    /// Where it comes from.
    pub places: Places,
    watch: bool,
    warnings: Vec<String>,
    faults: Faults,
}

impl Configured {
    /// Reads all of it. `passed` is the lowest layer.
    pub fn read(serve: Serve, passed: Layer) -> Self {
        let gathered = Gathered::new(serve, passed);
        let found = gathered.places.look();
        gathered.examine(found)
    }
}

impl Gathered {
    /// Reads the command line and the environment. `passed` is the lowest layer.
    pub fn new(serve: Serve, passed: Layer) -> Self {
        let (flags, mut faults) = from_arguments(serve.arguments);
        let (environment, of_environment) = config::all_from_env(env::vars_os());
        faults.extend(of_environment);
        let file = serve.config.or(environment.config);
        let watch = serve.watch || environment.watch;
        if watch && file.is_none() {
            let fault = Fault::new("there is no configuration file to watch", "give one with --config");
            faults.push(fault.at(Origin::Flag("--watch".into())));
        }
        let places = Places { flags, environment: environment.layer, file, passed };
        Self { places, watch, warnings: environment.warnings, faults }
    }

    /// Goes on with the file as it was found.
    pub fn examine(self, found: Found) -> Configured {
        let Self { places, watch, warnings, mut faults } = self;
        let examined = places.examine(&found);
        faults.extend(examined.faults);
        Configured { places, found, watch, warnings, examined: Examined { faults, ..examined } }
    }
}

/// The layer of the command line.
fn from_arguments(arguments: Vec<(Argument, String)>) -> (Layer, Faults) {
    let (mut layer, mut faults) = (Layer::default(), Faults::default());
    for (argument, text) in arguments {
        match argument {
            Argument::Flag(key) => {
                faults.note(layer.set(key, &text, Origin::Flag(key.flag())));
            }
            Argument::Endpoint(position) => {
                let name = endpoint_name(position);
                let origin = Origin::Flag(name.to_ascii_uppercase());
                let address = text.parse().map_err(|fault: Fault| fault.at(origin.clone()));
                match faults.note(address) {
                    Some(address) => {
                        let source = Source::new(name, SourceKind::Endpoint(address));
                        layer.sources.push(config::Setting { value: source, origin });
                    }
                    None => layer.lacks_sources = true,
                }
            }
        }
    }
    (layer, faults)
}

/// What the 2019 program called its endpoints, which had no names on its command line.
fn endpoint_name(position: usize) -> String {
    match position {
        0 => "primary".to_owned(),
        1 => "secondary".to_owned(),
        _ => format!("upstream{}", position + 1),
    }
}

#[cfg(test)]
mod tests {
    use mimikyu::config::Key;

    use super::*;

    fn layer(arguments: &[(Argument, &str)]) -> Result<Layer, config::Error> {
        let arguments = arguments.iter().map(|(argument, text)| (*argument, (*text).to_owned()));
        let (layer, faults) = from_arguments(arguments.collect());
        faults.unless(layer)
    }

    #[test]
    fn sources_keep_their_order_and_endpoints_get_names() {
        let layer = layer(&[
            (Argument::Endpoint(0), "alpha:1"),
            (Argument::Flag(Key::Static), "s=n:1"),
            (Argument::Endpoint(1), "beta:1"),
            (Argument::Flag(Key::Workers), "2"),
            (Argument::Endpoint(2), "gamma:1"),
        ])
        .unwrap();
        let names: Vec<_> = layer.sources.iter().map(|source| source.value.name.as_str()).collect();
        assert_eq!(names, ["primary", "s", "secondary", "upstream3"]);
        assert_eq!(layer.workers.unwrap().value, 2);
    }

    #[test]
    fn a_wrong_argument_is_named() {
        for (argument, text, line) in [
            (Argument::Endpoint(1), "beta", r#"SECONDARY: "beta" is not HOST:PORT; give a port: beta:11211"#),
            (Argument::Endpoint(2), "beta:0", r#"UPSTREAM3: "beta:0" is not HOST:PORT; "#),
            (Argument::Flag(Key::PollInterval), "10", "--poll-interval: 10 has no unit; write 10s"),
        ] {
            let error = layer(&[(argument, text)]).unwrap_err();
            assert!(error.to_string().starts_with(line), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
