//! `cytoshade completions` and `cytoshade man`: files for shells and for `man`, from the definitions of the options.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use cytoshade_formats::{Error, SaveFile};
use cytoshade_safe_io::{Existing, printable_path};

use crate::failure::Failure;
use crate::output::folder;
use crate::outputs::Outputs;
use crate::report::print_line;

/// Print the completions of a shell, for the file from which it loads them
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the man page, or write the pages of all commands
#[derive(Debug, Args)]
pub(crate) struct ManPages {
    /// Folder for the pages of all commands, such as ~/.local/share/man/man1; created if missing
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn completions(args: &Completions) -> Result<(), Failure> {
    let mut command = crate::args::command();
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut text);
    print_line(String::from_utf8_lossy(&text).trim_end());
    Ok(())
}

pub(crate) fn man(args: &ManPages) -> Result<(), Failure> {
    let pages = pages().map_err(Failure::run)?;
    let Some(output) = &args.output else {
        pages.first().iter().for_each(|(_, page)| print_line(String::from_utf8_lossy(page).trim_end()));
        return Ok(());
    };
    folder(output)?;
    let mut outputs = Outputs::default();
    for (name, page) in &pages {
        let write = |out: &mut SaveFile<'_>| out.write_all(page).map_err(Error::Write);
        outputs.save(&output.join(name), Existing::Replace, write)?;
    }
    print_line(format_args!("{} pages -> {}", pages.len(), printable_path(output)));
    Ok(())
}

/// The page of the program, then those of its commands, with their file names.
fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = crate::args::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    let mut commands: Vec<&Command> = vec![&command];
    while let Some(command) = commands.pop() {
        let man = Man::new(command.clone());
        let mut page = Vec::new();
        man.render(&mut page)?;
        pages.push((man.get_filename(), page));
        commands.extend(command.get_subcommands().filter(|sub| !sub.is_hide_set()));
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_shell_its_completions() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[0], "cytoshade.1");
        for name in ["cytoshade-segment.1", "cytoshade-model-fetch.1", "cytoshade-config-show.1"] {
            let at = names.iter().position(|other| *other == name).unwrap_or_else(|| panic!("{name}: {names:?}"));
            assert!(String::from_utf8_lossy(&pages[at].1).contains(".SH OPTIONS"), "{name}");
        }
        assert!(!names.iter().any(|name| name.contains("isolated")), "{names:?}");
        for shell in Shell::value_variants() {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut crate::args::command(), "cytoshade", &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("flow-threshold") && text.contains("doctor"), "{shell}");
        }
    }
}
