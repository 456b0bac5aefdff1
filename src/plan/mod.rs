//! What a change of the list costs clients: how they spread keys, which sequence of lists leads from one list to
//! another, and how many keys each step moves.
//!
//! Knows no sockets, files or clocks, and keeps to one thread: who has several gives each a [`Family`].

mod advice;
mod batch;
mod course;
mod family;
mod hashed;
mod keys;
mod scores;
mod strategy;

pub use advice::{Advice, Outlook, Worst};
pub use batch::{Batch, BatchError};
pub use course::{Change, Course, Load, Step, course, simulate};
pub use family::{Family, KnownBy, Picker};
pub use hashed::Hashed;
pub use keys::{Keys, KeysError};
pub use strategy::Strategy;
