//! What is written to one board: bundle + chip found + this board's values → erases, regions, and
//! the frames that carry them. A region that is the same for all boards is deflated and framed once
//! and shared. What of it a board needs is found out by `survey`, in how few streams decided by
//! `cost`. Leaves out the conversation itself (`job`): it only says how long each part of a stream may
//! take (`timeout`) and how long the whole is likely to take (`estimate`).

mod cost;
mod deflate;
mod erase_size;
mod estimate;
mod planner;
mod region;
mod stream;
mod survey;
mod timeout;

pub use cost::join;
pub use erase_size::{Besides, RomErase, Whose, rom_erase};
pub use estimate::{Estimate, Held};
pub use planner::{Plan, Planner};
pub use region::Region;
pub use stream::{Framed, Method};
pub use survey::Survey;
