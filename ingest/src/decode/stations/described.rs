//! Station models that an installer described in the configuration: registers -> blocks to ask for, and each block as a line of text.
//!
//! In:  [`Described`] registers of one model.   Out: [`Block`]s; a block's text, from which [`parse`] makes the model again.
//!
//! The text travels with each answer into the journal, so that decode needs nothing but the entry, and a map that is corrected later
//! does not change what was measured before. Never: a block beyond what one answer holds; a register that two quantities claim.

use super::{ByteOrder, Number, ReadFunction, Register, STATION_MODELS, StationModel};
use model::Quantity;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One answer holds no more (Modbus, 6.3).
const BLOCK_REGISTERS_MAX: u16 = 125;
/// More quantities than there are, so that a model may have some twice at different stations' addresses; and a bound.
const REGISTERS_MAX: usize = 64;
/// Over so many registers that nobody needs a question may reach.
pub const GAP_MAX: u16 = 64;
/// A slower value may be asked for every so many polls.
pub const EVERY_MAX: u32 = 1_000;

/// One register as an installer writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Which function reads it.
    pub function: ReadFunction,
    /// Asked for at every so many polls.
    pub every: u32,
    /// What it holds.
    pub register: Register,
}

/// Registers that one question asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// As it stands in the journal.
    pub text: String,
    /// Asked for at every so many polls.
    pub every: u32,
}

/// The blocks of a model. A question reaches over at most `gap` registers that nobody needs. The error says what is wrong.
pub fn blocks(name: &str, registers: &[Described], gap: u16) -> Result<Vec<Block>, String> {
    check_name(name)?;
    if registers.is_empty() || registers.len() > REGISTERS_MAX {
        return Err(format!("it has {} registers; describe 1 to {REGISTERS_MAX}", registers.len()));
    }
    let mut groups: BTreeMap<(bool, u32), Vec<Register>> = BTreeMap::new();
    for Described { function, every, register } in registers {
        if register.address.checked_add(register.number.registers() - 1).is_none() {
            return Err(format!("register {} goes beyond the last address, 65535", register.address));
        }
        groups.entry((*function == ReadFunction::Input, *every)).or_default().push(*register);
    }
    let mut blocks = Vec::new();
    for ((is_input, every), mut group) in groups {
        group.sort_by_key(|register| register.address);
        let function = if is_input { ReadFunction::Input } else { ReadFunction::Holding };
        for block in cut(&group, gap)? {
            blocks.push(Block { text: text(name, function, &block), every });
        }
    }
    let mut quantities: Vec<Quantity> = registers.iter().map(|one| one.register.quantity).collect();
    quantities.sort();
    match quantities.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[Quantity]>::first) {
        Some(twice) => Err(format!("`{}` is in two registers; describe two models", twice.as_str())),
        None => Ok(blocks),
    }
}

/// A name of its own: short, and a word.
fn check_name(name: &str) -> Result<(), String> {
    let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    if !(1..=32).contains(&name.len()) || !is_word {
        return Err("its name has to be 1 to 32 of a-z 0-9 - _".to_owned());
    }
    if STATION_MODELS.iter().any(|model| model.name == name) {
        return Err("there is a built-in model of that name; choose another".to_owned());
    }
    Ok(())
}

/// Neighbours stay together as long as the gap and the length allow.
fn cut(sorted: &[Register], gap: u16) -> Result<Vec<Vec<Register>>, String> {
    let mut blocks: Vec<Vec<Register>> = Vec::new();
    let mut end: Option<u16> = None;
    for register in sorted {
        if let Some(last) = end
            && register.address <= last
        {
            return Err(format!("register {} is part of the number before it", register.address));
        }
        let first = blocks.last().and_then(|block| block.first()).map(|first| first.address);
        let own_end = register.address + (register.number.registers() - 1);
        let is_near = end.is_some_and(|last| register.address - last <= gap.saturating_add(1));
        let fits = first.is_some_and(|first| own_end - first < BLOCK_REGISTERS_MAX);
        match blocks.last_mut().filter(|_| is_near && fits) {
            Some(block) => block.push(*register),
            None => blocks.push(vec![*register]),
        }
        end = Some(own_end);
    }
    Ok(blocks)
}

/// `name holding 0 4 0:soil_moisture_percent:u16:abcd:10:0:-;2:…`
fn text(name: &str, function: ReadFunction, block: &[Register]) -> String {
    let first = block.first().map_or(0, |register| register.address);
    let last = block.last().map_or(0, |register| register.address + (register.number.registers() - 1));
    let function = if function == ReadFunction::Input { "input" } else { "holding" };
    let registers: Vec<String> = block.iter().map(register_text).collect();
    format!("{name} {function} {first} {} {}", last - first + 1, registers.join(";"))
}

fn register_text(register: &Register) -> String {
    let Register { address, quantity, divisor, offset, number, order, missing, .. } = register;
    let missing = missing.map_or("-".to_owned(), |missing| missing.to_string());
    let (quantity, number, order) = (quantity.as_str(), number_name(*number), order_name(*order));
    format!("{address}:{quantity}:{number}:{order}:{divisor}:{offset}:{missing}")
}

/// The model that a text describes.
pub(super) fn parse(text: &str) -> Option<StationModel> {
    let mut words = text.split(' ');
    let name = words.next()?;
    let function = match words.next()? {
        "holding" => ReadFunction::Holding,
        "input" => ReadFunction::Input,
        _ => return None,
    };
    let (first_address, register_count) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let registers: Option<Vec<Register>> = words.next()?.split(';').take(REGISTERS_MAX).map(register).collect();
    let is_sound = (1..=BLOCK_REGISTERS_MAX).contains(&register_count) && words.next().is_none() && name.len() <= 32;
    is_sound.then_some(StationModel {
        name: Cow::Owned(name.to_owned()),
        function,
        first_address,
        register_count,
        registers: Cow::Owned(registers?),
    })
}

fn register(text: &str) -> Option<Register> {
    let mut parts = text.split(':');
    let register = Register {
        address: parts.next()?.parse().ok()?,
        quantity: Quantity::parse(parts.next()?)?,
        number: number_of(parts.next()?)?,
        order: order_of(parts.next()?)?,
        divisor: finite(parts.next()?).filter(|divisor| *divisor != 0.0)?,
        offset: finite(parts.next()?)?,
        missing: match parts.next()? {
            "-" => None,
            raw => Some(raw.parse().ok()?),
        },
        not_fitted_if_zero: None,
    };
    parts.next().is_none().then_some(register)
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

const NUMBERS: [(&str, Number); 5] =
    [("u16", Number::U16), ("i16", Number::I16), ("u32", Number::U32), ("i32", Number::I32), ("f32", Number::F32)];

const ORDERS: [(&str, ByteOrder); 4] =
    [("abcd", ByteOrder::Abcd), ("cdab", ByteOrder::Cdab), ("badc", ByteOrder::Badc), ("dcba", ByteOrder::Dcba)];

/// The kind of number that is called so.
pub fn number_of(name: &str) -> Option<Number> {
    NUMBERS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The order of bytes that is called so.
pub fn order_of(name: &str) -> Option<ByteOrder> {
    ORDERS.iter().find(|(known, _)| *known == name).map(|(_, order)| *order)
}

fn number_name(number: Number) -> &'static str {
    NUMBERS.iter().find(|(_, known)| *known == number).map_or("", |(name, _)| name)
}

fn order_name(order: ByteOrder) -> &'static str {
    ORDERS.iter().find(|(_, known)| *known == order).map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::super::station_model;
    use super::*;

    fn described(address: u16, quantity: Quantity, number: Number) -> Described {
        let register = Register {
            address,
            quantity,
            divisor: 10.0,
            offset: -0.5,
            number,
            order: ByteOrder::Cdab,
            missing: Some(0xFFFF_FFFF),
            not_fitted_if_zero: None,
        };
        Described { function: ReadFunction::Holding, every: 1, register }
    }

    #[test]
    fn a_block_is_the_same_model_after_it_was_text() {
        let one = described(7, Quantity::SoilMoisturePercent, Number::F32);
        let blocks = blocks("acme", std::slice::from_ref(&one), 0).unwrap();
        assert_eq!(blocks[0].text, "acme holding 7 2 7:soil_moisture_percent:f32:cdab:10:-0.5:4294967295");
        let model = station_model(&blocks[0].text).unwrap();
        assert_eq!((model.name.as_ref(), model.first_address, model.register_count), ("acme", 7, 2));
        assert_eq!(model.registers.as_ref(), [one.register]);
        for bad in [
            "acme",
            "acme holding 7 2",
            "acme coil 7 2 x",
            "acme holding 7 126 7:ndvi:u16:abcd:1:0:-",
            "acme holding 7 1 7:ndvi:u16:abcd:0:0:-",
        ] {
            assert_eq!(station_model(bad), None, "{bad}");
        }
    }

    #[test]
    fn neighbours_are_asked_for_together_and_others_apart() {
        let mut registers = vec![
            described(0, Quantity::SoilMoisturePercent, Number::U16),
            described(1, Quantity::SoilTemperatureC, Number::F32),
            described(5, Quantity::HumidityPercent, Number::U16),
            described(200, Quantity::RainMm, Number::U32),
        ];
        let begins = |registers: &[Described], gap| {
            let blocks = blocks("acme", registers, gap).unwrap();
            let part = |block: &Block| block.text.split(' ').skip(1).take(3).collect::<Vec<_>>().join(" ");
            blocks.iter().map(|block| format!("{} x{}", part(block), block.every)).collect::<Vec<_>>()
        };
        assert_eq!(begins(&registers, 0), ["holding 0 3 x1", "holding 5 1 x1", "holding 200 2 x1"]);
        assert_eq!(begins(&registers, 2), ["holding 0 6 x1", "holding 200 2 x1"]);
        registers[2].every = 10;
        registers[3].function = ReadFunction::Input;
        assert_eq!(begins(&registers, 2), ["holding 0 3 x1", "holding 5 1 x10", "input 200 2 x1"]);
        let long = [described(0, Quantity::RainMm, Number::U16), described(125, Quantity::Ndvi, Number::U16)];
        assert_eq!(begins(&long, 200), ["holding 0 1 x1", "holding 125 1 x1"]);
    }

    #[test]
    fn what_cannot_be_is_said_in_words() {
        let one = |address, quantity, number| described(address, quantity, number);
        let check = |name: &str, registers: &[Described], complaint: &str| {
            assert_eq!(blocks(name, registers, 0).unwrap_err(), complaint);
        };
        let ndvi = one(3, Quantity::Ndvi, Number::U16);
        check("acme", &[], "it has 0 registers; describe 1 to 64");
        check("Acme GmbH", std::slice::from_ref(&ndvi), "its name has to be 1 to 32 of a-z 0-9 - _");
        check("renke-soil", std::slice::from_ref(&ndvi), "there is a built-in model of that name; choose another");
        check(
            "acme",
            &[one(65_535, Quantity::Ndvi, Number::F32)],
            "register 65535 goes beyond the last address, 65535",
        );
        check(
            "acme",
            &[one(2, Quantity::RainMm, Number::F32), ndvi.clone()],
            "register 3 is part of the number before it",
        );
        check("acme", &[ndvi, one(9, Quantity::Ndvi, Number::U16)], "`ndvi` is in two registers; describe two models");
    }
}
