//! Users and groups that a station file names and this computer does not know. Warnings: the file may be
//! meant for another computer, and a directory service may be away.

use crate::settings::{Fault, Settings, Severity, Source};
use crate::station::Access;

/// A warning for each of them. `source` is the station file. Blocks.
pub fn warnings(settings: &Settings, source: &Source) -> Vec<Fault> {
    let warning = |span, message: String, advice: String| {
        Fault::new(Severity::Warning, source, Some(span), message, advice)
    };
    let access = &settings.access;
    let supervisors = access.supervisors.iter().flatten().zip(&access.said);
    let unknown = supervisors.filter(|(name, _)| !Access::is_known(name));
    let mut warnings: Vec<Fault> = unknown
        .map(|(name, said)| {
            warning(
                said.clone(),
                format!("this computer has no user `{name}`"),
                "write the login name of the supervisor, as `id` tells it".to_owned(),
            )
        })
        .collect();
    let socket = &settings.socket;
    if let (Some(group), Some(said)) = (&socket.group, &socket.said_group)
        && !Access::is_group(group)
    {
        warnings.push(warning(
            said.clone(),
            format!("this computer has no group `{group}`: `run` will not begin"),
            format!("make it (groupadd {group}), or write another"),
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_where_it_is() {
        let text = "station = \"b\"\nmanifest = \"m.toml\"\n\
            [access]\nsupervisors = [\"root\", \"no such user\", \"4242\"]\n\
            [socket]\ngroup = \"no such group\"\n";
        let source = Source::new("station.toml".as_ref(), text);
        let settings = Settings::read(&source).unwrap();
        let told: Vec<_> = warnings(&settings, &source)
            .into_iter()
            .map(|fault| (fault.line, fault.column, fault.message))
            .collect();
        let user = "this computer has no user `no such user`".to_owned();
        let group = "this computer has no group `no such group`: `run` will not begin".to_owned();
        assert_eq!(told, [(4, 24, user), (6, 9, group)]);
    }
}
