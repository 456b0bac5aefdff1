//! How cost grows: with connections, with the length of the list, with workers, with sources.
//!
//! Prints four tables as Markdown, each with the exponent of its growth (1 is linear), and draws a picture of each.
//! Only a count can fail it: times are a machine's. `docs/performance.md` tells how to run it and what it found.

mod arguments;
mod exponent;
mod list;
mod memory;
mod plot;
mod publish;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "no bench needs all of it")]
mod support;
mod table;
mod ticks;
mod workers;

use std::process::ExitCode;
use std::{fs, io, thread};

use arguments::{Arguments, Part};
use support::machine::{self, Cores};
use support::servers;
use table::Growth;

fn main() -> ExitCode {
    match run(&Arguments::read()) {
        Ok(broken) if broken.is_empty() => ExitCode::SUCCESS,
        Ok(broken) => {
            broken.iter().for_each(|what| eprintln!("growth: {what}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("growth: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns what grew faster than it may.
fn run(arguments: &Arguments) -> io::Result<Vec<String>> {
    let limit = machine::raise_descriptor_limit();
    let binary = arguments.mimikyu.display().to_string();
    let version = servers::version(&binary, "--version")
        .ok_or_else(|| io::Error::other(format!("mimikyu does not run: {binary}")))?;
    println!("{version}; Linux {}; {}\n", machine::kernel(), machine::processor());
    let cores = Cores::of_this_thread()?;
    let mut broken = Vec::new();
    for part in arguments.parts() {
        // A thread of its own, since some pin it.
        let growth = thread::scope(|scope| scope.spawn(|| measure(part, arguments, &cores, limit)).join());
        let growth = growth.map_err(|_| io::Error::other("a part of it panicked"))??;
        print!("{}", growth.markdown());
        let picture = growth.picture.svg();
        if !arguments.test {
            fs::create_dir_all(&arguments.pictures)?;
            fs::write(arguments.pictures.join(format!("growth-{}.svg", part.name())), picture)?;
        }
        broken.extend(growth.broken);
    }
    if arguments.test {
        println!("a smoke run: every reply was right; its figures say nothing");
    }
    Ok(broken)
}

fn measure(part: Part, arguments: &Arguments, cores: &Cores, limit: usize) -> io::Result<Growth> {
    match part {
        Part::Memory => memory::measure(arguments, cores, limit),
        Part::List => list::measure(arguments, cores),
        Part::Workers => workers::measure(arguments),
        Part::Publish => Ok(publish::measure(arguments)),
    }
}
