//! The rules of evidence and of law, and the lessons of similar systems, as sentences.

use super::*;
use crate::testing::{NORTH, SOUTH, Stage, cases, square, words, world};
use model::{Species, ZoneKind};
use std::time::Duration;

const WINTER: &str = "2026-11-22T10:00:00+08:00";

#[test]
fn three_sightings_within_five_minutes_in_a_no_grazing_zone_make_one_case() {
    let mut stage = Stage::at(WINTER);
    assert_eq!(words(&stage.sees("cam-1", NORTH, 40)), [] as [&str; 0]);
    stage.wait(60);
    assert_eq!(words(&stage.sees("cam-2", NORTH, 42)), [] as [&str; 0]);
    stage.wait(60);
    let found = stage.sees("cam-1", NORTH, 41);
    assert_eq!(words(&found), ["opened in north"]);
    let What::Opened(case) = &found[0] else { panic!() };
    assert_eq!(case.sightings_count, 3);
    assert_eq!((case.sheep_units.low, case.sheep_units.high), (34, 49));
    assert_eq!(case.closure.fine_yuan_per_sheep_unit, 120);
    assert!(!case.late && case.probability > 0.99);
    stage.wait(5);
    assert_eq!(words(&stage.sees("cam-1", NORTH, 41)), [] as [&str; 0], "seen again is told every ten seconds at most");
    assert_eq!(words(&stage.wait(10)), ["seen again in north"], "but then without waiting for one more sighting");
    assert_eq!(words(&stage.wait(60)), [] as [&str; 0], "and once");
    assert_eq!(words(&stage.sees("cam-1", NORTH, 41)), ["seen again in north"]);
}

#[test]
fn three_sightings_spread_over_a_quarter_of_an_hour_are_not_enough() {
    let mut stage = Stage::at(WINTER);
    for _ in 0..3 {
        assert_eq!(cases(&stage.sees("cam-1", NORTH, 40)), [] as [&str; 0]);
        stage.wait(301);
    }
}

#[test]
fn a_message_that_is_repeated_counts_once() {
    let mut stage = Stage::at(WINTER);
    let reading = |offset| Reading {
        device: DeviceId::parse("cam-1").unwrap(),
        offset: Offset(offset),
        received_at: model::ReceivedAt(Timestamp::from_millis(stage.now.as_millis() + offset as i64)),
        device_time: Some(model::DeviceTime(stage.now)),
        seq: Some(7),
        body: Stage::sighting_body(NORTH, 40),
    };
    let readings = [reading(1), reading(2), reading(3), reading(4)];
    for reading in &readings {
        assert_eq!(stage.engine.observe(reading), []);
    }
}

#[test]
fn a_balance_zone_outside_its_closure_is_nobodys_case() {
    let mut stage = Stage::at(WINTER);
    for _ in 0..5 {
        assert_eq!(words(&stage.sees("cam-1", SOUTH, 40)), [] as [&str; 0]);
        stage.wait(30);
    }
}

#[test]
fn an_animal_already_inside_when_a_closure_begins_makes_a_case_at_midnight() {
    let mut stage = Stage::at("2026-03-31T23:57:00+08:00");
    for _ in 0..3 {
        assert_eq!(words(&stage.sees("cam-1", SOUTH, 40)), [] as [&str; 0]);
        stage.wait(30);
    }
    let found = stage.wait(120);
    assert_eq!(words(&found), ["opened in south"]);
    let What::Opened(case) = &found[0] else { panic!() };
    assert!(case.evidence.starts_with("already inside when the closure began"), "{}", case.evidence);
    assert_eq!(case.closure.until.unwrap().to_rfc3339(), "2026-06-15T16:00:00.000Z");
}

#[test]
fn what_was_seen_before_a_closure_began_and_comes_after_it_ends_no_case() {
    let mut stage = Stage::at("2026-03-31T23:57:00+08:00");
    for _ in 0..3 {
        stage.sees("cam-1", SOUTH, 40);
        stage.wait(30);
    }
    assert_eq!(words(&stage.wait(120)), ["opened in south"]);
    let before_midnight = Timestamp::parse_rfc3339("2026-03-31T23:59:40+08:00").unwrap();
    let late = stage.saw("cam-2", SOUTH, 41, before_midnight);
    assert!(cases(&late).iter().all(|word| !word.starts_with("ended")), "{:?}", words(&late));
    stage.wait(30);
    assert_eq!(words(&stage.sees("cam-1", SOUTH, 40)), ["seen again in south"]);
}

#[test]
fn a_case_ends_when_the_closure_does() {
    let mut stage = Stage::at("2026-06-15T23:57:00+08:00");
    let mut found = Vec::new();
    for _ in 0..3 {
        found.extend(stage.sees("cam-1", SOUTH, 40));
        stage.wait(30);
    }
    found.extend(stage.wait(120));
    assert_eq!(cases(&found), ["opened in south", "ended in south"]);
    let What::Ended(case) = &found[1] else { panic!() };
    assert_eq!(case.ended_at.unwrap().to_rfc3339(), "2026-06-15T16:00:00.000Z");
}

#[test]
fn a_herd_at_the_border_decides_nothing() {
    let mut stage = Stage::at(WINTER);
    for _ in 0..6 {
        assert_eq!(words(&stage.sees("cam-1", (43.30003, 117.506), 40)), [] as [&str; 0]);
        stage.wait(20);
    }
}

#[test]
fn a_case_ends_once_the_herd_is_seen_outside_twice_and_a_return_is_a_new_case() {
    let mut stage = Stage::at(WINTER);
    let mut found = Vec::new();
    let (inside, outside) = ((43.3006, 117.506), (43.2994, 117.506));
    for place in [inside, inside, inside, outside, outside, inside, inside, inside] {
        found.extend(stage.sees("cam-1", place, 40));
        found.extend(stage.wait(60));
    }
    assert_eq!(cases(&found), ["opened in north", "ended in north", "opened in north"]);
}

#[test]
fn who_steps_over_the_border_and_back_has_not_left_and_who_stays_outside_has_though_nobody_looks() {
    let mut stage = Stage::at(WINTER);
    let mut found = Vec::new();
    let (inside, outside) = ((43.3006, 117.506), (43.2994, 117.506));
    for place in [inside, inside, inside, outside, outside, outside, inside, outside, outside] {
        found.extend(stage.sees("cam-1", place, 40));
        found.extend(stage.wait(20));
    }
    assert_eq!(cases(&found), ["opened in north"]);
    assert_eq!(cases(&stage.wait(130)), ["ended in north"]);
}

#[test]
fn who_is_seen_twice_far_from_the_border_has_left_at_once() {
    let mut stage = Stage::at(WINTER);
    let mut found = Vec::new();
    // 65 m inside, 155 m outside.
    let (inside, outside) = ((43.3006, 117.506), (43.2986, 117.506));
    for place in [inside, inside, inside, outside, outside] {
        found.extend(stage.sees("cam-1", place, 40));
        found.extend(stage.wait(1));
    }
    assert_eq!(cases(&found), ["opened in north", "ended in north"]);
}

#[test]
fn a_case_waits_for_cameras_that_are_silent_themselves() {
    let mut stage = Stage::at(WINTER);
    for _ in 0..3 {
        stage.sees("cam-1", NORTH, 40);
        stage.wait(10);
    }
    assert_eq!(cases(&stage.wait(3_600)), [] as [&str; 0], "nobody can say that it left");
    let now = stage.now;
    for minutes in [50, 40, 30] {
        let at = now.minus(Duration::from_secs(minutes * 60));
        assert_eq!(
            cases(&stage.saw("cam-1", NORTH, 40, at)),
            [] as [&str; 0],
            "what was kept meanwhile is of the case"
        );
    }
    stage.wait(120);
    stage.beats("cam-1");
    assert_eq!(cases(&stage.wait(3_600)), ["ended in north"], "it speaks and does not see it");
}

#[test]
fn a_picture_that_is_misread_is_neither_a_herd_of_its_own_nor_twice_the_animals() {
    let mut stage = Stage::at(WINTER);
    let mut found = Vec::new();
    for number in 0..12 {
        let misread = if number % 3 == 1 { Species::Horse } else { Species::Cattle };
        found.extend(stage.sees_some("cam-1", NORTH, misread, 20));
        found.extend(stage.wait(10));
    }
    assert_eq!(cases(&found), ["opened in north"]);
    let case = stage.engine.open_cases().next().unwrap();
    assert_eq!((case.sheep_units.low, case.sheep_units.high), (17 * 5, 23 * 5));
}

#[test]
fn a_bush_that_was_taken_for_a_sheep_takes_no_sightings_away_from_a_herd() {
    let mut stage = Stage::at(WINTER);
    let mut found = Vec::new();
    let bush = (NORTH.0 - 0.0032, NORTH.1);
    for number in 0..30 {
        // The herd passes by the bush.
        let place = (NORTH.0 - 0.0002 * f64::from(number.min(15)), NORTH.1);
        found.extend(stage.sees("cam-1", if number == 5 { bush } else { place }, 40));
        found.extend(stage.wait(20));
    }
    assert_eq!(cases(&found), ["opened in north"]);
}

#[test]
fn what_stands_in_one_picture_is_one_herd_of_several_species() {
    let mut stage = Stage::at(WINTER);
    let mut found = Vec::new();
    for _ in 0..4 {
        for (species, count) in [(Species::Sheep, 100), (Species::Cattle, 10)] {
            found.extend(stage.sees_some("cam-1", NORTH, species, count));
        }
        found.extend(stage.wait(10));
    }
    assert_eq!(cases(&found), ["opened in north"]);
    let case = stage.engine.open_cases().next().unwrap();
    assert_eq!((case.sheep_units.low, case.sheep_units.high), (85 + 8 * 5, 115 + 12 * 5));
}

/// How a case goes on that nobody adds anything to.
fn unseen_for(place: (f64, f64), minutes: u64) -> (Vec<What>, Timestamp) {
    let mut stage = Stage::at(WINTER);
    for _ in 0..3 {
        stage.sees("cam-1", place, 40);
        stage.wait(10);
    }
    let last = stage.now.minus(Duration::from_secs(10));
    let mut found = Vec::new();
    for _ in 0..minutes / 15 {
        found.extend(stage.wait(900));
        stage.beats("cam-1");
    }
    found.extend(stage.wait(1));
    (found, last)
}

#[test]
fn a_case_near_the_border_ends_when_the_herd_is_not_seen_for_half_an_hour() {
    let (found, last) = unseen_for((43.3002, 117.506), 30);
    let ended: Vec<_> = found.iter().filter(|what| matches!(what, What::Ended(_))).collect();
    let [What::Ended(case)] = ended[..] else { panic!("{:?}", words(&found)) };
    assert_eq!(case.ended_at, Some(last));
}

#[test]
fn who_was_last_seen_far_inside_is_waited_for_an_hour() {
    assert_eq!(cases(&unseen_for(NORTH, 45).0), [] as [&str; 0]);
    assert_eq!(cases(&unseen_for(NORTH, 60).0), ["ended in north"]);
}

#[test]
fn a_collar_that_stays_inside_three_minutes_makes_a_case_and_one_jump_does_not() {
    let mut stage = Stage::at(WINTER);
    let mut found = Vec::new();
    for place in [SOUTH, NORTH, SOUTH, (0.0, 0.0), (43.36, 117.6), SOUTH] {
        found.extend(stage.fix(place));
        stage.wait(600);
    }
    assert_eq!(cases(&found), [] as [&str; 0], "one fix inside is no dwell; 0,0 and jumps are no fixes");
    for place in [NORTH, NORTH, SOUTH] {
        found.extend(stage.fix(place));
        stage.wait(600);
    }
    assert_eq!(cases(&found), ["opened in north", "ended in north"]);
}

#[test]
fn what_a_collar_cannot_mean_is_counted_by_reason() {
    let mut stage = Stage::at(WINTER);
    for place in [SOUTH, (0.0, 0.0), (43.36, 117.6), SOUTH] {
        stage.fix(place);
        stage.wait(600);
    }
    let then = stage.now.minus(Duration::from_secs(600));
    stage.fixed("collar-1", SOUTH, then);
    // A minute before it was a kilometre away: no animal runs so.
    stage.fixed("collar-1", NORTH, then.minus(Duration::from_secs(60)));
    let counts = [("jump", 2), ("no_fix", 1), ("repeat", 1)];
    assert_eq!(stage.engine.take_asides().fixes, counts.into());
    assert_eq!(stage.engine.take_asides(), crate::Asides::default(), "what was told is not told again");
}

#[test]
fn a_fix_is_as_good_as_it_says_else_as_its_satellites_stand_else_as_such_collars_are() {
    let settings = Settings::default();
    let of = |accuracy_m, hdop| settings.fix_accuracy_m(&model::Track { accuracy_m, hdop, ..model::Track::default() });
    assert_eq!([of(Some(3.0), Some(9.0)), of(None, Some(2.0)), of(None, None)], [3.0, 10.0, 10.0]);
}

#[test]
fn a_picture_without_a_pose_and_a_drone_without_a_track_give_no_position_and_say_so() {
    let mut stage = Stage::at(WINTER);
    stage.sees_in_picture("cam-2");
    stage.sees_in_picture("drone-1");
    stage.flies(NORTH, 100.0);
    stage.wait(3);
    stage.sees_in_picture("drone-1");
    assert_eq!(stage.engine.herds(), []);
    assert_eq!(stage.engine.take_asides().sightings, [("no_pose", 1), ("no_track", 2)].into());
    stage.flies(NORTH, 1_000.0);
    stage.sees_in_picture("drone-1");
    assert_eq!(stage.engine.herds().len(), 1);
    stage = Stage::at(WINTER);
    stage.sees("drone-1", NORTH, 40);
    assert_eq!(stage.engine.herds().len(), 1, "a drone that names the place itself needs no track");
}

#[test]
fn data_that_comes_an_hour_late_opens_a_late_case() {
    let mut stage = Stage::at(WINTER);
    let then = stage.now.minus(Duration::from_secs(3_600));
    let mut found = Vec::new();
    for minute in 0..3 {
        found.extend(stage.saw("cam-1", NORTH, 40, then.plus(Duration::from_secs(60 * minute))));
    }
    let [What::Opened(case)] = &found[..] else { panic!("{:?}", words(&found)) };
    assert!(case.late);
}

#[test]
fn a_collar_that_sends_hours_at_once_ends_its_case_with_what_it_last_saw() {
    let mut stage = Stage::at(WINTER);
    let at = |fix: u64| stage.now.minus(Duration::from_secs(36_000)).plus(Duration::from_secs(600 * fix));
    let times: Vec<_> = (0..6).map(at).collect();
    let mut found = Vec::new();
    for (place, at) in [NORTH, NORTH, NORTH, NORTH, NORTH, SOUTH].into_iter().zip(&times) {
        found.extend(stage.fixed("collar-1", place, *at));
    }
    let [What::Opened(opened), What::Ended(ended)] = &found[..] else { panic!("{:?}", words(&found)) };
    assert_eq!((opened.first_seen, opened.last_seen), (times[0], times[1]));
    assert_eq!((ended.first_seen, ended.last_seen, ended.ended_at), (times[0], times[4], Some(times[5])));
    assert_eq!(ended.sightings_count, 5);
}

#[test]
fn a_camera_that_stops_is_silent_once_and_back_once() {
    let mut stage = Stage::at(WINTER);
    stage.beats("cam-1");
    let found = stage.wait(600);
    assert_eq!(words(&found), ["cam-1 silent"], "cam-2 never spoke: that is another state");
    assert_eq!(words(&stage.beats("cam-1")), ["cam-1 back"]);
    assert_eq!(words(&stage.beats("cam-1")), [] as [&str; 0]);
}

#[test]
fn time_in_which_the_platform_was_down_is_not_a_devices_silence() {
    let mut stage = Stage::at(WINTER);
    stage.beats("cam-1");
    stage.wait(10);
    stage.now = stage.now.plus(Duration::from_secs(3_600));
    assert_eq!(words(&stage.wait(120)), [] as [&str; 0]);
    assert_eq!(words(&stage.wait(120)), ["cam-1 silent"]);
}

#[test]
fn a_zone_that_is_published_around_a_herd_makes_a_case_of_it() {
    let mut stage = Stage::at(WINTER);
    for _ in 0..3 {
        stage.sees("cam-1", SOUTH, 40);
        stage.wait(10);
    }
    let zones = vec![square("meadow", ZoneKind::NoGrazing, 432_910_000)];
    let found: Vec<_> =
        stage.engine.set_world(world(zones), Offset(stage.offset)).into_iter().map(|f| f.what).collect();
    assert_eq!(words(&found), ["opened in meadow"]);
    let found: Vec<_> =
        stage.engine.set_world(world(vec![]), Offset(stage.offset)).into_iter().map(|f| f.what).collect();
    assert_eq!(words(&found), ["ended in meadow"]);
}

/// The northern zone is in force from noon on; until then there was another of the same name, south of it.
fn redrawn_at_noon() -> (Arc<World>, Timestamp) {
    let noon = Timestamp::parse_rfc3339("2026-11-22T12:00:00+08:00").unwrap();
    let lapsed = model::LapsedZone {
        zone: square("north", ZoneKind::NoGrazing, 432_910_000),
        from: Timestamp::default(),
        to: noon,
    };
    let began = [(ZoneId::parse("north").unwrap(), noon)].into();
    let land = model::RecentLand { lapsed: vec![lapsed], began };
    let mut world = World::clone(&world(vec![square("north", ZoneKind::NoGrazing, 433_000_000)]));
    world.set_past(&Arc::new(land)).unwrap();
    (Arc::new(world), noon)
}

#[test]
fn what_comes_late_is_judged_by_the_land_of_its_own_time() {
    let (world, noon) = redrawn_at_noon();
    let mut stage = Stage::at("2026-11-22T13:00:00+08:00");
    stage.engine.set_world(world, Offset(0));
    let before = noon.minus(Duration::from_secs(1_800));
    for second in 0..4 {
        let at = before.plus(Duration::from_secs(second * 30));
        assert_eq!(
            cases(&stage.saw("cam-1", NORTH, 40, at)),
            [] as [&str; 0],
            "grazed there lawfully, before it was a zone"
        );
    }
    let mut found = Vec::new();
    for second in 0..3 {
        found.extend(stage.saw("cam-2", SOUTH, 40, before.plus(Duration::from_secs(900 + second * 30))));
    }
    assert_eq!(cases(&found), ["opened in north"], "where the zone was then");
    let What::Opened(case) = &found[0] else { panic!("{found:?}") };
    assert!(case.late);
}

#[test]
fn a_zone_that_came_into_force_around_a_herd_is_not_left_by_what_was_seen_before() {
    let (world, noon) = redrawn_at_noon();
    let mut stage = Stage::at("2026-11-22T11:58:00+08:00");
    stage.engine.set_world(Arc::clone(&world), Offset(0));
    for _ in 0..3 {
        stage.sees("cam-1", NORTH, 40);
        stage.wait(30);
    }
    stage.wait(60);
    let offset = Offset(stage.offset);
    let opened: Vec<What> = stage.engine.set_world(world, offset).into_iter().map(|finding| finding.what).collect();
    assert_eq!(words(&opened), ["opened in north"], "inside when it came into force");
    for second in [20, 10] {
        let late = stage.saw("cam-2", NORTH, 40, noon.minus(Duration::from_secs(second)));
        assert!(cases(&late).is_empty(), "{:?}", words(&late));
    }
}

#[test]
fn two_herds_a_kilometre_apart_are_two_cases() {
    let mut stage = Stage::at(WINTER);
    let mut found = Vec::new();
    for _ in 0..3 {
        found.extend(stage.sees("cam-1", (43.3015, 117.502), 40));
        found.extend(stage.sees("cam-2", (43.3075, 117.511), 40));
        stage.wait(10);
    }
    let ids: std::collections::BTreeSet<_> = found
        .iter()
        .filter_map(|what| if let What::Opened(case) = what { Some(case.id.clone()) } else { None })
        .collect();
    assert_eq!(ids.len(), 2);
}

#[test]
fn an_animal_that_strayed_and_came_back_is_of_one_herd_and_one_case_again() {
    let mut stage = Stage::at(WINTER);
    let mut found = Vec::new();
    // Together, one of them five kilometres away for an hour, together again, then both into the zone.
    let away = (43.2505, 117.506);
    for place in [SOUTH, SOUTH, away, away, away, away, away, away, SOUTH, SOUTH, NORTH, NORTH, NORTH] {
        let now = stage.now;
        let herd = if place == away { SOUTH } else { place };
        found.extend(stage.fixed("collar-1", herd, now));
        found.extend(stage.fixed("collar-2", place, now));
        stage.wait(1_200);
    }
    let opened = found.iter().filter(|what| matches!(what, What::Opened(_))).count();
    assert_eq!(opened, 1, "{:?}", words(&found));
    assert_eq!(stage.engine.herds().len(), 1);
}

#[test]
fn a_restart_at_any_moment_gives_the_same_findings_bit_for_bit() {
    let play = |restart_every: usize| {
        let mut stage = Stage::at("2026-03-31T23:50:00+08:00");
        let mut found = Vec::new();
        let places = [NORTH, SOUTH, SOUTH, NORTH, NORTH, NORTH, SOUTH, SOUTH, SOUTH, SOUTH];
        for (step, place) in places.iter().cycle().take(60).enumerate() {
            found.extend(stage.sees(if step % 3 == 0 { "cam-2" } else { "cam-1" }, *place, 30 + step as u32));
            found.extend(stage.fix(*place));
            stage.flies(*place, 100.0);
            found.extend(stage.sees_in_picture("drone-1"));
            found.extend(stage.wait(37));
            if step % restart_every == 0 {
                let saved = stage.engine.save();
                let world = Arc::clone(stage.engine.world());
                stage.engine = Engine::restore(Settings::default(), world, &saved).unwrap();
                assert_eq!(stage.engine.save(), saved);
            }
        }
        found
    };
    let undisturbed = play(usize::MAX);
    assert!(undisturbed.len() > 5, "the scene has something to tell");
    assert_eq!(play(1), undisturbed);
    assert_eq!(play(3), undisturbed);
}

#[test]
fn a_state_of_an_older_version_is_read_with_its_herd_and_case() {
    let before: [&[u8]; 2] = [include_bytes!("testdata/state-3.bin"), include_bytes!("testdata/state-4.bin")];
    for old in before {
        let world = Arc::clone(Stage::at(WINTER).engine.world());
        let engine = Engine::restore(Settings::default(), Arc::clone(&world), old).unwrap();
        assert_eq!((engine.herds().len(), engine.open_cases().count()), (1, 1));
        let saved = engine.save();
        assert_eq!(saved.first_chunk(), Some(&5_u32.to_le_bytes()), "and written in the present one");
        assert_eq!(Engine::restore(Settings::default(), world, &saved).unwrap().save(), saved);
        for cut in 0..old.len() {
            let world = Arc::clone(engine.world());
            assert!(Engine::restore(Settings::default(), world, &old[..cut]).is_err());
        }
    }
}

#[test]
fn a_damaged_state_is_refused_never_a_panic() {
    let mut stage = Stage::at(WINTER);
    for _ in 0..3 {
        stage.sees("cam-1", NORTH, 40);
        stage.fix(NORTH);
        stage.wait(10);
    }
    let saved = stage.engine.save();
    let world = world(vec![]);
    for cut in 0..saved.len() {
        assert!(Engine::restore(Settings::default(), Arc::clone(&world), &saved[..cut]).is_err());
    }
    for place in 0..saved.len() {
        let mut flipped = saved.clone();
        flipped[place] ^= 0x55;
        // Some flips only change a number; none may panic or exhaust memory.
        Engine::restore(Settings::default(), Arc::clone(&world), &flipped).ok();
    }
}
