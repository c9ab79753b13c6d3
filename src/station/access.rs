//! Who someone is and what that person may do: the user that a process or a socket's peer runs as, by the
//! system's user database and the station file's `[access]`. Leaves out what a role may ask
//! (`Ask::needs`).

use std::sync::Arc;

use nix::unistd::{Group, Uid, User};

use crate::event::{Role, Who};
use crate::settings::AccessSettings;

/// Who may what on this station. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access {
    settings: Arc<AccessSettings>,
    /// Whom the daemon runs as.
    daemon_uid: u32,
}

impl Access {
    /// The rule of this process.
    pub fn new(settings: AccessSettings) -> Access {
        Access {
            settings: Arc::new(settings),
            daemon_uid: Uid::effective().as_raw(),
        }
    }

    /// The user with this number, as the kernel tells it of a process or a socket's peer. Blocks: users may
    /// be kept on another computer.
    pub fn who(&self, uid: u32) -> Who {
        let name = login_name(uid);
        Who::new(&name, self.role(uid, &name))
    }

    /// Whether this computer knows a user of that name, or the name is a number, which stands for a user
    /// without one. Blocks. `true` where the system cannot be asked.
    pub fn is_known(name: &str) -> bool {
        name.parse::<u32>().is_ok() || !matches!(User::from_name(name), Ok(None))
    }

    /// Whether this computer knows a group of that name. Blocks. `true` where the system cannot be asked.
    pub fn is_group(name: &str) -> bool {
        !matches!(Group::from_name(name), Ok(None))
    }

    /// The person at this process's own terminal. The role is that of the user that the process was
    /// started as; whom the kernel saw log in is only named with it, so that a `sudo` leaves a trace.
    /// `SUDO_UID` is not looked at: anyone may set it. Blocks.
    pub fn at_terminal(&self) -> Who {
        let who = self.who(Uid::current().as_raw());
        match session_uid().map(login_name) {
            Some(login) if *login != *who.name => {
                Who::new(&format!("{login} as {}", who.name), who.role)
            }
            _ => who,
        }
    }

    fn role(&self, uid: u32, name: &str) -> Role {
        let named = match &self.settings.supervisors {
            Some(names) => names.iter().any(|supervisor| supervisor == name),
            None => uid == self.daemon_uid,
        };
        // root could change the rule
        if named || uid == 0 {
            Role::Supervisor
        } else {
            Role::Operator
        }
    }
}

/// The user's name; the number where the system knows none, or cannot be asked.
fn login_name(uid: u32) -> String {
    match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => uid.to_string(),
    }
}

/// Who logged in: the kernel keeps it over `su` and `sudo`, and takes another one from nobody but root
/// (`proc_pid_loginuid(5)`). `None` where nobody logged in or the kernel keeps no account.
fn session_uid() -> Option<u32> {
    const UNSET: u32 = u32::MAX;
    let text = std::fs::read_to_string("/proc/self/loginuid").ok()?;
    text.trim().parse().ok().filter(|uid| *uid != UNSET)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAEMON: u32 = 990;

    fn check(supervisors: Option<&[&str]>, uid: u32, name: &str, expected: Role) {
        let names = supervisors.map(|names| names.iter().map(ToString::to_string).collect());
        let access = Access {
            settings: Arc::new(AccessSettings {
                supervisors: names,
                ..AccessSettings::default()
            }),
            daemon_uid: DAEMON,
        };
        assert_eq!(
            access.role(uid, name),
            expected,
            "{supervisors:?} {uid} {name}"
        );
    }

    #[test]
    fn who_supervises() {
        use Role::{Operator, Supervisor};
        // nobody is named: the daemon's own user, and root
        check(None, DAEMON, "flashline", Supervisor);
        check(None, 0, "root", Supervisor);
        check(None, 1001, "anna", Operator);
        // exactly those named, and root
        let named: Option<&[&str]> = Some(&["anna", "4242"]);
        check(named, 1001, "anna", Supervisor);
        check(named, 1002, "li", Operator);
        check(named, 1003, "ann", Operator);
        check(named, DAEMON, "flashline", Operator);
        check(named, 0, "root", Supervisor);
        // who has no name goes by the number
        check(named, 4242, "4242", Supervisor);
        check(named, 4243, "4243", Operator);
        check(Some(&[]), DAEMON, "flashline", Operator);
        check(Some(&[]), 0, "root", Supervisor);
    }

    #[test]
    fn who_is_known_here() {
        assert!(Access::is_known("root"));
        assert!(Access::is_known("4242"));
        assert!(!Access::is_known("nobody has this name"));
        assert!(Access::is_group("root"));
        assert!(!Access::is_group("nobody has this name"));
    }

    #[test]
    fn a_user_is_named_as_the_system_does_or_by_the_number() {
        let access = Access::new(AccessSettings::default());
        assert_eq!(access.who(0), Who::new("root", Role::Supervisor));
        let nobody_has_it = 4_000_000_123;
        let who = access.who(nobody_has_it);
        assert_eq!(who, Who::new("4000000123", Role::Operator));
        assert_eq!(access.who(Uid::effective().as_raw()).role, Role::Supervisor);
    }
}
