//! Tables over records of earlier layouts and prefixes: one for each of their folders, so that the saved queries read all records.
//!
//! The declared table passes its definition on to such a table before it moves to another folder. If the spec returns to an earlier
//! layout, the declared table returns to its folder, and the table in between is deleted: no record is read twice.

use std::collections::BTreeMap;

use super::Desired;
use super::database::FoundDatabase;
use super::table::{FoundTable, Table};
use crate::engine::Goal;
use crate::monitor::Monitor;

/// The tables in the declared database over records that the declared table does not read, in the order of the folders. Those that exist
/// stay as they are; the definitions of the others come from tables that are about to be changed or deleted.
pub fn desired(monitor: &Monitor, goal: Goal<&Desired>, databases: &[(String, Option<FoundDatabase>)]) -> Vec<Table> {
    let Goal::Present(Desired { table: declared, .. }) = goal else { return Vec::new() };
    let ours = databases.iter().filter_map(|(_, database)| database.as_ref()).flat_map(|it| it.our_tables(monitor));
    let (stay, move_on): (Vec<_>, Vec<_>) =
        ours.filter(|found| found.is_over_former_records(monitor, declared)).partition(|found| {
            found.table.database == declared.database && found.qualified_name() != declared.qualified_name
        });
    let mut by_folder = BTreeMap::new();
    for found in stay {
        by_folder.entry(found.table.location.as_str()).or_insert_with(|| found.table.clone());
    }
    for found in move_on {
        let table = || found.table.for_former_layout(monitor, declared);
        by_folder.entry(found.table.location.as_str()).or_insert_with(table);
    }
    by_folder.into_values().collect()
}

/// The text for the status about a table that reads earlier records.
pub fn message(monitor: &Monitor, goal: Goal<&Desired>, found: &FoundTable) -> Option<String> {
    let Goal::Present(Desired { table: declared, .. }) = goal else { return None };
    let is_former =
        found.qualified_name() != declared.qualified_name && found.is_over_former_records(monitor, declared);
    is_former.then(|| format!("reads the earlier records in {}", found.table.location.as_str()))
}

#[cfg(test)]
mod tests;
