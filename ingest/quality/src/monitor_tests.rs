use super::*;
use Quantity::{
    AirTemperatureC, GrassCoverPercent, GrassHeightCm, HumidityPercent, Ndvi, RainMm, SnowDepthCm, SoilMoisturePercent,
    SoilTemperatureC, WindDirectionDeg, WindSpeedMps,
};
use proptest::prelude::*;

const CADENCE: Duration = Duration::from_secs(300);

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(1_780_000_000_000 + minutes * 60_000)
}

/// Flags of the last of some values, given as minute, quantity and value, as words.
fn last(values: &[(i64, Quantity, f64)]) -> String {
    let mut monitor = Monitor::default();
    let mut flags = Flags::default();
    for (minute, quantity, value) in values {
        let one = [Measurement { quantity: *quantity, value: *value }];
        flags = monitor.judge(at(*minute), &one, CADENCE).first().map(|judged| judged.flags).unwrap();
    }
    words(flags)
}

fn words(flags: Flags) -> String {
    flags.iter().map(Flag::as_str).collect::<Vec<_>>().join(" ")
}

/// The same value every five minutes for so many hours, beside another quantity that moves a little.
fn still(quantity: Quantity, value: f64, hours: i64, beside: Option<(Quantity, f64)>) -> String {
    let mut values = Vec::new();
    for minute in (0..=hours * 60).step_by(5) {
        values.extend(beside.map(|(quantity, value)| (minute, quantity, value + 0.1 * (minute % 3) as f64)));
        values.push((minute, quantity, value));
    }
    last(&values)
}

#[test]
fn a_jump_is_flagged_and_believed_again_once_it_can_have_come_about() {
    assert_eq!(last(&[(0, AirTemperatureC, 4.0), (5, AirTemperatureC, 7.9)]), "");
    assert_eq!(last(&[(0, AirTemperatureC, 4.0), (5, AirTemperatureC, 9.0)]), "rate");
    let spike = [(0, AirTemperatureC, 4.0), (5, AirTemperatureC, 40.0), (10, AirTemperatureC, 4.5)];
    assert_eq!(last(&spike), "", "a spike does not make the value after it a jump");
    let mut stays: Vec<_> = (0..40).map(|step| (5 * step, AirTemperatureC, 4.0)).collect();
    stays.push((200, AirTemperatureC, 20.0));
    assert_eq!(last(&stays), "rate");
    stays.extend((1..=12).map(|step| (200 + 5 * step, AirTemperatureC, 20.0 - 0.01 * step as f64)));
    assert_eq!(last(&stays), "", "after an hour it may be 16 degrees warmer");
}

#[test]
fn soil_is_wetted_in_minutes_and_never_dries_in_them() {
    assert_eq!(last(&[(0, SoilMoisturePercent, 8.0), (15, SoilMoisturePercent, 28.0)]), "");
    assert_eq!(last(&[(0, SoilMoisturePercent, 28.0), (15, SoilMoisturePercent, 8.0)]), "rate");
    assert_eq!(last(&[(0, GrassHeightCm, 25.0), (5, GrassHeightCm, 3.0)]), "", "mown");
    assert_eq!(last(&[(0, GrassHeightCm, 3.0), (5, GrassHeightCm, 25.0)]), "rate");
}

#[test]
fn what_never_stands_still_is_stuck_and_what_does_is_not() {
    assert_eq!(still(AirTemperatureC, -7.3, 7, None), "stuck");
    assert_eq!(still(AirTemperatureC, -7.3, 5, None), "");
    assert_eq!(still(WindSpeedMps, 4.2, 7, None), "stuck");
    assert_eq!(still(SoilTemperatureC, 12.0, 50, None), "stuck");
    for (quantity, value) in [(RainMm, 0.0), (SnowDepthCm, 0.0), (WindSpeedMps, 0.0), (SoilTemperatureC, 0.0)] {
        assert_eq!(still(quantity, value, 200, None), "", "{quantity:?}");
    }
    assert_eq!(still(HumidityPercent, 100.0, 30, None), "", "fog");
    assert_eq!(still(HumidityPercent, 61.0, 13, None), "stuck");
    assert_eq!(still(WindDirectionDeg, 270.0, 20, Some((WindSpeedMps, 0.0))), "", "calm");
    let in_wind = (0..=20 * 12)
        .flat_map(|step| [(5 * step, WindSpeedMps, 5.0 + (step % 3) as f64), (5 * step, WindDirectionDeg, 270.0)]);
    assert_eq!(last(&in_wind.collect::<Vec<_>>()), "stuck", "a vane that does not turn in the wind");
    assert_eq!(still(SoilMoisturePercent, 11.2, 8 * 24, Some((SoilTemperatureC, -6.0))), "", "frozen");
    assert_eq!(still(SoilMoisturePercent, 11.2, 8 * 24, None), "stuck");
}

#[test]
fn a_gap_is_told_and_says_nothing_against_the_value() {
    let mut monitor = Monitor::default();
    let mut judge = |minute, value| {
        let one = [Measurement { quantity: AirTemperatureC, value }];
        *monitor.judge(at(minute), &one, CADENCE).first().unwrap()
    };
    judge(0, 1.0);
    assert!(judge(15, 1.5).flags.is_empty());
    let after = judge(31, 2.0);
    assert_eq!((words(after.flags).as_str(), after.flags.is_sound()), ("gap", true));
}

#[test]
fn snow_hides_the_grass_and_grass_is_no_snow() {
    assert_eq!(last(&[(0, SnowDepthCm, 12.0), (5, Ndvi, 0.4)]), "cross");
    assert_eq!(last(&[(0, SnowDepthCm, 1.0), (5, Ndvi, 0.2)]), "");
    assert_eq!(last(&[(0, SnowDepthCm, 12.0), (600, Ndvi, 0.4)]), "", "ten hours later nobody knows");
    assert_eq!(last(&[(0, AirTemperatureC, 22.0), (5, SnowDepthCm, 14.0)]), "cross");
    let june = [(0, AirTemperatureC, 22.0), (5, SnowDepthCm, 14.0), (5, GrassHeightCm, 14.0)];
    assert_eq!(last(&june), "", "snow that is none hides nothing");
    assert_eq!(last(&[(0, GrassHeightCm, 0.0), (5, GrassCoverPercent, 40.0)]), "cross");
    assert_eq!(last(&[(0, HumidityPercent, 18.0), (5, RainMm, 6.0)]), "cross");
    // In one message the snow counts whatever its place in it.
    let both = [Measurement { quantity: Ndvi, value: 0.4 }, Measurement { quantity: SnowDepthCm, value: 12.0 }];
    let judged = Monitor::default().judge(at(0), &both, CADENCE);
    assert!(judged.iter().any(|one| one.quantity == Ndvi && one.flags.has(Flag::Cross)));
}

#[test]
fn what_comes_out_of_order_is_judged_by_itself_and_changes_nothing() {
    let mut monitor = Monitor::default();
    let one = |value| [Measurement { quantity: AirTemperatureC, value }];
    monitor.judge(at(60), &one(5.0), CADENCE);
    let before = monitor.clone();
    let late = monitor.judge(at(0), &one(30.0), CADENCE);
    assert!(late.first().unwrap().flags.is_empty());
    assert_eq!(words(monitor.judge(at(0), &one(60.0), CADENCE).first().unwrap().flags), "range");
    assert_eq!(monitor, before);
}

proptest! {
    /// Whatever came before: within two warm-ups of an ordinary sky every value is believed again.
    #[test]
    fn a_sensor_that_is_mended_is_believed_again(broken in proptest::collection::vec(-55.0_f64..48.0, 0..200)) {
        let mut monitor = Monitor::default();
        let mut minute = 0;
        for value in broken {
            monitor.judge(at(minute), &[Measurement { quantity: AirTemperatureC, value }], CADENCE);
            minute += 5;
        }
        let mut flags = Flags::default();
        for step in 0..120 {
            let value = 5.0 + 0.1 * f64::from(step % 7);
            let judged = monitor.judge(at(minute), &[Measurement { quantity: AirTemperatureC, value }], CADENCE);
            flags = judged.first().unwrap().flags;
            minute += 5;
        }
        prop_assert!(flags.is_sound(), "{:?}", flags);
    }
}
