//! API, live view and console: what a person sees, and the door through which a person acts.
//!
//! In:  the alert log, the registry's view, history's answers, and [`live::Live`], which decode and detect feed.
//! Out: HTTP under `/api/v1`, one WebSocket of live data per page, the embedded console, health and metrics; and commands,
//!      appended to the command log.
//!
//! ```text
//! view.rs         alert log -> incidents, deliveries, silences      live.rs   readings -> last positions, health
//! bundle/         a case as one file for outside the house
//! incidents.rs    lists and cases        commands.rs  a person's doing -> command log -> wait for what came of it
//! feed.rs         what changes, for one who looks                   router.rs every route there is
//! live_socket.rs  hello, events, positions, resync                  stream.rs the same one way, for tools
//! ```
//!
//! Never: changes an incident itself. A command travels through its log to `alerts`, and its effect comes back through the
//! alert log like any other; so a slow or dead browser never slows the way of the data.

mod acknowledge_page;
mod app;
mod audit;
mod auth;
mod bundle;
mod closures;
mod commands;
mod console;
mod dead_letters;
mod deliveries;
mod device_edit;
mod devices;
mod extract;
mod feed;
mod frames;
mod health;
mod households;
mod incidents;
mod index;
mod listener;
pub mod live;
mod live_socket;
mod login;
mod maintenance;
mod masks;
mod me;
mod messages;
mod notices;
mod oidc;
mod openapi;
mod ops;
mod patrol_routes;
mod patrols;
mod platform_ack;
mod playback;
mod problem;
mod proposals;
mod receivers;
mod refusals;
mod reports;
mod rosters;
mod router;
mod series;
mod sessions;
mod shared_frames;
mod sms_back;
mod sms_replies;
mod snapshots;
mod stations;
mod stream;
mod subscribers;
mod throttle;
mod tokens;
mod tracks;
mod tracks_many;
mod upload;
mod users;
mod view;
mod watching;
mod zone_at;
mod zone_feature;
mod zone_import;
mod zone_put;
mod zones;

pub use app::{ClosureAt, Foresee, Holding, Parts, Ready, ServeError, ZonesAsOf, ZonesAt, serve};
pub use bundle::{ExportError, ExportFiles, ExportParts, export_case};
pub use closures::calendar_json;
pub use dead_letters::Understands;
pub use device_edit::imported_json;
pub use households::household_json;
pub use listener::Certificate;
pub use maintenance::maintenance_json;
pub use masks::mask_json;
pub use messages::{MessageJson, SaidJson, Words};
pub use oidc::{Hidden, OidcConfig, OidcError, Provider};
pub use platform_ack::Callback;
pub use proposals::proposal_json;
pub use sms_back::SmsBack;
pub use sms_replies::{Replies, Reply};
pub use watching::{Unwatched, WatchSpan, Watching};
pub use zone_at::holding_json;
pub use zone_import::report_json;
pub use zones::version_json;
