//! The protocol's lines as types. Leaves out who sends them when.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::{JobId, Notice, Role};
use crate::record::JobFilter;
use crate::station::enquiry::{Found, NotFound, Question};
use crate::station::{Ask, RequestRefused, Snapshot, Warrant};

use super::changes::Changes;

/// The protocol that this flashline speaks. It counts up when something that was there goes away or
/// means something else; what is only added leaves it.
pub const PROTOCOL: u32 = 1;

/// The longest line that the daemon reads, in bytes.
pub const LONGEST_REQUEST_BYTES: usize = 16 << 10;

/// What is asked, and the number that its answer carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    #[serde(flatten)]
    pub what: What,
    /// Beside an `ask` that changes the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warrant: Option<Warrant>,
    /// Beside an `ask`: it is asked as no more than this. A screen at the bench asks as an operator, whatever
    /// login started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// What a client may ask of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// To do something on the line.
    Ask(Ask),
    /// To tell something once.
    Query(Query),
    /// To tell these from now on.
    Follow(Vec<Stream>),
}

/// What is told from now on, until the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The whole snapshot, then what changes of it.
    Snapshots,
    /// The notices that the station still has, then each new one.
    Notices,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Query {
    /// How the daemon is.
    Status,
    /// Today's yield, and the open units.
    Standing,
    /// The newest jobs that fit, newest first.
    Jobs(JobFilter),
    /// All that is known of one job.
    Job { job: JobId },
    /// Today, as charts show it.
    Day,
}

impl From<Question> for Query {
    fn from(question: Question) -> Query {
        match question {
            Question::Jobs(filter) => Query::Jobs(filter),
            Question::Job { job } => Query::Job { job },
            Question::Day => Query::Day,
        }
    }
}

/// The daemon's first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    /// The daemon's version.
    pub flashline: String,
    pub station: String,
    /// Who the daemon takes the client for.
    pub you: String,
    pub role: Role,
}

/// Notices that are lost: as in `docs/json.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    event: MissedWord,
    pub notices: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MissedWord {
    Missed,
}

impl Missed {
    pub fn new(notices: u64) -> Missed {
        Missed {
            event: MissedWord::Missed,
            notices,
        }
    }
}

/// Why the daemon closes the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    pub word: ByeWord,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeWord {
    /// The station has ended.
    Ended,
    /// As many connections are open as there may be.
    TooMany,
    /// A line was longer than it may be.
    TooLong,
}

/// What the daemon tells unasked, or since it is followed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told<'a> {
    Hello(&'a Hello),
    Snapshot(&'a Snapshot),
    Changes(&'a Changes),
    Notice(&'a Notice),
    #[serde(rename = "notice")]
    Missed(Missed),
    Bye(&'a Bye),
}

/// An answer. `id` is null where the line had none that could be read.
#[derive(Debug, Serialize)]
pub struct Answer<T> {
    pub id: Option<u64>,
    pub ok: bool,
    #[serde(flatten)]
    pub what: T,
}

/// Why something asked was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// By the station's rules.
    Station(RequestRefused),
    /// By the daemon; the text says more.
    Socket(SocketWord, String),
}

/// The daemon's own reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SocketWord {
    /// The line is no request.
    Malformed,
    /// Only the daemon's owner ends it.
    OwnerOnly,
    /// The station has more requests than it can take now.
    Busy,
    /// The station has ended.
    Ended,
    /// There is no such job on record.
    NoSuchJob,
    /// The record cannot be read.
    RecordUnreadable,
}

impl SocketWord {
    pub const ALL: [SocketWord; 6] = [
        SocketWord::Malformed,
        SocketWord::OwnerOnly,
        SocketWord::Busy,
        SocketWord::Ended,
        SocketWord::NoSuchJob,
        SocketWord::RecordUnreadable,
    ];
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::Station(refused) => refused.fmt(f),
            Refused::Socket(_, text) => f.pad(text),
        }
    }
}

impl From<RequestRefused> for Refused {
    fn from(refused: RequestRefused) -> Refused {
        Refused::Station(refused)
    }
}

/// With the sentence beside the word, for who does not know the word.
impl Serialize for Refused {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Said<W> {
            #[serde(flatten)]
            word: W,
            text: String,
        }
        #[derive(Serialize)]
        struct Own {
            word: SocketWord,
        }
        let text = self.to_string();
        match self {
            Refused::Station(word) => Said { word, text }.serialize(serializer),
            Refused::Socket(word, _) => Said {
                word: Own { word: *word },
                text,
            }
            .serialize(serializer),
        }
    }
}

/// A line from the daemon, as a client reads it: one of these is there. Unknown ones are left out, so
/// that a newer daemon may tell more.
#[derive(Debug, Deserialize)]
pub struct Line<'a> {
    #[serde(borrow)]
    pub snapshot: Option<&'a RawValue>,
    #[serde(borrow)]
    pub changes: Option<&'a RawValue>,
    #[serde(borrow)]
    pub notice: Option<&'a RawValue>,
    pub bye: Option<Bye>,
    /// An answer; `answer` has all of it.
    pub id: Option<u64>,
    pub ok: Option<bool>,
}

/// Why an answer's request was not carried out, from the answer's line.
pub fn refusal(line: &str) -> Refused {
    #[derive(Deserialize)]
    struct Own {
        word: Option<SocketWord>,
        text: Option<String>,
    }
    if let Ok(refused) = serde_json::from_str::<RequestRefused>(line) {
        return Refused::Station(refused);
    }
    let own = serde_json::from_str::<Own>(line);
    let (word, text) = own.map_or((None, None), |own| (own.word, own.text));
    Refused::Socket(
        word.unwrap_or(SocketWord::Malformed),
        text.unwrap_or_else(|| line.to_owned()),
    )
}

/// What was found, from the line of its answer.
pub fn found(answer: Result<String, Refused>) -> Result<Found, NotFound> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(flatten)]
        found: Found,
    }
    match answer {
        Ok(line) => serde_json::from_str::<Answer>(&line)
            .map(|answer| answer.found)
            .map_err(|error| NotFound::Unreadable(error.to_string())),
        Err(Refused::Socket(SocketWord::NoSuchJob, _)) => Ok(Found::Job(None)),
        Err(Refused::Socket(SocketWord::Busy, _)) => Err(NotFound::Busy),
        Err(Refused::Socket(SocketWord::Ended, _)) => Err(NotFound::Silent),
        Err(refused) => Err(NotFound::Unreadable(refused.to_string())),
    }
}

const NO_WARRANT: &str =
    "this is no warrant: `why`, and `supervisor` with `pin` or neither of them, all text";

/// A request out of a line.
///
/// # Errors
/// The id, where one could be read, and why it is no request.
pub fn parse(line: &[u8]) -> Result<Request, (Option<u64>, String)> {
    let mut value: serde_json::Value = serde_json::from_slice(line)
        .map_err(|error| (None, format!("this is no JSON: {error}")))?;
    let id = value.get("id").and_then(serde_json::Value::as_u64);
    let Some(known) = id else {
        return Err((
            None,
            "the object has no `id` that is a whole number".to_owned(),
        ));
    };
    // a mistake in it is told without what is there instead: that may be a PIN
    let warrant = value.as_object_mut().and_then(|all| all.remove("warrant"));
    let warrant: Option<Warrant> = serde_json::from_value(warrant.unwrap_or_default())
        .map_err(|_| (Some(known), NO_WARRANT.to_owned()))?;
    let asked = ["ask", "query", "follow"].map(|what| value.get(what).is_some());
    if asked.into_iter().filter(|there| *there).count() != 1 {
        let why = "this is no request: it wants one of `ask`, `query` and `follow`";
        return Err((Some(known), why.to_owned()));
    }
    let request: Request = serde_json::from_value(value)
        .map_err(|error| (Some(known), format!("this is no request: {error}")))?;
    Ok(Request { warrant, ..request })
}

/// Appends a value as a line.
pub fn push_line(out: &mut Vec<u8>, value: &impl Serialize) {
    let start = out.len();
    match serde_json::to_writer(&mut *out, value) {
        Ok(()) => out.push(b'\n'),
        // nothing that is told here fails to serialise; half a line must not stay
        Err(error) => {
            tracing::error!(%error, "a line for the socket");
            out.truncate(start);
        }
    }
}
