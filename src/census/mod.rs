//! How many clients have seen which version: a bounded table per worker of client addresses and what each was served last,
//! and who asks all of them.
//!
//! ```text
//!  first list of a connection ──▶ table: a seat for its address ─┐
//!  later ones ──────────────────▶ an array store at that seat    │ a copy, by mail
//!                                                                ▼
//!  /status, /metrics, the page ◀── audience ◀── surveyor: the latest word of each address
//! ```
//!
//! A client is an address: processes behind one are one client. Nothing here is shared while it is written.

mod survey;
mod table;

pub use survey::Surveyor;
pub use table::{Full, Roll, Seat, Seen, Table};
