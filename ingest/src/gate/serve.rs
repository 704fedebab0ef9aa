//! One connection from accept to the last word: the order in which its parts begin and, above all, end.
//!
//! In:  an accepted socket.   Out: nothing; what the device said is in the journal.
//!
//! Invariant: first what is on its way to the disk, then the last words, then the router link, then the seat. A seat given
//! up before its link is closed would let two sessions share a name.

use super::acl::Acl;
use super::addresses::Guest;
use super::audience::Hearing;
use super::bus::RouterGone;
use super::codec::Codec;
use super::connect::{self, Hello, Proof, Turned, Will};
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
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
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
    match Box::pin(begin(&shared, client)).await {
        Ok(Some(begun)) => Box::pin(serve(shared, begun)).await,
        Ok(None) => {}
        Err(RouterGone) => shared.fail(GateError::Router(RouterGone)),
    }
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

/// A session that has begun, and what stands until it has ended.
struct Begun {
    session: Box<Session>,
    place: Box<Place>,
    _guest: Guest,
    will: Option<Box<Will>>,
}

async fn serve(shared: Arc<Shared>, begun: Begun) {
    let Begun { mut session, place, _guest, will } = begun;
    let client = place.client();
    let (device, peer) = (session.acl.device().clone(), session.peer);
    let hearing = session.acl.hearing().cloned();
    let end = session.run(Box::pin(ending(&shared, &device, hearing.as_deref(), &place.kick))).await;
    if let Some((refusal, what)) = end.refusal() {
        session.note(refusal, what);
    }
    let will = will.filter(|_| end.will_is_due());
    // A will that waits is taken back when the session goes on; it is said when the session is over.
    let delay = will.as_ref().map_or(Duration::ZERO, |will| will.delay.min(session.keep.duration()));
    let (goes_on, resumed) = if delay.is_zero() { (None, None) } else { Some(oneshot::channel()).unzip() };
    let end = match Box::pin(wind_up(session, place, end, goes_on)).await {
        Ok(end) => end,
        Err(RouterGone) => {
            shared.fail(GateError::Router(RouterGone));
            End::RouterGone
        }
    };
    tracing::info!(%peer, %device, %client, reason = %end, "session ended");
    let Some(will) = will.filter(|_| end.will_is_due()) else { return };
    match resumed {
        None => Box::pin(publish_will(&shared, &device, *will)).await,
        // Its own task: the connection's place must not be held while the client is away.
        Some(resumed) => drop(tokio::spawn(publish_will_later(shared, device, will, delay, resumed))),
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
    let proof = Proof { address: peer.ip(), certified };
    let hello = connect::hello(socket, buffer, &shared.roots, &shared.credentials, proof);
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

/// Takes a place for the client, ending the session that holds it, and welcomes it there.
async fn begin(shared: &Arc<Shared>, client: Client) -> Result<Option<Begun>, RouterGone> {
    let Client { mut socket, peer, guest, buffer, mut hello } = client;
    let device = hello.acl.device().clone();
    let mut place = match seat(shared, &hello).await {
        Ok(place) => place,
        Err(refusal) => {
            shared.refusals.note(refusal, peer, device.as_str(), "");
            turn_away(&mut socket, hello.codec, refusal).await;
            return Ok(None);
        }
    };
    let mut memory = std::mem::take(&mut place.memory);
    if memory.linked && has_lost_a_right(shared, &hello.acl, &memory) {
        shared.bus.forget(&place.link_name).await?;
        (memory, place.resumed) = (Memory::default(), false);
    }
    let takes = (hello.receive_max, hello.packet_max);
    let mut session_present = place.resumed;
    let mut mailbox = None;
    if memory.linked {
        let link = shared.bus.open(&place.link_name, false).await?;
        session_present = link.session_present;
        if !session_present {
            memory.filters.clear();
        }
        mailbox = Some(Box::new(Mailbox::new(link, hello.codec, takes.0, takes.1, hello.acl.hearing().cloned())));
    }
    let mut flow = Flow::new(socket, buffer, hello.silence_max);
    // It fits: the buffer has no bound, and the packet is small.
    hello.codec.encode(connect::accepted(&hello, session_present), &mut flow.outgoing).ok();
    let session = Box::new(Session {
        shared: Arc::clone(shared),
        codec: hello.codec,
        acl: hello.acl,
        peer,
        flow,
        aliases: Aliases::default(),
        memory,
        keep: hello.keep,
        link_name: place.link_name.clone(),
        takes,
        mailbox,
        stage: Stage::default(),
        paces: [Arc::clone(&place.pace), Arc::clone(&guest.pace)],
        slowed_since: None,
    });
    shared.metrics.sessions.inc();
    tracing::info!(%peer, %device, client = hello.client_id, version = hello.codec.as_str(), session_present, "session began");
    Ok(Some(Begun { session, place, _guest: guest, will: hello.will.take() }))
}

/// A seat; and for one that listens a place among those who do. In this order: who takes its own session over has given that one's
/// place back by then.
async fn seat(shared: &Shared, hello: &Hello) -> Result<Box<Place>, Refusal> {
    let mut place = shared.seats.enter(hello.acl.device(), &hello.client_id, hello.clean).await?;
    if hello.acl.hearing().is_none() {
        return Ok(place);
    }
    match shared.audience.enter() {
        Ok(listening) => {
            place.listening = Some(listening);
            Ok(place)
        }
        Err(refusal) => {
            let memory = std::mem::take(&mut place.memory);
            place.leave(hello.keep, memory, None);
            Err(refusal)
        }
    }
}

/// Whether a session of one that listens remembers a filter that it may no longer have; then it begins anew.
fn has_lost_a_right(shared: &Shared, acl: &Acl, memory: &Memory) -> bool {
    let view = shared.view.borrow().clone();
    acl.hearing().is_some() && memory.filters.iter().any(|filter| acl.subscribe(&*view, filter).is_err())
}

/// Resolves when somebody else ends the session.
async fn ending(shared: &Shared, device: &DeviceId, hearing: Option<&Hearing>, kick: &CancellationToken) -> End {
    tokio::select! {
        biased;
        () = shared.stop.cancelled() => End::Stopping,
        () = kick.cancelled() => End::TakenOver,
        () = disabled(shared, device, hearing) => End::Disabled,
    }
}

/// Returns when the registry no longer lets the device speak, or one that listens hear the same as when it came.
async fn disabled(shared: &Shared, device: &DeviceId, hearing: Option<&Hearing>) {
    let mut view = shared.view.clone();
    loop {
        let may_go_on = {
            let view = view.borrow_and_update();
            match hearing {
                None => view.device(device).is_some_and(|device| !device.disabled),
                hearing => Hearing::of(&view.subscribers, device.as_str()).as_ref() == hearing,
            }
        };
        if !may_go_on {
            return;
        }
        if view.changed().await.is_err() {
            // The registry is gone, so nothing can change any more.
            return std::future::pending().await;
        }
    }
}

/// Ends a session: what was taken in gets to the disk and is acknowledged, the client is told why, the link is closed.
/// Afterwards nothing of the session touches the router, and its place is free.
async fn wind_up(
    mut session: Box<Session>,
    place: Box<Place>,
    end: End,
    goes_on: Option<oneshot::Sender<()>>,
) -> Result<End, RouterGone> {
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
    let Session { shared, flow, mailbox, mut memory, mut keep, link_name, ref acl, .. } = *session;
    if end == End::Disabled && acl.hearing().is_some() {
        // Nothing is gathered for one that may not come back, or comes back with other rights.
        keep = Keep::No;
    }
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
    place.leave(keep, memory, goes_on);
    Ok(end)
}

async fn settle(session: &mut Session) -> Result<(), AppendError> {
    while !session.flow.owing.is_empty() {
        // Answers are left out: whoever goes asks again when it is back.
        let settled = std::future::poll_fn(|cx| session.flow.owing.poll_settled(cx)).await?;
        session.pay(&settled.debts);
    }
    Ok(())
}

/// Says a will when its delay is over or its session is, whichever is first; not when the session goes on, when the device
/// was shut out meanwhile, or when we stop.
async fn publish_will_later(
    shared: Arc<Shared>,
    device: DeviceId,
    will: Box<Will>,
    delay: Duration,
    resumed: oneshot::Receiver<()>,
) {
    tokio::select! {
        biased;
        () = shared.stop.cancelled() => return tracing::warn!(%device, "will dropped; the gate is stopping"),
        goes_on = resumed => if goes_on.is_ok() { return },
        () = disabled(&shared, &device, None) => return,
        () = tokio::time::sleep(delay) => {}
    }
    publish_will(&shared, &device, *will).await;
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
