//! The faces of a running station in a terminal: the live dashboard, and the plain and JSON lines.
//! Each is a view of snapshots; none decides anything.
