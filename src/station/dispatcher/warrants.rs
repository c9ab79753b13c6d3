//! What changes the line is a supervisor's: whose leave there is for it, and that it is on record, with who
//! and why, before it takes effect. Leaves out what is done then (`line`) and who someone is (`access`).
//!
//! ```text
//! Request → can it be done? → by whose leave? → Allow → on record → can it still? → carried out → answer
//! ```

use std::sync::Arc;

use tokio::sync::oneshot;

use super::super::slot::Now;
use super::{Dispatcher, Effect, HealthDue, Line};
use crate::event::{Happening, Role, Unit, Who};
use crate::record::{Allowed, Proof, RecordError, WarrantId};
use crate::station::{Ask, Request, RequestRefused, Warrant};

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
        // what a supervisor paused, one starts again, and says why; without a word from one it is refused
        let by_supervisor =
            self.ends_supervisors_pause(&ask) && (warrant.is_some() || by.role >= Role::Supervisor);
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
            Ok(why) => self.allow(by, why, ask, reply, now, effects),
            Err(refused) => effects.push(Effect::Answer(reply, Err(refused))),
        }
    }

    /// Why it is done, where it may be.
    fn leave(
        &self,
        by: &Who,
        ask: &Ask,
        warrant: Option<Warrant>,
    ) -> Result<Arc<str>, RequestRefused> {
        let Some(Warrant { why, pin }) = warrant.filter(|given| !given.why.trim().is_empty())
        else {
            return Err(RequestRefused::WhyMissing);
        };
        if let Some(named) = pin {
            return Err(RequestRefused::NoPin(named.supervisor));
        }
        if by.role < Role::Supervisor {
            return Err(RequestRefused::SupervisorOnly { by: by.clone() });
        }
        self.could(ask, by)?;
        Ok(why.trim().into())
    }

    /// Puts it on record first.
    fn allow(
        &mut self,
        by: Who,
        why: Arc<str>,
        ask: Ask,
        mut reply: Reply,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let warrant = WarrantId::now();
        reply.warrant = Some(warrant);
        effects.push(Effect::Allow {
            allowed: Allowed {
                warrant,
                who: by.name.clone(),
                how: Proof::Login,
                terminal: by.name.clone(),
                what: ask.word(),
                subject: ask.subject(),
                why: why.clone(),
                at: now.wall,
            },
            granted: Granted {
                by,
                why,
                ask,
                reply,
            },
        });
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
            | Ask::ApproveFirstArticle { .. }
            | Ask::EndLot { .. } => self.could_change_lot(ask, by),
            _ => Ok(()),
        }
    }
}
