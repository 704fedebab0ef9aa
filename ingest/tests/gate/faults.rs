//! The faults that stop or mislead a stock broker (docs/adr/0002), each played against the gate. Tests are named after the
//! fault; what each of them looks for is that somebody else, and whoever comes afterwards, is served as before.

use super::house::House;
use super::wire::{Connect, Raw, packet, publish, string};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const TRACK: &str = "steppe/v1/hexigten/camera-1/track";
const DOWN: &str = "steppe/v1/hexigten/camera-1/down/#";
const ORDER: &str = "steppe/v1/hexigten/camera-1/down/reboot";
const WITNESS_DOWN: &str = "steppe/v1/hexigten/camera-2/down/#";
const WITNESS_ORDER: &str = "steppe/v1/hexigten/camera-2/down/reboot";

/// Another device: connected before, and served on the same connection whatever happens.
struct Witness(Raw);

impl Witness {
    async fn arrives(house: &House) -> Self {
        let mut raw = Raw::connect(house, 4, "camera-2").await;
        assert_eq!(raw.subscribe(1, WITNESS_DOWN, 0).await, 0);
        Self(raw)
    }

    /// Its messages are acknowledged and it hears its orders: gate, journal, router and the platform's voice all live.
    async fn is_served(&mut self, house: &House) {
        self.0.publish(1, 77, "steppe/v1/hexigten/camera-2/heartbeat", b"{}").await;
        self.0.expect_ack(0x40, 77).await;
        house.downlink.say(WITNESS_ORDER, b"for the witness", false).await.unwrap();
        let (first, body) = self.0.read().await.unwrap();
        assert_eq!(first, 0x30);
        assert!(body.ends_with(b"for the witness"));
    }
}

/// Somebody who comes now is let in and acknowledged.
async fn the_door_is_open(house: &House) {
    let mut newcomer = Raw::connect(house, 5, "dock").await;
    newcomer.publish(1, 1, "steppe/v1/hexigten/dock/heartbeat", b"{}").await;
    newcomer.expect_ack(0x40, 1).await;
    newcomer.send(&[0xe0, 0]).await;
    assert_eq!(newcomer.read().await, None);
}

fn subscribe(level: u8, packet_id: u8, filter: &str) -> Vec<u8> {
    let mut body = vec![0, packet_id];
    if level == 5 {
        body.push(0);
    }
    string(&mut body, filter.as_bytes());
    body.push(1);
    packet(0x82, &body)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connects_with_an_invalid_client_id_do_not_shut_the_door() {
    let house = House::start().await;
    let mut witness = Witness::arrives(&house).await;
    for (level, code) in [(4, 2), (5, 0x85)] {
        for client in ["a/b", "+", "#", "$SYS", "a\tb"] {
            let mut connect = Connect::new(&house, level, "camera-1");
            connect.client = client.to_owned();
            for _ in 0..2 {
                let (mut raw, (first, body)) = connect.to(house.address).await;
                assert_eq!((first, body[1]), (0x20, code), "{client}");
                assert_eq!(raw.read().await, None);
            }
        }
    }
    assert_eq!(house.refusals("bad_client_id"), 20);
    witness.is_served(&house).await;
    the_door_is_open(&house).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn exceeding_max_connections_does_not_shut_the_door() {
    let house = House::start_with(3).await;
    let mut witness = Witness::arrives(&house).await;
    let mut insiders = [Raw::connect(&house, 4, "camera-1").await, Raw::connect(&house, 5, "dock").await];
    let mut outsiders = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        // The gate may have closed already.
        stream.write_all(&Connect::new(&house, 4, "drone").encode()).await.ok();
        outsiders.push(Raw { stream, level: 4 });
    }
    for mut outsider in outsiders {
        assert_eq!(outsider.read().await, None);
    }
    assert_eq!(house.refusals("too_many_connections"), 20);
    witness.is_served(&house).await;
    for insider in &mut insiders {
        insider.ping().await;
        insider.send(&[0xe0, 0]).await;
        assert_eq!(insider.read().await, None);
    }
    while house.metrics.connections.get() > 1 {
        tokio::task::yield_now().await;
    }
    the_door_is_open(&house).await;
    witness.is_served(&house).await;
    house.stop().await.unwrap();
}

/// A group shares one cursor in the router, which loses its place when a member goes with a message unacknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn a_persistent_share_client_that_drops_an_unacknowledged_message_does_not_stop_the_router() {
    let house = House::start().await;
    let mut witness = Witness::arrives(&house).await;
    for (level, shared) in [(4, 0x80), (5, 0x9e)] {
        let mut connect = Connect::new(&house, level, "camera-1");
        connect.clean = false;
        if level == 5 {
            connect.properties = vec![17, 0, 0, 0, 60];
        }
        for round in 0..3 {
            let mut camera = connect.accepted(house.address).await;
            camera.send(&subscribe(level, 1, &format!("$share/g/{DOWN}"))).await;
            camera.send(&subscribe(level, 2, DOWN)).await;
            // What the session had missed may come in between.
            let mut answers = Vec::new();
            while answers.len() < 2 {
                match camera.read().await.unwrap() {
                    (0x90, body) => answers.push((body[1], *body.last().unwrap())),
                    (first, _) => assert_eq!(first & 0xf0, 0x30),
                }
            }
            assert_eq!(answers, [(1, shared), (2, 1)]);
            let order = format!("never acknowledged {round}");
            house.downlink.say(ORDER, order.as_bytes(), false).await.unwrap();
            while !camera.read().await.unwrap().1.ends_with(order.as_bytes()) {}
            drop(camera);
            witness.is_served(&house).await;
        }
    }
    the_door_is_open(&house).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_sockets_that_never_send_connect_hold_up_nobody_and_are_shown_out() {
    let house = House::start().await;
    let mut witness = Witness::arrives(&house).await;
    let connect = Connect::new(&house, 5, "camera-1").encode();
    let mut silent = Vec::new();
    for said in 0..40 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        // Each says a little more, and none says enough.
        stream.write_all(&connect[..said]).await.unwrap();
        silent.push(Raw { stream, level: 5 });
    }
    witness.is_served(&house).await;
    the_door_is_open(&house).await;
    for mut stranger in silent {
        assert_eq!(stranger.read().await, None);
    }
    assert_eq!(house.refusals("connect_timeout"), 40);
    witness.is_served(&house).await;
    house.stop().await.unwrap();
}

/// Places that silent strangers hold are free again by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn silent_sockets_up_to_the_limit_do_not_shut_the_door_for_good() {
    let house = House::start_with(4).await;
    let mut witness = Witness::arrives(&house).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(Raw { stream: TcpStream::connect(house.address).await.unwrap(), level: 4 });
    }
    witness.is_served(&house).await;
    for mut stranger in silent {
        assert_eq!(stranger.read().await, None);
    }
    while house.metrics.connections.get() > 1 {
        tokio::task::yield_now().await;
    }
    the_door_is_open(&house).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_out_of_order_puback_does_not_disconnect_the_client_in_either_version() {
    let house = House::start().await;
    let mut witness = Witness::arrives(&house).await;
    for level in [4, 5] {
        let mut camera = Raw::connect(&house, level, "camera-1").await;
        camera.subscribe(1, DOWN, 1).await;
        for _ in 0..3 {
            house.downlink.say(ORDER, b"now", false).await.unwrap();
        }
        for _ in 0..3 {
            assert_eq!(camera.read().await.unwrap().0, 0x32);
        }
        for id in [3, 2, 200, 2, 1, 1] {
            camera.send(&[0x40, 2, 0, id]).await;
        }
        camera.ping().await;
        house.downlink.say(ORDER, b"later", false).await.unwrap();
        assert!(camera.read().await.unwrap().1.ends_with(b"later"));
        witness.is_served(&house).await;
    }
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_publish_of_a_device_erases_no_retained_order() {
    let house = House::start().await;
    house.downlink.say(ORDER, b"standing order", true).await.unwrap();
    let mut camera = Raw::connect(&house, 4, "camera-1").await;
    camera.publish(1, 1, TRACK, b"").await;
    camera.expect_ack(0x40, 1).await;
    let mut retained = publish(4, 1, 2, TRACK, b"");
    retained[0] |= 1;
    camera.send(&retained).await;
    camera.expect_ack(0x40, 2).await;
    // Its own downward topic is nothing that a device may say.
    let mut other = Raw::connect(&house, 5, "camera-1").await;
    other.publish(1, 3, ORDER, b"").await;
    other.expect(0x40, &[0, 3, 0x87, 0]).await;
    other.subscribe(4, DOWN, 0).await;
    let (first, body) = other.read().await.unwrap();
    assert_eq!((first & 0xf1, body.ends_with(b"standing order")), (0x31, true));
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn takeover_races_leave_one_working_session_and_each_contender_an_answer() {
    let house = House::start().await;
    let mut witness = Witness::arrives(&house).await;
    for level in [4, 5] {
        let contenders: Vec<_> = (0..16)
            .map(|_| {
                let (connect, address) = (Connect::new(&house, level, "camera-1"), house.address);
                tokio::spawn(async move { connect.accepted(address).await })
            })
            .collect();
        let mut raws = Vec::new();
        for contender in contenders {
            raws.push(contender.await.unwrap());
        }
        witness.is_served(&house).await;
        let mut working = 0;
        for mut raw in raws {
            // One that was taken over may find the connection closed already.
            raw.stream.write_all(&[0xc0, 0]).await.ok();
            match raw.read().await {
                Some((0xd0, _)) => working += 1,
                Some((0xe0, body)) => assert_eq!((level, body[0]), (5, 0x8e)),
                None => assert_eq!(level, 4),
                Some(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(working, 1);
        Raw::connect(&house, level, "camera-1").await.ping().await;
    }
    witness.is_served(&house).await;
    house.stop().await.unwrap();
}

/// The router's cursor of a reader that does not read jumps over messages; what a device says must not depend on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_holds_up_nobody_and_hears_the_newest_when_it_reads_again() {
    let house = House::start().await;
    let mut witness = Witness::arrives(&house).await;
    let mut slow = Raw::connect(&house, 4, "camera-1").await;
    slow.subscribe(1, DOWN, 0).await;
    // More than both sockets and the router's log of one filter hold.
    let mut order = vec![b'.'; 32 << 10];
    for _ in 0..1_500 {
        house.downlink.say(ORDER, &order, false).await.unwrap();
    }
    witness.is_served(&house).await;
    order.extend(b"the newest");
    house.downlink.say(ORDER, &order, false).await.unwrap();
    witness.is_served(&house).await;
    let mut heard = 0;
    while !slow.read().await.unwrap().1.ends_with(b"the newest") {
        heard += 1;
    }
    assert!(heard < 1_500, "it was slow enough to miss some");
    slow.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_id_equal_to_a_reserved_one_takes_nobodys_place() {
    let house = House::start().await;
    let mut witness = Witness::arrives(&house).await;
    for client in ["*platform", "*loopback", "camera-2:0", "camera-2-client", "camera-2", "auto-0"] {
        for level in [4, 5] {
            let mut thief = Connect::new(&house, level, "camera-1");
            thief.client = client.to_owned();
            let mut thief = thief.accepted(house.address).await;
            thief.ping().await;
            witness.is_served(&house).await;
            // Its end must not close what is named alike.
            thief.send(&[0xe0, 0]).await;
            assert_eq!(thief.read().await, None);
            witness.is_served(&house).await;
        }
    }
    house.stop().await.unwrap();
}

/// A removed link that is woken stops the router; the client goes just when there is most to hand out.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_go_while_the_router_hands_out_do_not_stop_it() {
    let house = House::start().await;
    let mut witness = Witness::arrives(&house).await;
    for round in 0..20 {
        let mut camera = Raw::connect(&house, if round % 2 == 0 { 4 } else { 5 }, "camera-1").await;
        camera.subscribe(1, DOWN, 0).await;
        for _ in 0..250 {
            house.downlink.say(ORDER, b"go", false).await.unwrap();
        }
        camera.read().await.unwrap();
        if round % 3 == 0 {
            camera.stream.write_all(&[0xe0, 0]).await.unwrap();
        }
        drop(camera);
    }
    witness.is_served(&house).await;
    the_door_is_open(&house).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_order_that_is_not_retained_is_not_said_since_it_would_erase_the_retained_one() {
    let house = House::start().await;
    let order = "steppe/v1/hexigten/camera-1/down/order";
    house.downlink.say(order, b"standing order", true).await.unwrap();
    assert_eq!(house.downlink.say(order, b"", false).await, Err(ingest::gate::NotSaid::Empty));
    let mut latecomer = Raw::connect(&house, 4, "camera-1").await;
    latecomer.subscribe(1, "steppe/v1/hexigten/camera-1/down/#", 0).await;
    let (first, body) = latecomer.read().await.unwrap();
    assert_eq!((first, body.ends_with(b"standing order")), (0x31, true));
    house.stop().await.unwrap();
}
