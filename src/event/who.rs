//! Who asks for something, and what that person may do. Leaves out how either is found out: by the socket's
//! peer, by whom the daemon was started.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What someone may do on the line. Ordered: a later role may do all that an earlier one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks, starts boards, stops a job, a slot or the line.
    Operator,
    /// Also lets them go on, and approves what is flashed.
    Supervisor,
}

impl Role {
    pub const ALL: [Role; 2] = [Role::Operator, Role::Supervisor];

    /// The word on the socket and in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Supervisor => "supervisor",
        }
    }

    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A person or a program that asks. Cheap to clone. In JSON it is flattened into what it did: `by` and `role`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// As notices name it: a login name.
    #[serde(rename = "by")]
    pub name: Arc<str>,
    pub role: Role,
}

impl Who {
    pub fn new(name: &str, role: Role) -> Who {
        Who {
            name: name.into(),
            role,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}
