//! For each failure code what is wrong and what happens then, as data. Leaves out how it is played
//! (`world`).

use flashline::chip::{Chip, FlashId, Revision, Security};
use flashline::event::Code;
use flashline::lang::{Bin, Remedy};
use flashline::protocol::Op;
use flashline::sim::{Access, BoardSpec, Console, Fault, Wiring};

use super::doors::Shut;

/// One way to come by a code.
pub struct Cause {
    /// Which of the code's remedies, followed in their order, is the one that helps.
    pub helps: Remedy,
    /// What happens on the bench.
    pub event: Event,
    /// The board; everything that is wrong with it stays wrong.
    pub board: BoardSpec,
    /// What is wrong until the board is seated well.
    pub seat: Option<Spoilt>,
    /// What is wrong until the cable is changed.
    pub cable: Option<Fault>,
    /// How the slot's port does not open.
    pub shut: Option<Shut>,
    /// The path of the slot leads to another port than its own.
    pub wrong_path: bool,
    pub fastest_baud: Option<u32>,
    /// More of the manifest.
    pub manifest: &'static str,
    pub product: Product,
    pub fixture: Fixture,
    pub tempo: Tempo,
}

/// What a bad seat does.
#[derive(Debug, Clone)]
pub enum Spoilt {
    Board(Fault),
    /// The app says this instead.
    App(Console),
}

/// What the manifest is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    Thermostat,
    /// The same with one rate only.
    OneRate,
    /// An ESP32-C3 that may be in Secure Download Mode.
    Hidden,
}

/// How boards come to the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixture {
    Plugged,
    Hub,
    /// Put in and started by a key.
    Jig,
    /// Put in and started by their labels.
    ScannedJig,
}

/// How long jobs of this cause wait for answers that do not come, and so how many remedies of others are
/// tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tempo {
    Quick,
    /// Seconds each: of what ends with plugging the board again, the change of the cable only.
    Slow,
    /// Nothing that ends with plugging the board again.
    Slowest,
}

/// What happens on the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The board comes.
    Comes,
    /// Another board with its address is on the next slot already.
    TwinIsThere,
    PulledInMidWrite,
    SwappedInMidWrite,
    StoppedInMidWrite,
    StoppedInErase,
    /// The station is killed while it writes.
    Killed,
    /// Nothing is in the jig that is started.
    JigIsEmpty,
    /// The board passes, and its jig is started once more.
    StaysInJig,
    /// The hub loses its power in mid-write, time and again.
    HubFails,
    /// Three other boards have failed on this slot.
    ThreeFailed,
    /// Boards of a new lot have failed on three other slots.
    NewLotFails,
    /// The station is started by an operator on other files than last time.
    FilesChange,
    /// Another program keeps the database locked.
    DatabaseIsLocked,
    DiskFills,
    /// A label is scanned, and no board is put in.
    LabelWithoutBoard,
    /// It failed as often as it may, for a flash that takes nothing.
    FailedOften,
    /// It passed, was taken out, and comes again.
    PassedBefore,
    /// A golden board that is known to be bad has passed on another slot.
    GoldenPasses,
}

impl Cause {
    fn of(helps: Remedy, board: BoardSpec) -> Cause {
        Cause {
            helps,
            event: Event::Comes,
            board,
            seat: None,
            cable: None,
            shut: None,
            wrong_path: false,
            fastest_baud: None,
            manifest: "",
            product: Product::Thermostat,
            fixture: Fixture::Plugged,
            tempo: Tempo::Quick,
        }
    }

    /// A sound board, to which something happens.
    fn event(helps: Remedy, event: Event) -> Cause {
        Cause {
            event,
            ..Cause::of(helps, board())
        }
    }

    fn shut(helps: Remedy, why: Shut) -> Cause {
        Cause {
            shut: Some(why),
            ..Cause::of(helps, board())
        }
    }

    /// A sound board that is seated badly.
    fn seat(fault: Fault) -> Cause {
        Cause {
            seat: Some(Spoilt::Board(fault)),
            ..Cause::of(Remedy::PlugAgain, board())
        }
    }

    fn cable(fault: Fault) -> Cause {
        Cause {
            cable: Some(fault),
            ..Cause::of(Remedy::ChangeCable, board())
        }
    }

    /// A board that goes into a bin.
    fn board(bin: Bin, board: BoardSpec) -> Cause {
        Cause::of(Remedy::Into(bin), board)
    }

    fn faulty(bin: Bin, fault: Fault) -> Cause {
        Cause::board(bin, board().fault(fault))
    }

    fn slow(self) -> Cause {
        Cause {
            tempo: Tempo::Slow,
            ..self
        }
    }

    fn manifest(self, manifest: &'static str) -> Cause {
        Cause { manifest, ..self }
    }

    fn fixture(self, fixture: Fixture) -> Cause {
        Cause { fixture, ..self }
    }
}

/// Every time.
const EVER: u32 = u32::MAX;

const BOOT: &str = "[boot]\nexpect = ['SELFTEST OK']\ntimeout_ms = 700\n";
const MEASURED: &str = "[boot]\nexpect = ['SELFTEST OK']\ntimeout_ms = 4000\n\
    [[boot.measure]]\nname = \"vbat\"\nunit = \"mV\"\nlow = 3000\nhigh = 3600\n";

fn board() -> BoardSpec {
    BoardSpec::esp32(1)
}

/// A board whose app can be listened to.
fn telling(console: Console) -> BoardSpec {
    board().wiring(Wiring::Lines).console(console)
}

fn tests_itself(millivolts: u32) -> Console {
    Console::default().line(1, &format!("SELFTEST OK vbat={millivolts} mV"))
}

fn secured() -> Fault {
    Fault::Secured(Security {
        secure_boot: true,
        ..Security::default()
    })
}

/// The ways to come by a code that are played here.
pub fn causes(code: Code) -> Vec<Cause> {
    use Event::*;
    use Remedy::*;
    let refuses = Fault::Refused {
        op: Op::SpiAttach as u8,
        copies: 1,
        times: EVER,
    };
    let resets = Fault::ResetAfter {
        bytes: 0x8000,
        times: EVER,
    };
    let inflates_badly = Fault::InflateFails {
        block: 1,
        times: EVER,
    };
    let noise = Fault::ChecksumRefused { times: EVER };
    match code {
        Code::NoSync => vec![
            Cause::seat(Fault::Silent).slow(),
            Cause::faulty(Bin::Bad, Fault::Silent).slow(),
        ],
        Code::WrongChip => vec![Cause::board(Bin::Supervisor, board().chip(Chip::Esp32C3))],
        Code::ChipRevision => {
            let old = BoardSpec {
                revision: Revision { major: 1, minor: 0 },
                ..board()
            };
            vec![Cause::board(Bin::Engineering, old).manifest("min_chip_revision = \"v2.0\"")]
        }
        Code::MacInvalid => vec![Cause::faulty(Bin::Bad, Fault::MacCrcWrong)],
        Code::MacDuplicate => vec![Cause::event(Into(Bin::Supervisor), TwinIsThere)],
        Code::FlashNoAnswer => {
            let mute = |id| BoardSpec {
                flash_id: FlashId(id),
                ..board()
            };
            vec![
                Cause::board(Bin::Bad, mute(0)),
                Cause::board(Bin::Bad, mute(0xFF_FFFF)),
            ]
        }
        Code::FlashId => {
            let other = BoardSpec {
                flash_id: FlashId(0xC8_4016),
                ..board()
            };
            vec![Cause::board(Bin::Engineering, other).manifest("flash_ids = [\"ef4016\"]")]
        }
        Code::FlashTooSmall => {
            vec![Cause::board(Bin::Engineering, board().flash_size(1 << 20))]
        }
        Code::SecurityState => vec![Cause::faulty(Bin::Engineering, secured())],
        Code::StubSilent => vec![
            Cause::seat(Fault::StubSilent).slow(),
            Cause::faulty(Bin::Bad, Fault::StubSilent).slow(),
        ],
        Code::FlashWrite => vec![Cause::faulty(Bin::Bad, Fault::WriteProtected)],
        Code::InflateFailed => vec![
            Cause::seat(inflates_badly.clone()),
            Cause::cable(inflates_badly),
        ],
        Code::VerifyMismatch => vec![
            Cause::faulty(Bin::Bad, Fault::LostByte { offset: 0x1_1234 }),
            Cause::faulty(Bin::Bad, Fault::WritesIgnored),
        ],
        Code::NoReply => vec![
            Cause::seat(resets.clone()).slow(),
            Cause {
                tempo: Tempo::Slowest,
                ..Cause::faulty(Bin::Bad, resets)
            },
        ],
        Code::CommandRefused => vec![
            Cause::seat(refuses.clone()),
            Cause::faulty(Bin::Engineering, refuses),
        ],
        Code::LineNoise => vec![Cause::cable(noise)],
        Code::BootRejected => {
            vec![Cause::board(Bin::Engineering, telling(Console::panics())).manifest(BOOT)]
        }
        Code::BootTimeout => {
            let hangs_once = Cause {
                seat: Some(Spoilt::App(Console::silent())),
                ..Cause::of(PlugAgain, telling(tests_itself(3300)))
            };
            let says_nothing = Cause::board(Bin::Engineering, telling(Console::silent()));
            vec![
                hangs_once.manifest(BOOT).slow(),
                says_nothing.manifest(BOOT).slow(),
            ]
        }
        Code::MeasurementOutOfLimits => {
            vec![Cause::board(Bin::Bad, telling(tests_itself(2700))).manifest(MEASURED)]
        }
        Code::Unplugged => vec![Cause::event(PlugAgain, PulledInMidWrite)],
        Code::BoardSwapped => vec![Cause::event(PlugAgain, SwappedInMidWrite)],
        Code::RetestLimit => {
            let event = FailedOften;
            let broken = Cause::faulty(Bin::Repair, Fault::WriteProtected);
            // one that comes back from repair
            let mended = Cause::event(AllowRetest, FailedOften);
            vec![Cause { event, ..broken }, mended]
        }
        Code::AlreadyDone => {
            vec![Cause::event(Into(Bin::Good), PassedBefore).manifest("again = \"skip\"")]
        }
        Code::GoldenEscaped => vec![Cause::event(LetLineGoOn, GoldenPasses)],
        Code::ScanOrphan => vec![Cause::event(ScanAgain, LabelWithoutBoard)],
        Code::NotVerified => {
            let hidden = board().chip(Chip::Esp32C3).access(Access::SecureDownload);
            vec![
                Cause {
                    product: Product::Hidden,
                    ..Cause::board(Bin::Tests, hidden)
                }
                .fixture(Fixture::ScannedJig),
            ]
        }
        Code::PortAbsent => {
            let off = Cause::shut(ConnectAdapter, Shut::Off).fixture(Fixture::Jig);
            let elsewhere = Cause {
                wrong_path: true,
                helps: CorrectPath,
                ..Cause::shut(CorrectPath, Shut::Off).fixture(Fixture::Jig)
            };
            vec![off, elsewhere]
        }
        Code::PortNotSerial => vec![Cause {
            wrong_path: true,
            ..Cause::shut(CorrectPath, Shut::NoPort)
        }],
        // the program is closed first, and the slot wants the plug all the same
        Code::PortBusy => vec![Cause::shut(PlugAgain, Shut::Taken)],
        Code::PortDenied => vec![Cause::shut(GrantAccess, Shut::Forbidden)],
        Code::PortError => vec![
            Cause::shut(PlugAgain, Shut::HungUp),
            Cause::shut(ChangeCable, Shut::Broken),
        ],
        Code::BaudNotReached => [(LowerCeiling, 500_000), (ChangeAdapter, 200_000)]
            .map(|(helps, fastest_baud)| Cause {
                fastest_baud: Some(fastest_baud),
                product: Product::OneRate,
                ..Cause::of(helps, board())
            })
            .into(),
        Code::HubPower => vec![Cause::event(PlugAgain, HubFails).fixture(Fixture::Hub)],
        Code::NoBoard => vec![
            Cause::event(PutBoardIn, JigIsEmpty)
                .fixture(Fixture::Jig)
                .slow(),
            Cause {
                helps: SeatAnew,
                ..Cause::seat(Fault::Silent)
            }
            .fixture(Fixture::Jig)
            .slow(),
            Cause::faulty(Bin::Bad, Fault::Silent)
                .fixture(Fixture::Jig)
                .slow(),
        ],
        Code::NotRemoved => vec![Cause::event(NextBoard, StaysInJig).fixture(Fixture::Jig)],
        Code::SlotQuarantined => vec![Cause {
            cable: Some(noise),
            ..Cause::event(SetSlotFree, ThreeFailed)
        }],
        Code::LineHalted => vec![Cause::event(LetLineGoOn, NewLotFails)],
        Code::ManifestChangedOnDisk => vec![Cause::event(Approve, FilesChange)],
        Code::RecordFailed => vec![Cause::event(MendDatabase, DatabaseIsLocked)],
        Code::DiskFull => vec![Cause::event(MakeRoom, DiskFills)],
        Code::EraseUnfinished => {
            vec![Cause::event(PlugAgain, StoppedInErase).manifest("erase = \"all\"")]
        }
        Code::Stopped => vec![Cause::event(PlugAgain, StoppedInMidWrite)],
        Code::Interrupted => vec![Cause::event(PlugAgain, Killed)],
    }
}

impl Cause {
    /// Where the board belongs as long as nobody helps it, by what is wrong with it: nowhere while it is
    /// sound and unfinished. Asks nothing of codes or advice.
    pub fn bin(&self) -> Option<Bin> {
        let product_chip = match self.product {
            Product::Hidden => Chip::Esp32C3,
            Product::Thermostat | Product::OneRate => Chip::Esp32,
        };
        if self.board.chip != product_chip || self.event == Event::TwinIsThere {
            return Some(Bin::Supervisor);
        }
        let is_broken = self.board.faults.iter().any(|fault| match fault {
            Fault::Silent
            | Fault::StubSilent
            | Fault::ResetAfter { .. }
            | Fault::WriteProtected
            | Fault::WritesIgnored
            | Fault::LostByte { .. }
            | Fault::MacCrcWrong => true,
            // a lock, a ROM that knows a command otherwise: sound, and nothing for this manifest
            Fault::Secured(_) | Fault::Refused { .. } => false,
            other => unreachable!("{other:?}: broken or not?"),
        });
        let is_out_of_limits = self.board.console == tests_itself(2700);
        if is_broken && self.event == Event::FailedOften {
            return Some(Bin::Repair);
        }
        if self.event == Event::PassedBefore {
            return Some(Bin::Good);
        }
        if is_broken || is_out_of_limits || self.board.flash_id.is_silent() {
            return Some(Bin::Bad);
        }
        if self.board.access == Access::SecureDownload {
            return Some(Bin::Tests);
        }
        let usual = BoardSpec {
            wiring: self.board.wiring,
            ..board()
        };
        let is_unusual = self.board.revision != usual.revision
            || self.board.flash_id != usual.flash_id
            || !self.board.faults.is_empty()
            || (self.manifest == BOOT && self.board.console != tests_itself(3300));
        is_unusual.then_some(Bin::Engineering)
    }
}
