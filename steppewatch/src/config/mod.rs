//! One TOML file -> [`Config`]. Having a `Config` means that every value in it was valid.
//!
//! In: the text of the file. Out: the configuration, or the first thing that is wrong with it as one sentence that names
//! the key, what it holds and what would do. Secrets are read from files, never written in this one.

mod cameras;
mod coverage;
mod detection;
mod devices;
mod dji;
mod frigate;
mod mavlink;
mod mqtt;
mod oidc;
mod platform;
mod section;
mod station_rules;
mod stations;
mod telling;
mod tls;
pub(crate) mod units;
mod vision;

use dashboards::OidcConfig;
use history::influx::InfluxConfig;
use ingest::gate::{GateConfig, TlsFiles};
use ingest::protocol::CameraConfig;
use ingest::protocol::gt06::Gt06Config;
use ingest::protocol::hj212::Hj212Config;
use ingest::protocol::mavlink::MavlinkConfig;
use ingest::protocol::modbus::ModbusStation;
use ingest::protocol::sip::SipConfig;
use model::TenantId;
use section::Section;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use coverage::Coverage;
pub use platform::Upstream;
pub use section::ConfigError;
pub use telling::Telling;
pub use vision::Vision;

/// The commented example that `steppewatch config example` prints; a test reads it.
pub const EXAMPLE: &str = include_str!("../../example.toml");

/// The service's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of journal, history and registry.
    pub data: PathBuf,
    /// The county or banner.
    pub tenant: TenantId,
    /// Where and how devices connect.
    pub gate: GateConfig,
    /// Where people and programs connect.
    pub http: SocketAddr,
    /// Its certificate; without one it speaks plain HTTP.
    pub http_tls: Option<TlsFiles>,
    /// The office's own provider of identities.
    pub oidc: Option<OidcConfig>,
    /// Stations to poll.
    pub modbus: Vec<ModbusStation>,
    /// Bound of the journal.
    pub journal_max_bytes: u64,
    /// Age after which journal entries go.
    pub journal_retention: Duration,
    /// Age after which tracks and readings go.
    pub history_retention: Duration,
    /// Age after which summed days of stations go.
    pub history_daily: Duration,
    /// Where readings are copied to.
    pub influx: Option<InfluxConfig>,
    /// How people and programs are told.
    pub telling: Telling,
    /// The systems above us.
    pub upstream: Upstream,
    /// Whether changes of zones and closures wait for a second person.
    pub second_person: bool,
    /// Where MAVLink vehicles are listened to.
    pub mavlink: Option<MavlinkConfig>,
    /// Where cameras of GB/T 28181 register.
    pub sip: Option<SipConfig>,
    /// Where stations of HJ 212 connect.
    pub hj212: Option<Hj212Config>,
    /// Where GT06 trackers connect.
    pub gt06: Option<Gt06Config>,
    /// Cameras whose streams of events are listened to.
    pub isapi: Vec<CameraConfig>,
    /// Cameras that are asked for their events.
    pub onvif: Vec<CameraConfig>,
    /// By what evidence a herd counts as inside.
    pub detection: detect::Settings,
    /// What counts as watched land, and who has to be out.
    pub coverage: Coverage,
    /// Bound of the pictures that are kept as evidence.
    pub evidence_max_bytes: u64,
    /// Which model looks at pictures.
    pub vision: Option<Vision>,
}

impl Config {
    /// Reads the file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
            key: "--config".into(),
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads its text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut root = Section::root(text)?;
        let tenant =
            root.parsed("tenant", "hexigten", |name| TenantId::parse(name).map_err(|error| error.to_string()))?;
        let gate = mqtt::gate(root.section("mqtt")?, tenant.clone())?;
        let gate = GateConfig { dji: dji::dji(root.section("dji")?, &tenant)?, ..gate };
        let mut http = root.section("http")?;
        let mut journal = root.section("journal")?;
        let mut history = root.section("history")?;
        let mut evidence = root.section("evidence")?;
        let mut zones = root.section("zones")?;
        let telling = telling::telling(&mut root, &mut http)?;
        let oidc = http.optional_section("oidc")?.map(|section| oidc::oidc(section, telling.public_url.as_deref()));
        let upstream = root.optional_section("platform")?.map(|section| platform::platform(section, &tenant));
        let upstream = upstream.transpose()?.unwrap_or_default();
        let influx = root.optional_section("influx")?.map(influx).transpose()?;
        let mavlink = root.optional_section("mavlink")?.map(mavlink::mavlink).transpose()?;
        let models = stations::models(root.sections("station_model")?)?;
        let modbus = stations::stations(root.sections("modbus")?, &models)?;
        let data = PathBuf::from(root.text("data", "data")?);
        let sip = root.optional_section("sip")?.map(|sip| devices::sip(sip, &data)).transpose()?.flatten();
        let hj212 = root.optional_section("hj212")?.map(devices::hj212).transpose()?.flatten();
        let gt06 = root.optional_section("gt06")?.map(devices::gt06).transpose()?.flatten();
        let isapi = cameras::cameras(root.sections("isapi")?)?;
        let onvif = cameras::cameras(root.sections("onvif")?)?;
        let detection = detection::detection(root.section("detection")?)?;
        let detection = detect::Settings { stations: station_rules::station_rules(&mut root)?, ..detection };
        let vision = root.optional_section("vision")?.map(vision::vision).transpose()?;
        let patrol_duties = root.sections("patrol_duty")?;
        let coverage = coverage::coverage(root.section("coverage")?, patrol_duties)?;
        let config = Self {
            coverage,
            detection,
            data,
            tenant,
            gate,
            http: http.address("listen", "127.0.0.1:8080")?,
            http_tls: http.optional_section("tls")?.map(tls::server).transpose()?,
            oidc: oidc.transpose()?,
            modbus,
            journal_max_bytes: journal.bytes("max_bytes", "20GiB")?,
            journal_retention: journal.duration("retention", "30d")?,
            history_retention: history.duration("retention", "400d")?,
            history_daily: history.duration("daily", "3650d")?,
            influx,
            evidence_max_bytes: evidence.bytes("max_bytes", "5GiB")?,
            telling,
            upstream,
            second_person: zones.flag("second_person", false)?,
            mavlink,
            sip,
            hj212,
            gt06,
            isapi,
            onvif,
            vision,
        };
        for section in [root, http, journal, history, evidence, zones] {
            section.finish()?;
        }
        Ok(config)
    }
}

fn influx(mut section: Section) -> Result<InfluxConfig, ConfigError> {
    let url = section.required("url", "the server's address, for example http://127.0.0.1:8086")?;
    let org = section.required("org", "the organisation's name")?;
    let bucket = section.required("bucket", "the bucket's name")?;
    let file = PathBuf::from(section.required("token_file", "a file that holds the token")?);
    let token = section.file("token_file", file)?;
    let config = InfluxConfig::parse(&url, &org, &bucket, token.trim())
        .map_err(|error| section.invalid("url", &url, &error.to_string()))?;
    section.finish()?;
    Ok(config)
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, complaint: &str) {
        assert_eq!(Config::parse(text).unwrap_err().to_string(), complaint);
    }

    #[test]
    fn an_empty_file_means_the_defaults_and_the_example_says_the_same() {
        let empty = Config::parse("").unwrap();
        let example = Config::parse(EXAMPLE).unwrap();
        assert_eq!(empty.gate.listen.to_string(), "127.0.0.1:1883");
        assert_eq!((empty.gate.listen, empty.http, &empty.data), (example.gate.listen, example.http, &example.data));
        assert_eq!(
            (empty.gate.device_rate, empty.gate.address_rate),
            (example.gate.device_rate, example.gate.address_rate)
        );
        assert_eq!(empty.journal_max_bytes, example.journal_max_bytes);
        assert_eq!(empty.journal_retention, example.journal_retention);
        assert_eq!((empty.history_retention, empty.history_daily), (example.history_retention, example.history_daily));
        assert_eq!(empty.evidence_max_bytes, example.evidence_max_bytes);
        assert_eq!((empty.second_person, example.second_person), (false, false));
        assert_eq!(empty.coverage, example.coverage);
        assert_eq!((&empty.detection, &example.detection), (&detect::Settings::default(), &empty.detection));
    }

    #[test]
    fn whatever_is_wrong_is_one_sentence_with_key_value_and_remedy() {
        check(
            "[mqtt]\nlisten = \"nowhere\"",
            "`mqtt.listen` is `nowhere`, which is no address; write host and port, for example 127.0.0.1:1883",
        );
        check(
            "[mqtt]\nlistn = \"127.0.0.1:1\"",
            "`mqtt.listn` is `127.0.0.1:1`, but there is no such key; known here: frigate, frigate_topic, limits, listen, proxy_protocol, tls, tls_listen, ws_listen",
        );
        check(
            "colour = 1",
            "`colour` is `1`, but there is no such key; known here: coverage, danger, data, detection, dji, evidence, fire, green_up, gt06, history, hj212, http, influx, isapi, journal, mavlink, messages, modbus, mqtt, onvif, patrol_duty, platform, reports, sip, sms, station_model, station_threshold, tenant, vision, webhooks, zones",
        );
        check(
            "tenant = \"克什克腾\"",
            "`tenant` is `克什克腾`, which cannot be used: tenant `克什克腾` holds `克`; use A-Z a-z 0-9 . _ -",
        );
        check(
            "[journal]\nmax_bytes = \"lots\"",
            "`journal.max_bytes` is `lots`, which is no size; write a number and a unit, for example 20GiB",
        );
        check("[history]\nretention = 5", "`history.retention` is `5`, which is no text; write it in quotes");
        check(
            "[[modbus]]\ndevice = \"station-1\"",
            "`modbus[0].address` is missing; write host:port of the station, for example 127.0.0.1:1502",
        );
        check(
            "[[modbus]]\ndevice = \"s\"\naddress = \"a:1\"\nunit = 300",
            "`modbus[0].unit` is `300`, which is out of range; write a whole number from 1 to 247",
        );
        check(
            "[[modbus]]\ndevice = \"s\"\naddress = \"a:1\"\nmodel = \"nonsense\"",
            "`modbus[0].model` is `nonsense`, which cannot be used: there is no such register map; use one of: \
             renke-soil, renke-soil-tdr, fdr-soil, renke-weather, renke-weather-centi",
        );
        check(
            "[mqtt]\ntls_listen = \"0.0.0.0:8883\"",
            "`mqtt.tls_listen` is `0.0.0.0:8883`, which cannot be used: there is no certificate for it; add [mqtt.tls] with certificate and key",
        );
        check(
            "[mqtt]\nproxy_protocol = \"yes\"",
            "`mqtt.proxy_protocol` is `yes`, which is neither true nor false; write one of them",
        );
        check(
            "[mqtt.limits]\nconnections = 0",
            "`mqtt.limits.connections` is `0`, which is out of range; write a whole number from 1 to 1000000",
        );
        check(
            "[webhooks]\nallow_networks = [\"127.0.0.1\"]",
            "`webhooks.allow_networks` is `127.0.0.1`, which cannot be used: `127.0.0.1` is no network; write an address and a prefix length, for example 127.0.0.0/8",
        );
        check("mqtt = 3", "`mqtt` is `3`, which is no section; write [mqtt] on a line of its own");
    }

    #[test]
    fn text_that_is_no_toml_names_the_line() {
        let complaint = Config::parse("data = \"a\"\ndata = ").unwrap_err().to_string();
        assert!(complaint.starts_with("configuration is not valid TOML in line 2:"), "{complaint}");
    }

    #[test]
    fn files_that_were_kept_are_read_or_refused_in_a_sentence() {
        replay::replay("config_toml", |input| match Config::parse(&String::from_utf8_lossy(input)) {
            Ok(config) => assert!(!format!("{config:?}").is_empty()),
            Err(error) => assert!(!error.to_string().is_empty()),
        });
    }

    #[test]
    fn a_token_file_that_cannot_be_read_is_named() {
        let text =
            "[influx]\nurl = \"http://127.0.0.1:1\"\norg = \"o\"\nbucket = \"b\"\ntoken_file = \"/nowhere/token\"";
        let complaint = Config::parse(text).unwrap_err().to_string();
        assert!(
            complaint.starts_with("`influx.token_file` names /nowhere/token, which cannot be read ("),
            "{complaint}"
        );
    }

    #[test]
    fn whatever_is_wrong_with_the_provider_of_identities_is_one_sentence_too() {
        let secret = tempfile::NamedTempFile::new().unwrap();
        let complaint = |more: &str| {
            let secret = secret.path().display().to_string();
            let text = format!("[http.oidc]\nclient_id = \"c\"\nclient_secret_file = {secret:?}\n{more}");
            Config::parse(&text).map(|config| config.oidc.unwrap()).map_err(|error| error.to_string())
        };
        let issuer = "issuer = \"https://id.example/qi\"\n";
        assert!(complaint(issuer).unwrap_err().starts_with("`http.oidc.client_secret_file` is `empty`"));
        std::fs::write(secret.path(), "s3cret\n").unwrap();
        assert!(
            complaint(issuer)
                .unwrap_err()
                .starts_with("`http.oidc.redirect_url` is missing; write the console's address")
        );
        let back = "redirect_url = \"https://watch.example/api/v1/session/oidc/callback\"\n";
        let config = complaint(&format!("{issuer}{back}")).unwrap();
        assert_eq!((config.name.as_str(), config.username_claim.as_str()), ("id.example", "preferred_username"));
        assert!(!format!("{config:?}").contains("s3cret"));
        let plain = complaint(&format!("issuer = \"http://id.example\"\n{back}")).unwrap_err();
        assert!(
            plain.ends_with("write the provider's address with https (http only for this machine), without ? and #"),
            "{plain}"
        );
        let elsewhere = complaint(&format!("{issuer}redirect_url = \"https://watch.example/\"")).unwrap_err();
        assert!(elsewhere.starts_with("`http.oidc.redirect_url` is `https://watch.example/`"), "{elsewhere}");
    }

    #[test]
    fn whatever_is_wrong_with_a_protocol_is_one_sentence_too() {
        check(
            "[mqtt.frigate]\ndetect = \"720p\"",
            "`mqtt.frigate.detect` is `720p`, which cannot be used: write width and height of Frigate's detect stream in pixels, for example 1280x720",
        );
        check(
            "[mqtt]\nfrigate_topic = \"thing\"",
            "`mqtt.frigate_topic` is `thing`, which cannot be used: it is another protocol's; write the `topic_prefix` of Frigate's configuration, for example frigate",
        );
        check("[dji]\napp_id = \"1\"", "`dji.app_key_file` is missing; write a file that holds the application's key");
        check(
            "[mavlink]\n[[mavlink.system]]\nkey_file = \"k\"",
            "`mavlink.system[0].id` is missing; write the vehicle's system id, 1 to 255",
        );
        check(
            "[mavlink]\nnetworks = [\"10.8.0.1\"]",
            "`mavlink.networks` is `10.8.0.1`, which cannot be used: `10.8.0.1` is no network; write an address and a prefix length, for example 10.8.0.0/24",
        );
        check(
            "[sip]\nid = \"15042500402000000001\"",
            "`sip.listen` is missing; write an address for cameras, for example 127.0.0.1:5060, or leave out [sip]",
        );
        check(
            "[sip]\nlisten = \"127.0.0.1:0\"\nid = \"1504\"",
            "`sip.id` is `1504`, which cannot be used: it has to be 20 digits",
        );
        check(
            "[gt06]\nlisten = \"127.0.0.1:0\"\nclock = \"local\"",
            "`gt06.clock` is `local`, which cannot be used: use utc or beijing, whichever the trackers' clocks show",
        );
    }

    #[test]
    fn whatever_is_wrong_with_the_rules_of_evidence_is_one_sentence_too() {
        check(
            "[detection]\nsightings = 2",
            "`detection.sightings` is `2`, but there is no such key; known here: collar_dwell, confidence_min, far_inside_unseen_after, \
             inside_probability, late_after, leave_after, outside_probability, sightings_needed, sightings_within, \
             together_probability, unseen_after",
        );
        check(
            "[detection.inside_probability]\ncamera = 0.2",
            "`detection.inside_probability.camera` is `0.2`, which is out of range; write a number from 0.5 to 0.999",
        );
        check(
            "[detection]\nsightings_within = \"2d\"",
            "`detection.sightings_within` is `172800s`, which cannot be used: it is out of range; write a duration from 60s to 3600s",
        );
    }

    #[test]
    fn whatever_is_wrong_with_the_rules_of_stations_is_one_sentence_too() {
        let rule =
            |more: &str| format!("[[station_threshold]]\nname = \"frost\"\nquantity = \"air_temperature_c\"\n{more}");
        check(
            &rule(""),
            "`station_threshold[0].above` is missing; write from which value on it is past, or `below` instead",
        );
        check(
            &rule("below = -70"),
            "`station_threshold[0].below` is `-70`, which cannot be used: air_temperature_c is -60 to 60 °C; limit and way back have to be within that, and back not negative",
        );
        check(
            &rule("below = 0\nfrom = \"5-10\"\nto = \"09-10\""),
            "`station_threshold[0].from` is `5-10`, which cannot be used: write month and day, for example 05-10",
        );
        check(
            &format!("{}\n{}", rule("below = 0"), rule("below = 1")),
            "`station_threshold[1].name` is `frost`, which cannot be used: there is a rule of that name already; choose another",
        );
        check(
            "[danger]\nfire_class = 6",
            "`danger.fire_class` is `6`, which is out of range; write a whole number from 2 to 5",
        );
        check(
            "[green_up]\nshare = 3",
            "`green_up.share` is `3`, but there is no such key; known here: days_before_end, extend_days, legal_basis, proposes, share_percent, soil_c, stations_min, warm_days",
        );
    }

    #[test]
    fn a_threshold_takes_the_place_of_the_default_of_its_name_or_is_one_more() {
        let text = "[[station_threshold]]\nname = \"frost\"\noff = true\n[[station_threshold]]\nname = \"wind\"\n\
                    quantity = \"wind_speed_mps\"\nabove = 13.9\nback = 2\nfor = \"5min\"\ngrave = true\n\
                    [[station_threshold]]\nname = \"heat\"\nquantity = \"air_temperature_c\"\nabove = 35\nfrom = \"06-01\"\nto = \"08-31\"";
        let rules = Config::parse(text).unwrap().detection.stations.thresholds.0;
        let words: Vec<_> = rules
            .iter()
            .map(|rule| (rule.name.as_str(), rule.limit, rule.lasts.as_secs(), rule.is_grave, rule.season.is_some()))
            .collect();
        let expected = [
            ("cold", -35.0, 3_600, false, false),
            ("snow", 20.0, 43_200, true, false),
            ("wind", 13.9, 300, true, false),
            ("heat", 35.0, 0, false, true),
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn whatever_is_wrong_with_looking_at_pictures_is_one_sentence_too() {
        check(
            "[vision]\nkind = \"yolox\"",
            "`vision.model` is missing; write the file of an ONNX model, or leave out [vision]",
        );
        check(
            "[vision]\nmodel = \"m\"\nkind = \"ssd\"",
            "`vision.kind` is `ssd`, which cannot be used: use yolox or yolov8, whichever way the model writes",
        );
        check(
            "[vision]\nmodel = \"m\"\n[vision.drone]\nsteepest_deg = 91",
            "`vision.drone.steepest_deg` is `91`, which is out of range; write a whole number from 0 to 90",
        );
        check(
            "[vision]\nmodel = \"m\"\n[[vision.device]]\nid = \"cam-1\"\nregion = \"0 0.5 1 0.6\"",
            "`vision.device[0].region` is `0 0.5 1 0.6`, which cannot be used: write left, top, width and height as parts of the picture from 0 to 1, for example \"0 0.4 1 0.6\" for its lower part",
        );
    }

    #[test]
    fn a_camera_is_looked_at_as_its_kind_is_but_for_what_is_said_of_it() {
        let of_lens = |text| Config::parse(text).unwrap().vision.map(|vision| (vision.model.is_some(), vision.lens));
        assert_eq!(of_lens("[vision]\nlens = true"), Some((false, true)));
        assert_eq!(of_lens("[vision]\nmodel = \"m\""), Some((true, true)));
        assert_eq!(of_lens("[vision]\nmodel = \"m\"\nlens = false"), Some((true, false)));
        let text = "[vision]\nmodel = \"m.onnx\"\nthreshold_percent = 60\nmasks = [\"0 0 1 0.2\"]\n[vision.drone]\nsteepest_deg = 30\n\
                    [[vision.device]]\nid = \"cam-1\"\nthreshold_percent = 80\n[[vision.device]]\nid = \"d-1\"\nkind = \"drone\"\nfit = false";
        let vision = Config::parse(text).unwrap().vision.unwrap();
        let of = |terms: &ingest::vision::Terms| {
            (terms.look.threshold, terms.look.masks.len(), terms.steepest_deg, terms.fit)
        };
        assert_eq!(of(&vision.config.fixed), (0.6, 1, 45.0, true));
        assert_eq!(of(&vision.config.drone), (0.6, 1, 30.0, true));
        let devices: Vec<_> = vision.config.devices.values().map(of).collect();
        assert_eq!(devices, [(0.8, 1, 45.0, true), (0.6, 1, 30.0, false)]);
    }
}
