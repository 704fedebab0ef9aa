//! Findings become incidents, and the right people are told exactly as often as needed.
//!
//! In:  [`model::Readings`] from decode, [`model::Command`]s from the command log.   Out: the alert log, and webhooks.
//!
//! [`worker`] hands readings to `detect` and its findings to [`raise`]; what that makes of them is written by [`store`]
//! in one transaction: the incident, the alert log and the outgoing deliveries; [`states`] keeps how far detection is.
//! [`deliver`] works from the outbox alone, so a dead process or a dead receiver loses nothing; [`broadcast`] follows the log for those who listen. [`coverage`] hears the same readings
//! and says which land nobody watches.

pub mod broadcast;
mod cap;
pub mod coverage;
pub mod deliver;
mod duties;
mod green_up;
mod involved;
pub mod message;
mod metrics;
mod outbox;
mod overdue;
mod raise;
mod receivers;
mod states;
mod store;
pub mod upstream;
mod worker;

pub use metrics::Metrics;
pub use overdue::{OverdueParts, run as watch_overdue};
pub use receivers::{ReceiverState, receivers};
pub use states::States;
pub use store::{Known, Store, StoreError};
pub use worker::{WorkerError, WorkerParts, run};
