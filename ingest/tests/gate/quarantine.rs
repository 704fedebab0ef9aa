//! A device that registered itself is not let in before somebody has approved it.

use super::house::House;
use super::wire::Connect;
use model::{DeviceId, DeviceKind};
use registry::NewClaimKey;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_device_in_quarantine_is_not_authorised_in_its_versions_words_and_comes_in_when_it_is_approved() {
    let house = House::start().await;
    let new = NewClaimKey { name: "spring".into(), kind: None, life: Duration::from_secs(3_600), uses: 1 };
    let (key, _) = house.registry.add_claim_key(&new, "test").unwrap();
    let station = DeviceId::parse("SN-1").unwrap();
    let secret = house.registry.claim(key.as_str(), &station, DeviceKind::Station).unwrap();
    let connect = |level| {
        let mut connect = Connect::new(&house, level, "camera-1");
        (connect.username, connect.password) = ("SN-1".into(), secret.to_string());
        connect
    };
    for (level, code) in [(4, 5), (5, 0x87)] {
        let (mut raw, (first, body)) = connect(level).to(house.address).await;
        assert_eq!((first, body[0], body[1]), (0x20, 0, code), "{level}");
        assert_eq!(raw.read().await, None);
    }
    assert_eq!(house.refusals("quarantined"), 2);
    house.registry.approve(&station, "test").unwrap();
    for level in [4, 5] {
        connect(level).accepted(house.address).await.ping().await;
    }
    house.stop().await.unwrap();
}
