//! Reports as text: table, CSV, JSON. Figures come from `record`.
