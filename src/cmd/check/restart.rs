//! What a restart forgets.

use mimikyu::config::{Examined, Layer, Origin};

use super::remark::Remark;

/// Without a state file, that there is none. Where there is no source either, that is said instead.
pub fn look(Examined { top, .. }: &Examined) -> Option<Remark> {
    let Layer { state, sources, .. } = top;
    let what = "there is no state file: after a restart the last list is not known, and a version may come back with \
                another list";
    let cure = "give a file that stays (state, --state)";
    (state.is_none() && !sources.is_empty()).then(|| Remark::warning(&Origin::Unset, what, cure))
}

#[cfg(test)]
mod tests {
    use mimikyu::config::{all_from_bytes, examine};

    use super::*;

    #[test]
    fn only_a_configuration_with_sources_and_without_a_state_file_is_remarked_on() {
        let source = "[[source]]\nname = 's'\nstatic = ['n:1']\n";
        for (text, is_odd) in
            [(source.to_owned(), true), (format!("state = 'x'\n{source}"), false), (String::new(), false)]
        {
            let (layer, _) = all_from_bytes("m.toml".as_ref(), text.as_bytes());
            let found = look(&examine([layer])).map(|remark| (remark.is_fault, remark.to_string()));
            let is_as_told = |(is_fault, line): &(bool, String)| {
                !is_fault
                    && line.starts_with("warning: there is no state file: after a restart the last list")
            };
            assert_eq!(found.as_ref().map(is_as_told), is_odd.then_some(true), "{text}: {found:?}");
        }
    }
}
