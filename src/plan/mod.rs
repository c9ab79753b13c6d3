//! What is written to one board: bundle + chip found + this board's values → erases, regions, and
//! the frames that carry them. A region that is the same for all boards is deflated and framed once
//! and shared.

mod region;

pub use region::{Framed, Method, Plan, Planner, Region};
