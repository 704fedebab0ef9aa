use super::*;

fn day(text: &str) -> LegalDate {
    LegalDate::parse(text).unwrap()
}

/// A year's course of a quantity: from `low`, rising after `green`, at `high` forty days later.
fn course(date: LegalDate, green: LegalDate, (low, high): (f64, f64)) -> f64 {
    low + (high - low) * (f64::from(date.days_since(green)) / 40.0).clamp(0.0, 1.0)
}

struct Field {
    green: LegalDate,
    ndvi: Option<(f64, f64)>,
    soil: bool,
    past: Option<(f64, f64)>,
    /// Days without any value.
    missing: fn(LegalDate) -> bool,
}

impl Field {
    fn greening(green: &str) -> Self {
        Self { green: day(green), ndvi: Some((0.12, 0.45)), soil: true, past: Some((0.12, 0.45)), missing: |_| false }
    }

    /// When it was found green, by which rule, and how surely; looked at day by day until August.
    fn found(&self) -> Option<(String, &'static str, f64)> {
        let (mut days, mut season) = (Days::default(), Season { past: self.past, ..Season::default() });
        let settings = GreenUpSettings::default();
        let mut date = day("2026-02-15");
        while date < day("2026-08-01") {
            if !(self.missing)(date) {
                if let Some(ndvi) = self.ndvi {
                    days.add(date, Quantity::Ndvi, course(date, self.green, ndvi));
                }
                if self.soil {
                    let warm = self.green.plus_days(-20).unwrap();
                    days.add(date, Quantity::SoilTemperatureC, course(date, warm, (-8.0, 24.0)));
                }
            }
            season.close(date, &days, &settings);
            date = date.next().unwrap();
        }
        season.greened.map(|greened| (greened.on.to_string(), greened.by.as_str(), greened.confidence))
    }
}

#[test]
fn early_normal_and_late_seasons_are_found_within_a_fortnight_of_their_truth() {
    for green in ["2026-04-12", "2026-04-28", "2026-05-25"] {
        // By NDVI a fifth of the way takes eight days, its five-day mean two more, three days in a row two more.
        let (on, by, confidence) = Field::greening(green).found().unwrap();
        assert_eq!((day(&on).days_since(day(green)), by, confidence), (12, "ndvi", 0.9), "{green}");
        let (on, by, confidence) = Field { past: None, ..Field::greening(green) }.found().unwrap();
        let off = day(&on).days_since(day(green));
        assert!((4..=14).contains(&off), "{green}: {off}");
        assert_eq!((by, confidence), ("warmth", 0.6));
    }
}

#[test]
fn grass_that_does_not_grow_is_not_green_however_warm_the_soil_is() {
    let dead = Some((0.12, 0.12));
    assert_eq!(Field { ndvi: dead, past: None, ..Field::greening("2026-04-28") }.found(), None);
    assert_eq!(Field { ndvi: dead, ..Field::greening("2026-04-28") }.found(), None);
    // Nor is a station without soil temperature known in its first year.
    assert_eq!(Field { soil: false, past: None, ..Field::greening("2026-04-28") }.found(), None);
    assert_eq!(Field { ndvi: None, ..Field::greening("2026-04-28") }.found(), None, "its NDVI sensor is broken");
}

#[test]
fn gaps_of_a_few_days_do_not_hide_it_and_a_dead_station_is_not_judged() {
    let gappy = Field { missing: |date| date.month_day().day % 3 == 0, ..Field::greening("2026-04-28") };
    let (on, ..) = gappy.found().unwrap();
    assert!((12..=14).contains(&day(&on).days_since(day("2026-04-28"))), "{on}");
    let dead = Field { missing: |date| date >= day("2026-04-20"), ..Field::greening("2026-04-28") };
    assert_eq!(dead.found(), None);
    let mut days = Days::default();
    for back in 0..5 {
        days.add(day("2026-04-20").plus_days(-back).unwrap(), Quantity::Ndvi, 0.2);
    }
    let season = Season { past: Some((0.1, 0.5)), ..Season::default() };
    assert!(can_be_judged(&season, day("2026-04-20"), &days));
    assert!(!can_be_judged(&season, day("2026-05-20"), &days));
    assert!(!can_be_judged(&Season::default(), day("2026-04-20"), &days), "no soil temperature, no year before");
}

#[test]
fn a_year_becomes_the_year_before_and_a_winter_without_grass_does_not() {
    let (mut days, mut season, settings) = (Days::default(), Season::default(), GreenUpSettings::default());
    let mut date = day("2025-01-10");
    while date < day("2027-02-01") {
        // 2026 is measured in January and February only.
        if date.year() == 2025 || date < day("2026-03-01") {
            let ndvi = if (5..=9).contains(&date.month_day().month) { 0.42 } else { 0.14 };
            days.add(date, Quantity::Ndvi, ndvi);
        }
        season.close(date, &days, &settings);
        if date == day("2026-01-01") {
            assert_eq!(season.greened, None, "a new year begins");
        }
        date = date.next().unwrap();
    }
    let (low, high) = season.past.unwrap();
    assert!((low - 0.14).abs() < 1e-9 && (high - 0.42).abs() < 1e-9, "{low} {high}");
    assert_eq!(season.year, 2027);
    assert!((season.ndvi_limit().unwrap() - 0.196).abs() < 1e-9);
}
