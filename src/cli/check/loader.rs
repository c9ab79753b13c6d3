//! Who writes, as far as it is known without a board, and what follows from it: at which rate, what
//! cannot be verified, and which sectors go with others.

use crate::chip::{Chip, Stubs};
use crate::manifest::{Bundle, Leftover, Manifest, SecureDownload, VerifyPolicy};
use crate::plan::{Besides, Method, Plan, Whose};
use crate::settings::{Fault, Settings, Severity, Source};

/// What a ROM talks at that knows no other rate.
const ROM_BAUD: u32 = 115_200;

/// Why it is not the stub that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    Nothing,
    /// The station does not want it.
    NotWanted,
    /// None is built in, and no folder with one is named.
    NotThere,
}

#[derive(Debug, Clone, Copy)]
pub struct Loader {
    chip: Chip,
    method: Method,
    lack: Lack,
}

impl Loader {
    pub fn of(chip: Chip, settings: Option<&Settings>) -> Loader {
        let built_in = Stubs::default();
        let stubs = settings.map_or(&built_in, |settings| &*settings.stubs);
        let wanted = settings.is_none_or(|settings| settings.stub);
        let method = Method::likely(chip, stubs, wanted);
        let lack = match method {
            Method::StubDeflate => Lack::Nothing,
            _ if !wanted => Lack::NotWanted,
            _ => Lack::NotThere,
        };
        Loader { chip, method, lack }
    }

    pub fn method(self) -> Method {
        self.method
    }

    /// The only rate that there is, where there is no other.
    pub fn only_baud(self) -> Option<u32> {
        let rom = &self.chip.facts().rom;
        (self.lack != Lack::Nothing && !rom.change_baudrate).then_some(ROM_BAUD)
    }

    /// What a board is told to be at its end, where that is not PASS; and who writes it.
    pub fn words(self, manifest: &Manifest) -> Option<String> {
        let mut lines = Vec::new();
        let chip = self.chip;
        match self.lack {
            Lack::NotThere => lines.push(format!(
                "written by the {chip}'s ROM: its stub is not built in, and no stub_dir names one"
            )),
            Lack::NotWanted if self.is_blind() => lines.push(format!(
                "written by the {chip}'s ROM: the station says stub = false"
            )),
            Lack::NotWanted | Lack::Nothing => {}
        }
        let by_md5 = manifest.verify == VerifyPolicy::Md5;
        let lacking = match by_md5 {
            true => "answers no digests",
            false => "answers no digests and reads nothing back",
        };
        let end = match manifest.boot {
            Some(_) => "its boot check alone makes it a PASS",
            None => "it ends WRITTEN, never PASS",
        };
        if self.is_blind() {
            lines.push(format!(
                "that ROM {lacking}: a board is written as a whole, and {end}"
            ));
        }
        if manifest.secure_download == SecureDownload::Allow {
            lines.push(format!(
                "a board in Secure Download Mode {lacking}: it is written as a whole, and {end}"
            ));
        }
        (!lines.is_empty()).then(|| lines.join("\n") + "\n")
    }

    /// Whether nothing that was written can be looked at.
    fn is_blind(self) -> bool {
        self.lack != Lack::Nothing && !self.chip.facts().rom.md5
    }

    /// Warnings, each at its image, of what this loader erases with it. `source` is the manifest.
    pub fn warnings(self, bundle: &Bundle, plan: &Plan, source: &Source) -> Vec<Fault> {
        if self.method() != Method::RomPlain {
            return Vec::new();
        }
        let besides = plan.erased_besides();
        besides.iter().map(|b| warning(bundle, source, b)).collect()
    }
}

fn warning(bundle: &Bundle, source: &Source, besides: &Besides) -> Fault {
    let offset = besides.range.start;
    let image = bundle
        .images
        .iter()
        .find(|image| besides.region.is_some() && image.offset == offset);
    let what = match &besides.region {
        Some(name) => format!("`{name}` is one sector"),
        None => format!("one sector is erased at {offset:#x}"),
    };
    let next = besides.lost.start;
    let (whose, advice) = match &besides.whose {
        Whose::Kept => {
            let kept = bundle.leftovers.iter().find(|partition| {
                partition.leftover == Leftover::Keep && partition.offset <= next && {
                    let end = u64::from(partition.offset) + u64::from(partition.size_bytes);
                    u64::from(next) < end
                }
            });
            let kept = kept.map_or("what is kept", |partition| &partition.name);
            (
                format!("of `{kept}`, which is kept: no board is written"),
                "write through the stub (`stub_dir` in the station file), or let it be erased",
            )
        }
        Whose::Region(other) => (
            format!("of `{other}`"),
            "nothing is lost, since that is written afterwards; the stub erases what is meant",
        ),
    };
    Fault::new(
        Severity::Warning,
        source,
        image.map(|image| image.said.clone()),
        format!(
            "{what}, and without a stub the ROM erases the next one too, at {next:#x}, {whose}"
        ),
        advice,
    )
}
