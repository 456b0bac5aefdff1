//! The table of the README: client by result.
//!
//! A test finds a row, leaves it for `tests/clients/table` to print, and compares it with the README's.

use std::fs;

use crate::driver::in_this_tree;

/// Every client of the suite, in the order of the table.
pub const CLIENTS: [&str; 12] = [
    "django-elastipymemcache",
    "emcache",
    "memcachio",
    "elasticache-auto-discovery",
    "elasticache-pyclient",
    "pyelasticache-client",
    "memcached-elasticache",
    "ecad",
    "memcache-plus",
    "memcache",
    "memcstat",
    "memcping",
];

pub const HEADER: &str = "| client | version | discovers four nodes | stores and reads on each | sees one added and one drained | connects to the | remarks |";

/// What was found out of a client.
pub struct Row<'a> {
    pub client: &'a str,
    pub version: &'a str,
    pub discovers: &'a str,
    pub stores: &'a str,
    pub sees: &'a str,
    pub connects_to: &'a str,
    pub remark: &'a str,
}

impl Row<'_> {
    /// Keeps the row, and compares it with the README's. `wrong` says why something in it is a no.
    #[track_caller]
    pub fn is_in_the_readme(&self, wrong: &str) {
        let Self { client, version, discovers, stores, sees, connects_to, remark } = self;
        let row =
            format!("| {client} | {version} | {discovers} | {stores} | {sees} | {connects_to} | {remark} |");
        let place = CLIENTS.iter().position(|name| name == client).expect("one of the clients");
        let found = in_this_tree("target/clients/found");
        fs::create_dir_all(&found).expect("a place for what was found");
        fs::write(format!("{found}/{place:02}-{client}"), format!("{row}\n")).expect("written");
        let told = rows_of_the_readme().into_iter().find(|told| name_of(told) == *client).unwrap_or_default();
        assert!(row == told, "\nfound:  {row}\nREADME: {told}\n{wrong}\n");
    }
}

/// The table's rows, without its header.
#[track_caller]
pub fn rows_of_the_readme() -> Vec<String> {
    let readme = fs::read_to_string(in_this_tree("README.md")).expect("the README");
    let (_, table) = readme.split_once(&format!("{HEADER}\n")).expect("the table of clients in the README");
    table.lines().skip(1).take_while(|line| line.starts_with('|')).map(String::from).collect()
}

pub fn name_of(row: &str) -> &str {
    row.split('|').nth(1).unwrap_or_default().trim()
}
