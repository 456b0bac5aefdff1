//! `mimikyu serve`: the configuration from its four places, then the daemon.

use std::env;

use mimikyu::config::{self, Fault, Layer, Origin, Places, Source, SourceKind};
use mimikyu::daemon::Again;

use super::Failure;
use crate::cli::{Argument, Serve};

/// Serves until it is told to stop.
pub fn run(serve: Serve) -> Result<(), Failure> {
    let flags = from_arguments(serve.arguments)?;
    let environment = config::from_env(env::vars_os())?;
    let file = serve.config.or(environment.config);
    let watch = serve.watch || environment.watch;
    if watch && file.is_none() {
        let fault = Fault::new("there is no configuration file to watch", "give one with --config");
        return Err(fault.at(Origin::Flag("--watch".into())).into());
    }
    let places = Places { flags, environment: environment.layer, file };
    let found = places.look();
    let config = places.resolve(&found)?;

    // Dropped on the way out, before an error is told: the log comes first.
    let guard = mimikyu::log::init(config.log_format, config.log_level);
    for warning in environment.warnings {
        tracing::warn!("{warning}");
    }
    let again = Again { places, found, watch, dial: guard.dial() };
    Ok(mimikyu::daemon::run(config, Some(again), |_| {})?)
}

/// The layer of the command line.
fn from_arguments(arguments: Vec<(Argument, String)>) -> Result<Layer, config::Error> {
    let mut layer = Layer::default();
    for (argument, text) in arguments {
        match argument {
            Argument::Flag(key) => layer.set(key, &text, Origin::Flag(key.flag()))?,
            Argument::Endpoint(position) => {
                let name = endpoint_name(position);
                let origin = Origin::Flag(name.to_ascii_uppercase());
                let address = text.parse().map_err(|fault: Fault| fault.at(origin.clone()))?;
                let source = Source::new(name, SourceKind::Endpoint(address));
                layer.sources.push(config::Setting { value: source, origin });
            }
        }
    }
    Ok(layer)
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
        from_arguments(arguments.iter().map(|(argument, text)| (*argument, (*text).to_owned())).collect())
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
