//! The sections `[[station_model]]` and `[[modbus]]`: register maps that an installer describes, and the stations to poll by them.
//!
//! A model whose registers need several questions makes a station several polls: one for each block.

use super::section::{ConfigError, Section};
use ingest::decode::stations::described::{Block, Described, EVERY_MAX, GAP_MAX, blocks, number_of, order_of};
use ingest::decode::stations::{Number, ReadFunction, Register, STATION_MODEL_NAMES, station_model};
use ingest::protocol::modbus::{Framing, ModbusStation};
use model::{DeviceId, Quantity};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Models by name.
pub(super) type Models = BTreeMap<String, Vec<Block>>;

pub(super) fn models(sections: Vec<Section>) -> Result<Models, ConfigError> {
    let mut models = Models::new();
    for section in sections {
        let (name, blocks) = station_model_of(section, &models)?;
        models.insert(name, blocks);
    }
    Ok(models)
}

fn station_model_of(mut section: Section, known: &Models) -> Result<(String, Vec<Block>), ConfigError> {
    let name = section.required("name", "a name, by which [[modbus]] refers to the model")?;
    let gap = u16::try_from(section.number("gap", 0, 0..=u64::from(GAP_MAX))?).unwrap_or(0);
    let registers = section.sections("register")?.into_iter().map(register).collect::<Result<Vec<_>, _>>()?;
    if known.contains_key(&name) {
        return Err(section.invalid("name", &name, "there is a model of that name already; choose another"));
    }
    let blocks = blocks(&name, &registers, gap).map_err(|reason| section.invalid("name", &name, &reason))?;
    section.finish()?;
    Ok((name, blocks))
}

fn register(mut section: Section) -> Result<Described, ConfigError> {
    let address = section.number("address", u64::MAX, 0..=u64::from(u16::MAX))?;
    let address =
        u16::try_from(address).map_err(|_| section.missing("address", "the register's address, 0 to 65535"))?;
    let quantity = section.required("quantity", "what it holds, for example soil_moisture_percent")?;
    let known = || Quantity::all().map(Quantity::as_str).collect::<Vec<_>>().join(", ");
    let quantity = Quantity::parse(&quantity)
        .ok_or_else(|| section.invalid("quantity", &quantity, &format!("use one of: {}", known())))?;
    let scale = section.decimal("scale", 1.0)?;
    if scale == 0.0 {
        return Err(section.invalid("scale", "0", "every value would be 0; write for example 0.1"));
    }
    let number = section.parsed("type", "u16", |name| number_of(name).ok_or("use u16, i16, u32, i32 or f32".into()))?;
    let order = section.parsed("order", "abcd", |name| order_of(name).ok_or("use abcd, cdab, badc or dcba".into()))?;
    let described = Described {
        function: section.parsed("function", "holding", function)?,
        every: u32::try_from(section.number("every", 1, 1..=u64::from(EVERY_MAX))?).unwrap_or(1),
        register: Register {
            address,
            quantity,
            divisor: divisor(scale),
            offset: section.decimal("offset", 0.0)?,
            number,
            order,
            missing: missing(&mut section, number)?,
            not_fitted_if_zero: None,
        },
    };
    section.finish()?;
    Ok(described)
}

/// Dividing by 10 is exact where multiplying by 0.1 is not.
fn divisor(scale: f64) -> f64 {
    let divisor = 1.0 / scale;
    if (divisor - divisor.round()).abs() < 1e-9 * divisor.abs() { divisor.round() } else { divisor }
}

/// The raw value that means "not measured"; left out: there is none.
fn missing(section: &mut Section, number: Number) -> Result<Option<u32>, ConfigError> {
    let highest = if number.registers() == 1 { u64::from(u16::MAX) } else { u64::from(u32::MAX) };
    let raw = section.number("missing", u64::MAX, 0..=highest)?;
    Ok(u32::try_from(raw).ok())
}

fn function(name: &str) -> Result<ReadFunction, String> {
    match name {
        "holding" => Ok(ReadFunction::Holding),
        "input" => Ok(ReadFunction::Input),
        _ => Err("use holding (function 3) or input (function 4)".to_owned()),
    }
}

/// Every station, once for each block of its model.
pub(super) fn stations(sections: Vec<Section>, models: &Models) -> Result<Vec<ModbusStation>, ConfigError> {
    let mut framings: HashMap<String, Framing> = HashMap::new();
    let mut stations = Vec::new();
    for section in sections {
        stations.extend(station(section, models, &mut framings)?);
    }
    Ok(stations)
}

fn station(
    mut section: Section,
    models: &Models,
    framings: &mut HashMap<String, Framing>,
) -> Result<Vec<ModbusStation>, ConfigError> {
    let device = section.required("device", "the station's device id")?;
    let device = DeviceId::parse(&device).map_err(|error| section.invalid("device", &device, &error.to_string()))?;
    let address = section.required("address", "host:port of the station, for example 127.0.0.1:1502")?;
    let unit = u8::try_from(section.number("unit", 1, 1..=247)?).unwrap_or(1);
    let interval = section.duration("interval", "60s")?;
    let blocks = section.parsed("model", "renke-soil", |name| blocks_of(name, models))?;
    let framing = section.parsed("framing", "tcp", |name| match name {
        "tcp" => Ok(Framing::Tcp),
        "rtu" => Ok(Framing::Rtu),
        _ => Err("use tcp, or rtu behind a modem in transparent mode".to_owned()),
    })?;
    if *framings.entry(address.clone()).or_insert(framing) != framing {
        let reason = "another station of the same address has the other one; a line has one framing";
        return Err(section.invalid("framing", if framing == Framing::Rtu { "rtu" } else { "tcp" }, reason));
    }
    section.finish()?;
    let poll = |block: &Block| ModbusStation {
        device: device.clone(),
        address: address.clone(),
        unit,
        interval: interval.saturating_mul(block.every),
        model: Arc::from(block.text.as_str()),
        framing,
    };
    Ok(blocks.iter().map(poll).collect())
}

fn blocks_of(name: &str, models: &Models) -> Result<Vec<Block>, String> {
    if let Some(blocks) = models.get(name) {
        return Ok(blocks.clone());
    }
    match station_model(name).filter(|model| model.name == name) {
        Some(_) => Ok(vec![Block { text: name.to_owned(), every: 1 }]),
        None => {
            let described: String = models.keys().map(|name| format!(", {name}")).collect();
            Err(format!("there is no such register map; use one of: {STATION_MODEL_NAMES}{described}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use ingest::protocol::modbus::Framing;
    use std::time::Duration;

    const ACME: &str = "
        [[station_model]]
        name = \"acme\"
        gap = 1
        [[station_model.register]]
        address = 0
        quantity = \"soil_moisture_percent\"
        scale = 0.1
        missing = 65535
        [[station_model.register]]
        address = 2
        quantity = \"soil_temperature_c\"
        type = \"f32\"
        order = \"cdab\"
        [[station_model.register]]
        address = 100
        function = \"input\"
        quantity = \"rain_mm\"
        every = 10
        [[modbus]]
        device = \"station-1\"
        address = \"127.0.0.1:1502\"
        model = \"acme\"
        framing = \"rtu\"
    ";

    #[test]
    fn a_described_model_is_polled_in_blocks_each_at_its_own_interval() {
        let stations = Config::parse(ACME).unwrap().modbus;
        let polls: Vec<_> = stations.iter().map(|one| (one.model.as_ref(), one.interval, one.framing)).collect();
        assert_eq!(
            polls,
            [
                (
                    "acme holding 0 4 0:soil_moisture_percent:u16:abcd:10:0:65535;2:soil_temperature_c:f32:cdab:1:0:-",
                    Duration::from_secs(60),
                    Framing::Rtu
                ),
                ("acme input 100 1 100:rain_mm:u16:abcd:1:0:-", Duration::from_secs(600), Framing::Rtu),
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_a_model_is_one_sentence() {
        let check = |from: &str, to: &str, complaint: &str| {
            assert!(ACME.contains(from), "{from}");
            assert_eq!(Config::parse(&ACME.replacen(from, to, 1)).unwrap_err().to_string(), complaint);
        };
        check(
            "address = 2\n",
            "address = 0\n",
            "`station_model[0].name` is `acme`, which cannot be used: register 0 is part of the number before it",
        );
        check(
            "scale = 0.1",
            "scale = 0.0",
            "`station_model[0].register[0].scale` is `0`, which cannot be used: every value would be 0; write for example 0.1",
        );
        check(
            "\"f32\"",
            "\"f64\"",
            "`station_model[0].register[1].type` is `f64`, which cannot be used: use u16, i16, u32, i32 or f32",
        );
        check(
            "\"cdab\"",
            "\"middle\"",
            "`station_model[0].register[1].order` is `middle`, which cannot be used: use abcd, cdab, badc or dcba",
        );
        check(
            "address = 100\n",
            "",
            "`station_model[0].register[2].address` is missing; write the register's address, 0 to 65535",
        );
        check(
            "missing = 65535",
            "missing = 65536",
            "`station_model[0].register[0].missing` is `65536`, which is out of range; write a whole number from 0 to 65535",
        );
        check(
            "model = \"acme\"",
            "model = \"acne\"",
            "`modbus[0].model` is `acne`, which cannot be used: there is no such register map; use one of: renke-soil, renke-soil-tdr, fdr-soil, renke-weather, renke-weather-centi, acme",
        );
        check(
            "name = \"acme\"",
            "name = \"renke-soil\"",
            "`station_model[0].name` is `renke-soil`, which cannot be used: there is a built-in model of that name; choose another",
        );
        let other = "framing = \"rtu\"\n[[modbus]]\ndevice = \"s2\"\naddress = \"127.0.0.1:1502\"\n";
        check(
            "framing = \"rtu\"\n",
            other,
            "`modbus[1].framing` is `tcp`, which cannot be used: another station of the same address has the other one; a line has one framing",
        );
    }
}
