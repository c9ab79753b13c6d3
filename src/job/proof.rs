//! What a job that came to its end can say for certain: PASS where every region is known to hold what
//! was sent, or the app was seen to start; WRITTEN where neither is so.

use super::admit::{Board, Standing};
use crate::chip::{Access, Identity};
use crate::manifest::VerifyPolicy;

/// Why whoever answers cannot tell what the flash holds, where that was all that was asked.
pub(super) fn blind(board: &Board, identity: &Identity) -> Option<String> {
    let is_verified = |standing: &Standing| !matches!(standing, Standing::Written);
    let is_blind = !board.regions.iter().all(is_verified);
    is_blind.then(|| format!("nothing can be compared: {}", lack(board, identity)))
}

/// The detail of a WRITTEN job: which regions are verified, which not, and why not. `None`: all are.
pub(super) fn unproven(board: &Board, identity: &Identity) -> Option<String> {
    let regions = board.plan.regions.iter().zip(&board.regions);
    let standings = regions.map(|(region, standing)| {
        let is_verified = !matches!(standing, Standing::Written);
        (region.name.as_str(), is_verified)
    });
    told(standings, &lack(board, identity))
}

/// Why nothing can be looked at.
fn lack(board: &Board, identity: &Identity) -> String {
    let more = match board.plan.verify {
        VerifyPolicy::Md5 => "",
        VerifyPolicy::Readback => " and reads nothing back",
    };
    match identity.access {
        Access::SecureDownload => format!("Secure Download Mode answers no digests{more}"),
        Access::Full => format!("the ROM of the {} computes no digests{more}", identity.chip),
    }
}

fn told<'a>(regions: impl Iterator<Item = (&'a str, bool)>, why: &str) -> Option<String> {
    let (verified, not): (Vec<_>, Vec<_>) = regions.partition(|(_, is_verified)| *is_verified);
    if not.is_empty() {
        return None;
    }
    let names = |regions: &[(&str, bool)]| {
        let names: Vec<&str> = regions.iter().map(|(name, _)| *name).collect();
        match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        }
    };
    Some(format!(
        "all written; verified: {}; not verified: {} ({why})",
        names(&verified),
        names(&not)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_is_told() {
        let check = |regions: &[(&str, bool)], expected: Option<&str>| {
            let found = told(regions.iter().copied(), "no digests");
            assert_eq!(found.as_deref(), expected);
        };
        check(&[], None);
        check(&[("boot", true), ("app", true)], None);
        check(
            &[("boot", false), ("app", false)],
            Some("all written; verified: none; not verified: boot, app (no digests)"),
        );
        check(
            &[("boot", true), ("app", false)],
            Some("all written; verified: boot; not verified: app (no digests)"),
        );
    }
}
