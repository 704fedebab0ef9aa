//! One connection from accept to the last word: the order in which its parts begin and, above all, end.
//!
//! In:  an accepted socket.   Out: nothing; what the device said is in the journal.
//!
//! Invariant: first what is on its way to the disk, then the last words, then the router link, then the seat. A seat given
//! up before its link is closed would let two sessions share a name.

use super::addresses::Guest;
use super::bus::RouterGone;
use super::codec::Codec;
use super::connect::{self, Hello, Turned, Will};
use super::end::End;
use super::flow::Flow;
use super::limits;
use super::mailbox::Mailbox;
use super::publish::Aliases;
use super::refusal::Refusal;
use super::seats::{Keep, Memory, Place};
use super::session::{Session, Stage};
use super::transport::{self, NotOpened, Opened, Socket, Way};
use super::{GateError, Shared};
use bytes::BytesMut;
use journal::AppendError;
use model::{DeviceId, Frame, ReceivedAt};
use rumqttd::protocol::{Disconnect, Packet};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Serves one connection to its end; `stranger` is given back as soon as the client has proved who it is.
pub(super) async fn connection(
    shared: Arc<Shared>,
    tcp: TcpStream,
    peer: SocketAddr,
    way: Way,
    stranger: OwnedSemaphorePermit,
) {
    // On the heap, and let go when it is done: an idle connection holds only what its session needs.
    let Some(client) = Box::pin(let_in(&shared, tcp, peer, &way)).await else { return };
    drop(stranger);
    Box::pin(serve(shared, client)).await;
}

/// A client that has proved who it is.
struct Client {
    socket: Socket,
    peer: SocketAddr,
    guest: Guest,
    /// What it said behind its CONNECT.
    buffer: BytesMut,
    hello: Hello,
}

async fn serve(shared: Arc<Shared>, mut client: Client) {
    let (device, peer) = (client.hello.acl.device().clone(), client.peer);
    let entered = shared.seats.enter(&device, &client.hello.client_id, client.hello.clean).await;
    let place = match entered {
        Ok(place) => place,
        Err(refusal) => {
            shared.refusals.note(refusal, peer, device.as_str(), "");
            return turn_away(&mut client.socket, client.hello.codec, refusal).await;
        }
    };
    let (will, client_id) = (client.hello.will.take(), std::mem::take(&mut client.hello.client_id));
    let end = match session(&shared, client, &client_id, place).await {
        Ok(end) => end,
        Err(RouterGone) => {
            shared.fail(GateError::Router(RouterGone));
            End::RouterGone
        }
    };
    tracing::info!(%peer, %device, client = client_id, reason = %end, "session ended");
    if let Some(will) = will
        && end.will_is_due()
    {
        publish_will(&shared, &device, *will).await;
    }
}

/// From TCP to an authenticated client, in time; whoever does not get there is counted and, where there are words, told.
async fn let_in(shared: &Shared, mut tcp: TcpStream, peer: SocketAddr, way: &Way) -> Option<Client> {
    let deadline = Instant::now() + shared.connect_timeout;
    let peer = in_time(shared, peer, deadline, transport::client(&mut tcp, peer, shared.behind_proxy)).await?;
    let Some(mut guest) = shared.addresses.enter(peer.ip()) else {
        shared.refusals.note(Refusal::TooManyFromAddress, peer, "", "");
        return None;
    };
    let Opened { mut socket, certified } = in_time(shared, peer, deadline, transport::open(way, tcp)).await?;
    let mut buffer = BytesMut::new();
    let hello = greet(shared, &mut socket, peer, certified.as_deref(), deadline, &mut buffer).await?;
    guest.is_known();
    Some(Client { socket, peer, guest, buffer, hello })
}

/// Does what comes before CONNECT, or notes why it did not come about.
async fn in_time<T>(
    shared: &Shared,
    peer: SocketAddr,
    deadline: Instant,
    work: impl Future<Output = Result<T, NotOpened>>,
) -> Option<T> {
    let done = tokio::select! {
        done = tokio::time::timeout_at(deadline, work) => done,
        () = shared.stop.cancelled() => return None,
    };
    match done {
        Ok(Ok(done)) => return Some(done),
        Ok(Err(NotOpened(why))) => shared.refusals.note(Refusal::Handshake, peer, "", &why),
        Err(_elapsed) => shared.refusals.note(Refusal::ConnectTimeout, peer, "", ""),
    }
    None
}

/// Reads CONNECT in time and judges it; answers a refusal.
async fn greet(
    shared: &Shared,
    socket: &mut Socket,
    peer: SocketAddr,
    certified: Option<&str>,
    deadline: Instant,
    buffer: &mut BytesMut,
) -> Option<Hello> {
    let hello = connect::hello(socket, buffer, &shared.tenant, &shared.registry, certified);
    let timed = tokio::select! {
        timed = tokio::time::timeout_at(deadline, hello) => timed,
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
        turn_away(socket, codec, refusal).await;
    }
    None
}

async fn turn_away(socket: &mut Socket, codec: Codec, refusal: Refusal) {
    let mut out = BytesMut::new();
    if codec.encode(connect::refused(refusal), &mut out).is_ok() {
        last_words(socket, &out).await;
    }
}

async fn last_words(socket: &mut Socket, words: &[u8]) {
    let words = async {
        socket.write_all(words).await?;
        socket.shutdown().await
    };
    // The client may be gone already; then there is nobody to tell.
    drop(tokio::time::timeout(limits::FAREWELL_TIMEOUT, words).await);
}

/// Runs a session in its place; the place is free again, and the router link closed, when this returns.
async fn session(shared: &Arc<Shared>, client: Client, client_id: &str, mut place: Place) -> Result<End, RouterGone> {
    let Client { socket, peer, guest, buffer, hello } = client;
    let device = hello.acl.device().clone();
    let mut memory = std::mem::take(&mut place.memory);
    let takes = (hello.receive_max, hello.packet_max);
    let mut session_present = place.resumed;
    let mut mailbox = None;
    if memory.linked {
        let link = shared.bus.open(&place.link_name, false).await?;
        session_present = link.session_present;
        if !session_present {
            memory.filters.clear();
        }
        mailbox = Some(Box::new(Mailbox::new(link, hello.codec, takes.0, takes.1)));
    }
    let mut session = Session {
        shared: Arc::clone(shared),
        codec: hello.codec,
        acl: hello.acl.clone(),
        peer,
        flow: Flow::new(socket, buffer, hello.silence_max),
        aliases: Aliases::default(),
        memory,
        keep: hello.keep,
        link_name: place.link_name.clone(),
        takes,
        mailbox,
        stage: Stage::default(),
        paces: [Arc::clone(&place.pace), Arc::clone(&guest.pace)],
        slowed_since: None,
    };
    shared.metrics.sessions.inc();
    tracing::info!(%peer, %device, client = client_id, version = hello.codec.as_str(), session_present, "session began");
    let keep = hello.keep;
    let welcomed = session.answer(connect::accepted(&hello, client_id, session_present));
    drop(hello);
    let end = match welcomed {
        Ok(()) => session.run(ending(shared, &device, &place.kick)).await,
        Err(end) => end,
    };
    if let Some((refusal, what)) = end.refusal() {
        session.note(refusal, what);
    }
    let (end, memory) = Box::pin(wind_up(session, end)).await?;
    place.leave(keep, memory);
    Ok(end)
}

/// Resolves when somebody else ends the session.
async fn ending(shared: &Shared, device: &DeviceId, kick: &CancellationToken) -> End {
    tokio::select! {
        biased;
        () = shared.stop.cancelled() => End::Stopping,
        () = kick.cancelled() => End::TakenOver,
        () = disabled(shared, device) => End::Disabled,
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

/// Ends a session: what was taken in gets to the disk and is acknowledged, the client is told why, the link is closed.
/// Afterwards nothing of the session touches the router. Gives what is remembered of it.
async fn wind_up(mut session: Session, end: End) -> Result<(End, Memory), RouterGone> {
    let settled = tokio::time::timeout(limits::SETTLE_TIMEOUT, settle(&mut session)).await;
    let end = match settled {
        Ok(Err(error)) => session.journal_failed(error),
        // Acknowledgements that do not get out in time are asked for again by the device.
        Ok(Ok(())) | Err(_) => end,
    };
    let farewell = end.farewell();
    if let Some(reason_code) = farewell {
        // What cannot be said is left out; the connection ends all the same.
        session.answer(Packet::Disconnect(Disconnect { reason_code }, None)).ok();
    }
    let Session { shared, flow, mailbox, mut memory, keep, link_name, .. } = session;
    if farewell.is_some() {
        flow.finish(limits::FAREWELL_TIMEOUT).await;
    }
    if let Some(mailbox) = mailbox {
        mailbox.close(&shared.bus).await?;
    }
    if memory.linked && keep == Keep::No {
        shared.bus.forget(&link_name).await?;
    }
    // What was not on disk is not remembered as received.
    memory.unreleased.retain(|_, on_disk| *on_disk);
    Ok((end, memory))
}

async fn settle(session: &mut Session) -> Result<(), AppendError> {
    while !session.flow.owing.is_empty() {
        let debts = std::future::poll_fn(|cx| session.flow.owing.poll_settled(cx)).await?;
        session.pay(&debts);
    }
    Ok(())
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
    let recording = shared.recorder.begin(vec![frame], ());
    let outcome = tokio::select! {
        outcome = recording => outcome,
        () = shared.stop.cancelled() => Err(AppendError::Closed),
    };
    match outcome {
        Ok(()) => tracing::info!(%device, "will recorded"),
        Err(AppendError::Closed) => tracing::warn!(%device, "will dropped; the gate is stopping"),
        Err(error) => shared.fail(GateError::Journal(error)),
    }
}
