use super::*;

#[test]
fn an_address_without_a_port_and_a_speed_of_zero_are_refused_by_name() {
    let config = |mqtt_addr: &str, speed| FleetConfig {
        mqtt_addr: mqtt_addr.to_owned(),
        tenant: "hexigten".to_owned(),
        credentials: Credentials::from([("cam-01".to_owned(), "secret".to_owned())]),
        scenario: Arc::new(Scenario::hexigten_day(1)),
        seed: 1,
        speed,
        faults: Faults::none(),
        truth: None,
    };
    let message = |config| Fleet::new(config).err().unwrap().to_string();
    assert!(message(config("localhost", 1.0)).contains("`localhost` is not HOST:PORT"));
    assert!(message(config("127.0.0.1:1883", 0.0)).contains("speed 0"));
    let nobody = FleetConfig { credentials: Credentials::new(), ..config("127.0.0.1:1883", 1.0) };
    assert!(message(nobody).contains("no device of the scenario has a secret"));
}

#[test]
fn addresses_are_split_at_the_last_colon() {
    assert_eq!(host_and_port("[::1]:1883"), Some(("::1".to_owned(), 1883)));
    assert_eq!(host_and_port("broker.example:8883"), Some(("broker.example".to_owned(), 8883)));
    assert_eq!(host_and_port(":1883"), None);
}
