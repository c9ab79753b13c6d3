//! `flashline approve`: the manifest on the disk becomes what is flashed.

use super::Exit;
use super::daemon::{self, Which};
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
        let asked = What::Ask(Ask::TakeBundle { bundle });
        Ok(match client.answer(asked).await? {
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
        [] => Err("no manifest on the disk is another than the one at work".to_owned()),
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
