//! Every bound of the gate, with its reason. Nothing here is read from a device.

use super::pace::Rate;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Connections at a time: a banner's fleet of 10,000 devices, and the same again while they reconnect. One address may have
/// them all: a load balancer or a mobile operator may stand before the fleet.
pub const CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(20_000 - 1);

/// How many of them may be strangers, who have not proved who they are: a flood of silent sockets leaves the other half to
/// devices.
pub fn strangers(connections: NonZeroUsize) -> usize {
    connections.get().div_ceil(2).max(STRANGERS_MIN).min(connections.get())
}

/// How many of the strangers may come from one address: devices from elsewhere get in during a flood.
pub fn strangers_of_an_address(connections: NonZeroUsize) -> usize {
    let strangers = strangers(connections);
    strangers.div_ceil(4).max(STRANGERS_MIN).min(strangers)
}

/// Below this, sharing places out would only be in the way.
const STRANGERS_MIN: usize = 64;

/// How fast one device may speak, unless configured: far above any real one, far below what hurts the others.
pub const DEVICE_RATE: Rate = Rate { messages_per_s: 10_000.0, bytes_per_s: 16_777_216.0 };

/// How fast all devices behind one address may speak, unless configured: a whole banner at its worst.
pub const ADDRESS_RATE: Rate = Rate { messages_per_s: 500_000.0, bytes_per_s: 536_870_912.0 };

/// How long a client may go on speaking too fast before it is disconnected. Until then it is only slowed.
pub const SLOWED_MAX: Duration = Duration::from_secs(60);

/// Largest payload of an ordinary frame: the contract's 1 MiB.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// Largest snapshot: the contract's 4 MiB.
pub const SNAPSHOT_BYTES_MAX: usize = 4 << 20;

/// Room for fixed header, topic, packet id and MQTT 5 properties around a payload.
pub const ENVELOPE_BYTES_MAX: usize = 96 << 10;

/// Largest packet that can be legal at all; announced to MQTT 5 clients. Beyond it nothing is read.
pub const PACKET_BYTES_MAX: usize = SNAPSHOT_BYTES_MAX + ENVELOPE_BYTES_MAX;

/// Largest packet that is not a PUBLISH: 64 filters of decent length fit; a stranger's CONNECT costs no more than this.
pub const CONTROL_BYTES_MAX: usize = 64 << 10;

/// Publishes of one session that are on the way to the disk or whose acknowledgement is not written yet. Beyond it the
/// session is not read. Announced to MQTT 5 clients as Receive Maximum. 64 fills a group commit from few devices.
pub const OUTSTANDING_MAX: u16 = 64;

/// Memory, in KiB, that bodies above [`LARGE_BODY_BYTES`] may take up in all sessions together: sixty-four snapshots.
pub const LARGE_BODIES_KIB: u32 = 256 << 10;

/// How much of it one device may take up: two snapshots, so that a device that dawdles in all its sessions leaves the rest to
/// the others.
pub const LARGE_BODIES_OF_A_DEVICE_KIB: usize = 2 * (PACKET_BYTES_MAX / 1_024 + 1);

/// Bodies up to this size are not counted against [`LARGE_BODIES_KIB`]: a session's 64 of them are 1 MiB.
pub const LARGE_BODY_BYTES: usize = 16 << 10;

/// QoS 2 packet ids of one session that were received and not yet released.
pub const UNRELEASED_MAX: usize = 1_024;

/// Topic aliases that one MQTT 5 client may set; a native device has six topics.
pub const TOPIC_ALIASES_MAX: u16 = 16;

/// Sessions of one device, live or remembered: a device has one or two clients, an installer's laptop another.
pub const SEATS_PER_DEVICE: usize = 8;

/// Distinct filters that one device may ever subscribe to while the process lives: the router never frees their logs.
pub const FILTERS_PER_DEVICE: usize = 64;

/// Connections of those who listen to alerts, unless configured: some programs for each township, and neighbouring systems. One that
/// does not acknowledge is owed a hundred alerts at most.
pub const LISTENERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(256 - 1);

/// Distinct filters that all who listen may ever use together while the process lives: two dozen townships with each event. The log
/// of each is at most [`ALERT_SEGMENTS`] times [`ALERT_SEGMENT_BYTES`], and an alert in several of them is kept once.
pub const LISTENERS_FILTERS: usize = 512;

/// Alerts that may be on their way into the router at a time.
pub const ANNOUNCED_AT_ONCE: usize = 100;

/// Filters in one SUBSCRIBE or UNSUBSCRIBE.
pub const FILTERS_PER_PACKET: usize = 32;

/// How long a stranger may take from TCP accept to a whole CONNECT.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the body of one publish may take: 4 MiB over a poor mobile link at 10 kB/s take seven minutes.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a client that says "no keep-alive" may stay silent: a vanished device must not hold its place for ever.
pub const SILENCE_WITHOUT_KEEP_ALIVE: Duration = Duration::from_secs(3_600);

/// How long one write to a client may hang before the client counts as gone.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the last words to a client (DISCONNECT, CONNACK of a refusal) may take.
pub const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long outstanding appends and their acknowledgements may take when a session or the gate ends.
pub const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a new connection waits for the session that it takes over to end.
pub const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the watchdog asks the router for a sign of life, and how long the router may take to give it.
pub const WATCHDOG_INTERVAL: Duration = Duration::from_secs(1);
/// See [`WATCHDOG_INTERVAL`]; generous, since a busy machine is not a dead router.
pub const WATCHDOG_PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of one segment of the router's per-filter log. Small: one log per filter is never freed.
pub const ROUTER_SEGMENT_BYTES: usize = 64 << 10;
/// Segments per filter: what an absent device's queue of downward messages can hold.
pub const ROUTER_SEGMENTS: usize = 4;

/// The same of a filter for alerts, which are larger and come in storms: together some four hundred cases that a listener may be
/// behind, or away with a session that is kept.
pub const ALERT_SEGMENT_BYTES: usize = 256 << 10;
/// See [`ALERT_SEGMENT_BYTES`].
pub const ALERT_SEGMENTS: usize = 8;

/// Packets that the router hands one link at a time.
pub const ROUTER_OUTGOING_PACKETS: u64 = 200;

/// Bytes gathered before a write to the socket.
pub const WRITE_BATCH_BYTES: usize = 32 << 10;
