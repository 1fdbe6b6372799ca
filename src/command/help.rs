//! What containers answer to `HELP`: the texts are Redis's own, in `help.txt`.

use super::context::Context;
use super::error::Error;
use crate::resp::{Args, Writer};

/// A line `== container` before the lines of each container.
const TEXTS: &str = include_str!("help.txt");

/// `HELP` of whatever container.
pub fn help(context: &mut Context, args: Args) -> Result<(), Error> {
    write(&mut context.reply, &String::from_utf8_lossy(args.name()));
    Ok(())
}

/// Writes the help of `container`, a name in whatever case.
pub fn write(reply: &mut Writer<'_>, container: &str) {
    let lines = || text(container).lines();
    reply.array(lines().count() + 3);
    let name = container.to_ascii_uppercase();
    reply.simple(&format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for line in lines() {
        reply.simple(line);
    }
    reply.simple("HELP");
    reply.simple("    Prints this help.");
}

/// The lines of `container`; empty if it has none.
fn text(container: &str) -> &'static str {
    TEXTS
        .split("== ")
        .filter_map(|section| section.split_once('\n'))
        .find(|(name, _)| name.eq_ignore_ascii_case(container))
        .map_or("", |(_, lines)| lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    #[test]
    fn every_container_with_help_has_a_text() {
        for row in table::all() {
            let has_help = row.subcommands.iter().any(|sub| sub.name.ends_with("|help"));
            // Without cluster support CLUSTER HELP is refused like all of CLUSTER.
            if has_help && row.name != "cluster" {
                assert!(!text(row.name).is_empty(), "{}", row.name);
            }
        }
    }
}
