//! `mimikyu completions` and `mimikyu man`: what is made of the command line's definition, so that it names every flag.

use std::io::Write;

use clap_complete::Shell;
use clap_mangen::Man;

use super::{Failure, output};
use crate::cli::definition;

/// The name that is completed, and that the page is about.
const NAME: &str = "mimikyu";

/// Writes what completes words on a shell's command line.
pub fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), NAME, &mut script);
    output::write(script)
}

/// Writes the manual page: of the program, and of each subcommand.
pub fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    let mut definition = definition().disable_help_subcommand(true);
    definition.build();
    // Writing to a vector does not fail.
    let _ = render(&definition, &mut page);
    // What formats it may read no more than ASCII.
    output::write(String::from_utf8_lossy(&page).replace('…', "..."))
}

fn render(definition: &clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    let man = Man::new(definition.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    subcommands(definition, NAME, page)?;
    man.render_extra_section(page)?;
    man.render_version_section(page)
}

/// A section for each subcommand that does something, with what it is told.
fn subcommands(above: &clap::Command, name: &str, page: &mut Vec<u8>) -> std::io::Result<()> {
    for command in above.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = format!("{name} {}", command.get_name());
        if command.has_subcommands() {
            subcommands(command, &name, page)?;
            continue;
        }
        writeln!(page, ".SH {}", name.to_uppercase())?;
        let mut sections = Vec::new();
        let man = Man::new(command.clone().bin_name(&name));
        man.render_synopsis_section(&mut sections)?;
        man.render_description_section(&mut sections)?;
        // Those of serve are those of the program, which has them above.
        if command.get_name() != "serve" {
            man.render_options_section(&mut sections)?;
        }
        man.render_extra_section(&mut sections)?;
        // Sections of a section.
        page.extend(String::from_utf8_lossy(&sections).replace("\n.SH ", "\n.SS ").into_bytes());
    }
    Ok(())
}
