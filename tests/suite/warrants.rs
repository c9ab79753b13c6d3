//! What a supervisor allows, on record before it is done.

use flashline::station::Warrant;

/// Of someone who is a supervisor by login.
pub fn by_login(why: &str) -> Warrant {
    let why = why.into();
    Warrant { why, pin: None }
}
