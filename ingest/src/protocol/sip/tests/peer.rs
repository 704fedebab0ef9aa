//! The listener against a camera that nobody here wrote: the crate `gb28181-rs`.

use super::*;
use gb28181_rs::config::{CatalogChannel, Gb28181Config, Transport};
use gb28181_rs::mock::MockFrameHub;
use gb28181_rs::server::Gb28181Server;

async fn registers_keeps_in_touch_shows_its_channels_and_logs_off(transport: Transport) {
    let site = Site::start().await;
    let password = site.add("nvr-1", DeviceKind::Gateway, RECORDER, None);
    site.add("gate-1", DeviceKind::Camera, CHANNEL, Some("nvr-1"));
    let config = serde_json::json!({
        "platform_sip_address": "127.0.0.1",
        "platform_sip_port": site.address.port(),
        "device_id": RECORDER,
        "channel_id": "15252500401320000012",
        "sip_domain": REALM,
        "password": password,
        "local_sip_port": 0,
        "register_interval_secs": 60,
        "heartbeat_interval_secs": 1,
        "protocol_version": "3.0",
    });
    let mut config: Gb28181Config = serde_json::from_value(config).unwrap();
    config.transport = transport;
    config.extra_channels = vec![CatalogChannel {
        device_id: CHANNEL.into(),
        name: "草场一号".into(),
        manufacturer: String::new(),
        model: String::new(),
        status: "OFF".into(),
        ptz_type: None,
        photoelectric_imaging_type: None,
    }];
    let mut camera = Gb28181Server::new(config, Arc::new(MockFrameHub::new())).spawn().await.unwrap();

    let has = |frames: &[Frame], device: &str, what: &str| {
        frames
            .iter()
            .any(|frame| frame.device.as_str() == device && String::from_utf8_lossy(&frame.payload).contains(what))
    };
    let mut head = site.journal.head();
    loop {
        let frames = site.frames().await;
        let came = has(&frames, "nvr-1", "REGISTER sip:")
            && has(&frames, "nvr-1", "Keepalive")
            && has(&frames, "gate-1", "Catalog");
        if came {
            break;
        }
        head.changed().await.unwrap();
    }
    let frames = site.frames().await;
    let entries = site.journal.read(Offset(0), frames.len()).await.unwrap();
    for entry in entries {
        crate::decode::decode(&entry).unwrap();
    }
    assert_eq!(site.refusals("bad_credentials"), 0);
    camera.shutdown_with_deregister().await.unwrap();
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_camera_over_udp_is_understood() {
    registers_keeps_in_touch_shows_its_channels_and_logs_off(Transport::Udp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_camera_over_tcp_is_understood() {
    registers_keeps_in_touch_shows_its_channels_and_logs_off(Transport::TcpOut).await;
}
