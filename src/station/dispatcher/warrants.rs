//! What changes the line is a supervisor's: whose leave there is for it, and that it is on record, with who
//! and why, before it takes effect. Leaves out what is done then (`line`) and who someone is (`access`).
//!
//! ```text
//! Request ─ can it be done? ┬ by login ────────────────────────┬ Allow ─ on record ─ carried out ─ answer
//!                           └ by PIN ─ TryPin ┬ right ──────────┘
//!                                             └ wrong ─ KeepWrongPin ─ answer
//! ```
//!
//! One PIN of a person is tried at a time, and a locked name's not at all.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::lockout::{Lockout, Wrong};
use super::super::slot::Now;
use super::{Dispatcher, Effect, HealthDue, Line};
use crate::event::{Happening, Role, Unit, Who};
use crate::record::{Allowed, Proof, RecordError, WarrantId, WrongPins};
use crate::station::{Ask, NamedPin, Request, RequestRefused, Tried, Warrant};

/// Where a request's answer goes.
#[derive(Debug)]
pub struct Reply {
    to: oneshot::Sender<Result<(), RequestRefused>>,
    warrant: Option<WarrantId>,
}

impl Reply {
    fn new(to: oneshot::Sender<Result<(), RequestRefused>>) -> Reply {
        Reply { to, warrant: None }
    }

    /// What was allowed on record for it.
    pub fn warrant(&self) -> Option<WarrantId> {
        self.warrant
    }

    /// Tells whoever still waits.
    pub fn send(self, result: Result<(), RequestRefused>) {
        // a face that does not wait for its answer does not want it
        let _ = self.to.send(result);
    }
}

/// What may be done, by whose leave.
#[derive(Debug)]
pub struct Granted {
    /// In whose name it is done.
    pub by: Who,
    /// Empty where nobody has to say.
    pub why: Arc<str>,
    pub ask: Ask,
    pub reply: Reply,
}

/// A wrong PIN's answer, which waits for its record.
#[derive(Debug)]
pub struct Refusing {
    refused: RequestRefused,
    reply: Reply,
}

/// So many PINs are tried at once: each takes 19 MiB and a thread.
const AT_ONCE: usize = 2;

/// So many may wait for that.
const MOST_WAITING: usize = 32;

/// What waits for a PIN, and whose were wrong.
#[derive(Debug)]
pub(super) struct Warrants {
    waiting: VecDeque<Claim>,
    /// No two in the same name.
    trying: Vec<Claim>,
    lockouts: HashMap<Arc<str>, Lockout>,
}

/// A request in a supervisor's name.
#[derive(Debug)]
struct Claim {
    named: NamedPin,
    /// Who is logged in where it was asked.
    terminal: Who,
    why: Arc<str>,
    ask: Ask,
    reply: Reply,
}

impl Warrants {
    pub(super) fn new(wrong: &[WrongPins], now: Now) -> Warrants {
        let lockouts = wrong
            .iter()
            .map(|wrong| (wrong.who.clone(), Lockout::kept(wrong, now)));
        Warrants {
            waiting: VecDeque::new(),
            trying: Vec::new(),
            lockouts: lockouts.collect(),
        }
    }

    fn locked(&self, name: &str, now: Now) -> Option<RequestRefused> {
        let left = self.lockouts.get(name)?.left(now.steady)?;
        Some(locked_out(name, left))
    }

    /// Tries what waits, as far as that may be done now.
    fn try_waiting(&mut self, now: Now, effects: &mut Vec<Effect>) {
        for claim in std::mem::take(&mut self.waiting) {
            let name = &claim.named.supervisor;
            if let Some(refused) = self.locked(name, now) {
                effects.push(Effect::Answer(claim.reply, Err(refused)));
            } else if self.trying.len() < AT_ONCE && !self.tries(name) {
                effects.push(Effect::TryPin(claim.named.clone()));
                self.trying.push(claim);
            } else {
                self.waiting.push_back(claim);
            }
        }
    }

    fn tries(&self, name: &str) -> bool {
        let of = |claim: &Claim| *claim.named.supervisor == *name;
        self.trying.iter().any(of)
    }
}

fn locked_out(name: &str, left: Duration) -> RequestRefused {
    RequestRefused::LockedOut {
        name: name.into(),
        // a moment is not none
        seconds: left.as_secs() + u64::from(left.subsec_nanos() > 0),
    }
}

/// An open unit on its way off the list.
#[derive(Debug)]
pub struct WritingOff {
    pub unit: Unit,
    pub by: Who,
    pub reply: Reply,
}

impl Dispatcher {
    pub(super) fn requested(&mut self, request: Request, now: Now, effects: &mut Vec<Effect>) {
        let Request {
            by,
            ask,
            warrant,
            answer,
        } = request;
        let reply = Reply::new(answer);
        let ask = self.as_meant(ask);
        // what a supervisor paused, one starts again, and says why; without a word from one it is refused
        let by_supervisor =
            self.ends_supervisors_pause(&ask) && (warrant.is_some() || by.role >= Role::Supervisor);
        // a pause with a supervisor's word is the supervisor's
        let by_supervisor =
            by_supervisor || (warrant.is_some() && matches!(ask, Ask::PauseLot { .. }));
        if ask.needs() == Role::Operator && !by_supervisor {
            let why = Arc::default();
            let granted = Granted {
                by,
                why,
                ask,
                reply,
            };
            return self.carry_out(granted, now, effects);
        }
        match self.leave(&by, &ask, warrant) {
            Err(refused) => effects.push(Effect::Answer(reply, Err(refused))),
            Ok((why, None)) => {
                let terminal = by.clone();
                self.allow(
                    terminal,
                    Proof::Login,
                    Granted {
                        by,
                        why,
                        ask,
                        reply,
                    },
                    now,
                    effects,
                );
            }
            Ok((why, Some(named))) => {
                let terminal = by;
                self.warrants.waiting.push_back(Claim {
                    named,
                    terminal,
                    why,
                    ask,
                    reply,
                });
                self.warrants.try_waiting(now, effects);
            }
        }
    }

    /// Why it is done and in whose name, where that much may be asked.
    fn leave(
        &self,
        by: &Who,
        ask: &Ask,
        warrant: Option<Warrant>,
    ) -> Result<(Arc<str>, Option<NamedPin>), RequestRefused> {
        let Some(Warrant { why, pin }) = warrant.filter(|given| !given.why.trim().is_empty())
        else {
            return Err(RequestRefused::WhyMissing);
        };
        match &pin {
            None if by.role < Role::Supervisor => {
                return Err(RequestRefused::SupervisorOnly { by: by.clone() });
            }
            None => self.could(ask, by)?,
            Some(_) if self.warrants.waiting.len() >= MOST_WAITING => {
                let why = "too many are being tried: ask again".to_owned();
                return Err(RequestRefused::PinsUnreadable(why));
            }
            Some(named) => self.could(ask, &Who::new(&named.supervisor, Role::Supervisor))?,
        }
        Ok((why.trim().into(), pin))
    }

    /// A PIN was tried.
    pub(super) fn tried(
        &mut self,
        supervisor: &str,
        tried: Tried,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let trying = &mut self.warrants.trying;
        let of = |claim: &Claim| *claim.named.supervisor == *supervisor;
        let Some(index) = trying.iter().position(of) else {
            return;
        };
        let claim = trying.swap_remove(index);
        let name = claim.named.supervisor.clone();
        match tried {
            Tried::Right => {
                let was_wrong = self.warrants.lockouts.remove(&name).is_some();
                let by = Who::new(&name, Role::Supervisor);
                match self.could(&claim.ask, &by) {
                    Ok(()) => {
                        let granted = Granted {
                            by,
                            why: claim.why,
                            ask: claim.ask,
                            reply: claim.reply,
                        };
                        self.allow(claim.terminal, Proof::Pin, granted, now, effects);
                    }
                    // nothing else goes on record that tells of the right one
                    Err(refused) if was_wrong => effects.push(Effect::KeepWrongPin {
                        wrong: Lockout::default().to_keep(&name, now),
                        refusing: Refusing {
                            refused,
                            reply: claim.reply,
                        },
                    }),
                    Err(refused) => effects.push(Effect::Answer(claim.reply, Err(refused))),
                }
            }
            Tried::Wrong => self.wrong_pin(&name, claim.reply, now, effects),
            Tried::Unknown => {
                let refused = RequestRefused::NoPin(name);
                effects.push(Effect::Answer(claim.reply, Err(refused)));
            }
            Tried::Unreadable(why) => {
                let refused = RequestRefused::PinsUnreadable(why.to_string());
                effects.push(Effect::Answer(claim.reply, Err(refused)));
            }
        }
        self.warrants.try_waiting(now, effects);
    }

    fn wrong_pin(&mut self, name: &Arc<str>, reply: Reply, now: Now, effects: &mut Vec<Effect>) {
        let lockout = self.warrants.lockouts.entry(name.clone()).or_default();
        let (refused, happened) = match lockout.wrong(now.steady) {
            Wrong::Left(left) => (
                RequestRefused::WrongPin {
                    name: name.clone(),
                    left,
                },
                Happening::PinWrong {
                    name: name.to_string(),
                    left,
                },
            ),
            Wrong::Locked(lasts) => (
                locked_out(name, lasts),
                Happening::PinLocked {
                    name: name.to_string(),
                    lasts,
                },
            ),
        };
        effects.push(Effect::KeepWrongPin {
            wrong: lockout.to_keep(name, now),
            refusing: Refusing { refused, reply },
        });
        self.journal.line(now, happened);
    }

    /// A wrong PIN is answered once a kill would not undo that it was one.
    pub(super) fn wrong_pin_kept(
        &mut self,
        refusing: Refusing,
        result: Result<(), RecordError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if let Err(error) = result {
            self.stop_line(&error, now);
        }
        let Refusing { refused, reply } = refusing;
        effects.push(Effect::Answer(reply, Err(refused)));
    }

    /// Who has a PIN, as faces offer them.
    pub fn supervisors_told(&mut self, names: Result<Vec<Arc<str>>, Arc<str>>) {
        let names = names.unwrap_or_else(|why| {
            tracing::error!(%why, "PINs cannot be looked up");
            Vec::new()
        });
        if self.at_hand.supervisors != names {
            Arc::make_mut(&mut self.at_hand).supervisors = names;
        }
    }

    /// Puts it on record first.
    fn allow(
        &mut self,
        terminal: Who,
        how: Proof,
        mut granted: Granted,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let warrant = WarrantId::now();
        granted.reply.warrant = Some(warrant);
        let allowed = Allowed {
            warrant,
            who: granted.by.name.clone(),
            how,
            terminal: terminal.name,
            what: granted.ask.word(),
            subject: granted.ask.subject(),
            why: granted.why.clone(),
            at: now.wall,
        };
        effects.push(Effect::Allow { allowed, granted });
    }

    /// It is on record that it may be done, or nothing is done.
    pub(super) fn allowed(
        &mut self,
        mut granted: Granted,
        result: Result<(), RecordError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        match result {
            Ok(()) => self.carry_out(granted, now, effects),
            Err(error) => {
                self.stop_line(&error, now);
                granted.reply.warrant = None;
                let refused = RequestRefused::NotRecorded(error.to_string());
                effects.push(Effect::Answer(granted.reply, Err(refused)));
            }
        }
    }

    /// The record has taken a unit off the list, or not.
    pub(super) fn written_off(
        &mut self,
        writing_off: WritingOff,
        result: Result<bool, RecordError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let WritingOff { unit, by, reply } = writing_off;
        let result = match result {
            Ok(true) => {
                self.journal.line(now, Happening::WrittenOff { unit, by });
                // the list is another one: look at it now
                if matches!(self.health, HealthDue::At(_)) {
                    self.health = HealthDue::At(now.steady);
                }
                Ok(())
            }
            Ok(false) => Err(RequestRefused::NotOpen(unit)),
            Err(error) => {
                self.stop_line(&error, now);
                Err(RequestRefused::NotRecorded(error.to_string()))
            }
        };
        effects.push(Effect::Answer(reply, result));
    }

    /// Whether what a supervisor wants could be done now, as far as that shows before it is on record.
    fn could(&self, ask: &Ask, by: &Who) -> Result<(), RequestRefused> {
        if let Line::Stopped { detail, .. } = &self.line {
            return Err(RequestRefused::NotRecorded(detail.clone()));
        }
        match ask {
            Ask::FreeSlot { slot } => self.could_free_slot(slot),
            Ask::FreeLine => self.could_free_line(),
            Ask::TakeBundle { bundle } => self.could_take(bundle),
            Ask::ApproveLot(_)
            | Ask::StartLot { .. }
            | Ask::PauseLot { .. }
            | Ask::ApproveFirstArticle { .. }
            | Ask::EndLot { .. } => self.could_change_lot(ask, by),
            _ => Ok(()),
        }
    }
}
