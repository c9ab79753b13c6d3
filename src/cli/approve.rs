//! `flashline approve`: the manifest on the disk becomes what is flashed.

use super::Exit;
use super::daemon::{self, Which, Why};
use crate::socket::What;
use crate::station::{Ask, OnDisk, Snapshot};

/// Take a manifest that changed on the disk, from each slot's next board on (supervisors only)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The first 12 hex digits of the new bundle's digest, as the faces show it; may be left out where one
    /// manifest changed
    #[arg(value_name = "BUNDLE")]
    bundle: Option<String>,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: Args) -> Exit {
    args.which.talk(async |client| {
        let bundle = match args.bundle {
            Some(bundle) => bundle,
            None => match only(&*daemon::snapshot(client).await?) {
                Ok(bundle) => bundle,
                Err(why) => {
                    eprintln!("flashline: {why}");
                    return Ok(Exit::Usage);
                }
            },
        };
        let why = Some(daemon::by_login(args.why.text()));
        let asked = What::Ask(Ask::TakeBundle { bundle });
        Ok(match client.answer_with(asked, why).await? {
            Ok(_) => Exit::Pass,
            Err(refused) => daemon::refusal(&refused),
        })
    })
}

/// The one bundle on the disk that can be approved.
fn only(snapshot: &Snapshot) -> Result<String, String> {
    let changed: Vec<_> = (snapshot.bundles.iter())
        .filter_map(|view| match &view.on_disk {
            OnDisk::Changed {
                product,
                version,
                bundle,
            } => Some((&view.manifest, product, version, bundle)),
            OnDisk::Same | OnDisk::Invalid { .. } => None,
        })
        .collect();
    match changed.as_slice() {
        [(.., bundle)] => Ok(bundle.to_string()),
        [] => {
            let faults = snapshot
                .bundles
                .iter()
                .filter_map(|view| match &view.on_disk {
                    OnDisk::Invalid { fault } => Some(format!("\n  {fault}")),
                    OnDisk::Same | OnDisk::Changed { .. } => None,
                });
            let faults: String = faults.collect();
            Err(if faults.is_empty() {
                "no manifest on the disk is another than the one at work".to_owned()
            } else {
                format!("what is on the disk has faults and cannot be taken:{faults}")
            })
        }
        several => {
            let lines = several.iter().map(|(manifest, product, version, bundle)| {
                format!("\n  {bundle}  {product} {version}  {manifest}")
            });
            let lines: String = lines.collect();
            Err(format!(
                "several manifests changed: say which bundle{lines}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::fixture;

    #[test]
    fn what_cannot_be_approved_is_told_with_its_fault() {
        let bench = fixture::changed_on_disk();
        let all = bench.bundles.iter().cloned();
        let not_offered = all.filter(|view| !matches!(view.on_disk, OnDisk::Changed { .. }));
        let invalid = Snapshot {
            bundles: not_offered.collect(),
            ..bench.clone()
        };
        let why = only(&invalid).unwrap_err();
        assert!(why.contains("\n  lamp.toml:12:1: the file"), "{why}");
        let why = only(&fixture::bench()).unwrap_err();
        assert!(why.contains("no manifest on the disk is another"), "{why}");
    }
}
