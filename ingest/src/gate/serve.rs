//! One connection from accept to the last word: the order in which its parts begin and, above all, end.
//!
//! In:  an accepted socket.   Out: nothing; what the device said is in the journal.
//!
//! Invariant: reader, then settler, then writer, then the router link, then the seat. A writer that outlives its link
//! would wake the router for a link that is gone, and stop it; a seat given up before its link is closed would let two
//! sessions share a name.

use super::bus::{Link, RouterGone};
use super::connect::{self, Hello, Turned, Will};
use super::desk::Desk;
use super::end::End;
use super::limits;
use super::outgoing::{Own, Writer, Written};
use super::refusal::Refusal;
use super::seats::{Keep, Memory, Place};
use super::session::{Reader, lock};
use super::settle::{Settled, Settler, Trouble};
use super::{GateError, Shared};
use bytes::BytesMut;
use journal::AppendError;
use model::{DeviceId, Frame, ReceivedAt};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Errands of one session that wait to be settled: every outstanding publish, and as many packets for the router.
const ERRANDS_MAX: usize = 2 * limits::OUTSTANDING_MAX as usize;

/// Serves one connection to its end.
pub(super) async fn connection(shared: Arc<Shared>, mut socket: TcpStream, peer: SocketAddr) {
    // A device's small packets should not wait for each other; if the socket cannot say so, they wait.
    socket.set_nodelay(true).ok();
    let mut buffer = BytesMut::new();
    let Some(hello) = greet(&shared, &mut socket, peer, &mut buffer).await else { return };
    let (device, will) = (hello.acl.device().clone(), hello.will.clone());
    let client = hello.client_id.clone();
    let entered = shared.seats.enter(&device, &hello.client_id, hello.clean).await;
    let place = match entered {
        Ok(place) => place,
        Err(refusal) => {
            shared.refusals.note(refusal, peer, device.as_str(), "");
            return turn_away(&mut socket, &hello, refusal).await;
        }
    };
    let end = match session(&shared, socket, peer, buffer, hello, place).await {
        Ok(end) => end,
        Err(RouterGone) => {
            shared.fail(GateError::Router(RouterGone));
            End::RouterGone
        }
    };
    tracing::info!(%peer, %device, client, reason = %end, "session ended");
    if let Some(will) = will
        && end.will_is_due()
    {
        publish_will(&shared, &device, will).await;
    }
}

/// Reads CONNECT in time and judges it; answers a refusal.
async fn greet(shared: &Shared, socket: &mut TcpStream, peer: SocketAddr, buffer: &mut BytesMut) -> Option<Hello> {
    let hello = connect::hello(socket, buffer, &shared.tenant, &shared.registry);
    let timed = tokio::select! {
        timed = tokio::time::timeout(shared.connect_timeout, hello) => timed,
        () = shared.stop.cancelled() => return None,
    };
    let (refusal, codec, claimed) = match timed {
        Ok(Ok(hello)) => return Some(hello),
        Ok(Err(Turned::Gone)) => return None,
        Ok(Err(Turned::Away { refusal, codec, claimed })) => (refusal, codec, claimed),
        Err(_elapsed) => (Refusal::ConnectTimeout, None, String::new()),
    };
    shared.refusals.note(refusal, peer, &claimed, "");
    if let Some(codec) = codec {
        let mut out = BytesMut::new();
        if codec.encode(connect::refused(refusal), &mut out).is_ok() {
            last_words(socket, &out).await;
        }
    }
    None
}

async fn turn_away(socket: &mut TcpStream, hello: &Hello, refusal: Refusal) {
    let mut out = BytesMut::new();
    if hello.codec.encode(connect::refused(refusal), &mut out).is_ok() {
        last_words(socket, &out).await;
    }
}

async fn last_words(socket: &mut TcpStream, words: &[u8]) {
    let words = async {
        socket.write_all(words).await?;
        socket.shutdown().await
    };
    // The client may be gone already; then there is nobody to tell.
    drop(tokio::time::timeout(limits::FAREWELL_TIMEOUT, words).await);
}

/// Runs a session in its place; the place is free again, and the link closed, when this returns.
async fn session(
    shared: &Arc<Shared>,
    mut socket: TcpStream,
    peer: SocketAddr,
    buffer: BytesMut,
    hello: Hello,
    mut place: Place,
) -> Result<End, RouterGone> {
    let device = hello.acl.device().clone();
    if !place.resumed && hello.keep != Keep::No {
        // The router may remember another session under this link's name.
        shared.bus.forget(&place.link_name).await?;
    }
    let fresh = !place.resumed && hello.keep == Keep::No;
    let link = shared.bus.open(&place.link_name, fresh).await?;
    let session_present = place.resumed && link.session_present;
    if !session_present {
        place.memory.filters.clear();
    }
    let mut out = BytesMut::new();
    let welcomed = hello.codec.encode(connect::accepted(&hello, session_present), &mut out).is_ok()
        && tokio::time::timeout(limits::WRITE_TIMEOUT, socket.write_all(&out)).await.is_ok_and(|sent| sent.is_ok());
    shared.metrics.sessions.inc();
    tracing::info!(%peer, %device, client = hello.client_id, version = hello.codec.as_str(), session_present, "session began");
    let memory = Arc::new(Mutex::new(std::mem::take(&mut place.memory)));
    let (mut reader, mut parts) = wire(shared, socket, peer, buffer, &hello, link, &memory);
    let end = if welcomed { converse(shared, &mut reader, &mut parts, &place.kick).await } else { End::Lost };
    if let Some((refusal, what)) = end.refusal() {
        reader.note(refusal, what);
    }
    drop(reader);
    let settled = wind_up(shared, parts, &end).await?;
    let trouble = settled.trouble.clone();
    settled.close().await?;
    if place.resumed && hello.keep == Keep::No {
        shared.bus.forget(&place.link_name).await?;
    }
    leave(place, hello.keep, &memory);
    if let Some(Trouble::Journal(error)) = trouble {
        shared.fail(GateError::Journal(error));
        return Ok(End::JournalFailed);
    }
    Ok(end)
}

/// The parts of a session besides its reader.
struct Parts {
    settler: JoinHandle<Settled>,
    writer: JoinHandle<Written>,
    finish: oneshot::Sender<Option<rumqttd::protocol::DisconnectReasonCode>>,
    give_up: CancellationToken,
    outstanding: Arc<Semaphore>,
    /// Keeps the writer's queue open until the writer is told to finish.
    own: mpsc::Sender<Own>,
    /// What the settler or the writer ended with before they were told to.
    early_settled: Option<Settled>,
    early_written: Option<Written>,
}

fn wire(
    shared: &Arc<Shared>,
    socket: TcpStream,
    peer: SocketAddr,
    buffer: BytesMut,
    hello: &Hello,
    link: Link,
    memory: &Arc<Mutex<Memory>>,
) -> (Reader<OwnedReadHalf>, Parts) {
    let (incoming, outgoing): (OwnedReadHalf, OwnedWriteHalf) = socket.into_split();
    let (own_tx, own) = mpsc::channel::<Own>(limits::OWN_PACKETS_MAX);
    let (errands_tx, errands) = mpsc::channel(ERRANDS_MAX);
    let (finish, finished) = oneshot::channel();
    let give_up = CancellationToken::new();
    let desk = Arc::new(Desk::default());
    let outstanding = Arc::new(Semaphore::new(usize::from(limits::OUTSTANDING_MAX)));
    let settler =
        Settler { errands, link: link.to, own: own_tx.clone(), memory: Arc::clone(memory), give_up: give_up.clone() };
    let writer = Writer {
        codec: hello.codec,
        socket: outgoing,
        link: link.from,
        own,
        desk: Arc::clone(&desk),
        outstanding: Arc::clone(&outstanding),
        metrics: shared.metrics.clone(),
        receive_max: hello.receive_max,
        packet_max: hello.packet_max,
    };
    let reader = Reader {
        shared: Arc::clone(shared),
        codec: hello.codec,
        acl: hello.acl.clone(),
        peer,
        socket: incoming,
        buffer,
        silence_max: hello.silence_max,
        aliases: HashMap::new(),
        memory: Arc::clone(memory),
        desk,
        own: own_tx.clone(),
        errands: errands_tx,
        outstanding: Arc::clone(&outstanding),
    };
    let parts = Parts {
        settler: tokio::spawn(settler.run()),
        writer: tokio::spawn(writer.run(finished)),
        finish,
        give_up,
        outstanding,
        own: own_tx,
        early_settled: None,
        early_written: None,
    };
    (reader, parts)
}

/// Lets the client speak until somebody ends it.
async fn converse(
    shared: &Shared,
    reader: &mut Reader<OwnedReadHalf>,
    parts: &mut Parts,
    kick: &CancellationToken,
) -> End {
    let device = reader.acl.device().clone();
    tokio::select! {
        biased;
        () = shared.stop.cancelled() => End::Stopping,
        () = kick.cancelled() => End::TakenOver,
        () = disabled(shared, &device) => End::Disabled,
        settled = &mut parts.settler => {
            parts.early_settled = settled.ok();
            let trouble = parts.early_settled.as_ref().and_then(|settled| settled.trouble.as_ref());
            trouble.map_or(End::RouterGone, Trouble::end)
        }
        written = &mut parts.writer => {
            parts.early_written = written.ok();
            match parts.early_written {
                Some(Written { link_gone: false, .. }) => End::Lost,
                _ => End::RouterGone,
            }
        }
        end = reader.run() => end,
    }
}

/// Returns when the registry no longer lets the device speak.
async fn disabled(shared: &Shared, device: &DeviceId) {
    let mut view = shared.view.clone();
    loop {
        let may_speak = view.borrow_and_update().device(device).is_some_and(|device| !device.disabled);
        if !may_speak {
            return;
        }
        if view.changed().await.is_err() {
            // The registry is gone, so nothing can change any more.
            return std::future::pending().await;
        }
    }
}

/// Ends settler and writer in this order; afterwards nothing of the session touches the router but the link's end.
async fn wind_up(shared: &Shared, mut parts: Parts, end: &End) -> Result<Settled, RouterGone> {
    // The reader is dropped, so the errands' queue is closed: what was taken in still gets to the disk.
    let settled = match parts.early_settled.take() {
        Some(settled) => settled,
        None => {
            let patience = tokio::time::timeout(limits::SETTLE_TIMEOUT, &mut parts.settler).await;
            match patience {
                Ok(joined) => joined.map_err(|_panicked| RouterGone)?,
                Err(_elapsed) => {
                    parts.give_up.cancel();
                    parts.settler.await.map_err(|_panicked| RouterGone)?
                }
            }
        }
    };
    let written = match parts.early_written.take() {
        Some(written) => written,
        None => {
            if end.client_listens() && settled.trouble.is_none() {
                let all = u32::from(limits::OUTSTANDING_MAX);
                // Acknowledgements that do not get out in time are sent again by the device.
                drop(tokio::time::timeout(limits::SETTLE_TIMEOUT, parts.outstanding.acquire_many(all)).await);
            }
            // If the writer ended meanwhile, it needs no telling.
            parts.finish.send(end.farewell()).ok();
            let written = parts.writer.await.map_err(|_panicked| RouterGone)?;
            drop(parts.own);
            written
        }
    };
    if written.woke_router {
        shared.bus.barrier().await?;
    }
    Ok(settled)
}

/// Gives the place up; what was not on disk is not remembered as received.
fn leave(place: Place, keep: Keep, memory: &Mutex<Memory>) {
    let mut memory = std::mem::take(&mut *lock(memory));
    memory.unreleased.retain(|_, on_disk| *on_disk);
    place.leave(keep, memory);
}

/// Says a device's will for it: through the journal, like all that it says.
async fn publish_will(shared: &Shared, device: &DeviceId, will: Will) {
    let frame = Frame {
        device: will.allowed.device,
        speaker: device.clone(),
        channel: will.allowed.channel,
        transport: model::Transport::Mqtt,
        payload: will.payload,
        received_at: ReceivedAt(shared.clock.now()),
    };
    let recording = shared.recorder.begin(frame, ()).await;
    let outcome = tokio::select! {
        outcome = recording.on_disk() => outcome,
        () = shared.stop.cancelled() => Err(AppendError::Closed),
    };
    match outcome {
        Ok(()) => tracing::info!(%device, "will recorded"),
        Err(AppendError::Closed) => tracing::warn!(%device, "will dropped; the gate is stopping"),
        Err(error) => shared.fail(GateError::Journal(error)),
    }
}
