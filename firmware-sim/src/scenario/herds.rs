//! Which herds there are, where they begin and where they like to go.
//!
//! In:  the zones and a seed.   Out: [`HerdPlan`]s. The first three trespass: one stands in a no-grazing zone, one comes through
//! the fence of another, one is in the reserve. The last wanders from its balance zone to a closed one and back. The others
//! keep to balance zones.

use super::Plan;
use super::ZoneShape;
use crate::ground::Spot;
use crate::rng::Rng;

/// A herd before it walks.
#[derive(Debug, Clone, PartialEq)]
pub struct HerdPlan {
    /// For example `herd-3`; only the truth knows it.
    pub id: String,
    /// As the contract names it.
    pub species: &'static str,
    /// Animals, young ones included.
    pub count: u32,
    /// How many of them are young.
    pub young: u32,
    /// Nearly all animals are within this distance of the centre.
    pub radius_m: f64,
    /// Walking speed.
    pub speed_mps: f64,
    /// Where it stands at first.
    pub start: Spot,
    /// Where it walks, in turn.
    pub stops: Vec<Spot>,
    /// What a camera set up for it looks at: close to the start, and inside the zone.
    pub watch: Spot,
    /// Index of its home zone.
    pub zone: usize,
}

/// Species, head, share of young: a mix as it is met in the banner.
const MIX: [(&str, u64, u64, f64); 8] = [
    ("sheep", 130, 200, 0.2),
    ("goat", 90, 150, 0.2),
    ("cattle", 40, 80, 0.15),
    ("sheep", 120, 200, 0.25),
    ("horse", 40, 60, 0.1),
    ("camel", 40, 55, 0.1),
    ("sheep", 80, 160, 0.2),
    ("goat", 60, 120, 0.2),
];

/// What a herd is up to.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    Trespass,
    ThroughTheFence,
    Lawful,
    Wander,
}

/// Makes every herd of the plan.
pub(super) fn make(plan: &Plan, zones: &[ZoneShape], seed: u64) -> Vec<HerdPlan> {
    let mut rng = Rng::new(seed, "herds");
    let of_kind = |kinds: &[&str]| -> Vec<usize> {
        zones.iter().enumerate().filter(|(_, zone)| kinds.contains(&zone.kind)).map(|(index, _)| index).collect()
    };
    let closed = of_kind(&["no-grazing"]);
    let reserve = of_kind(&["reserve"]);
    let open = of_kind(&["balance"]);
    (0..plan.herds)
        .filter_map(|index| {
            let (habit, homes, nth) = match index {
                0 => (Habit::Trespass, &closed, 0),
                1 => (Habit::ThroughTheFence, &closed, 1),
                2 => (Habit::Trespass, &reserve, 0),
                _ if index + 1 == plan.herds => (Habit::Wander, &open, index - 3),
                _ => (Habit::Lawful, &open, index - 3),
            };
            // A plan without the wished kind of zone still gets its herds.
            let home = homes.get(nth % homes.len().max(1)).copied().unwrap_or(index % zones.len().max(1));
            let abroad = closed.get(index).and_then(|zone| zones.get(*zone));
            Some(herd(index, habit, home, zones.get(home)?, abroad, &mut rng))
        })
        .collect()
}

fn herd(
    index: usize,
    habit: Habit,
    home: usize,
    zone: &ZoneShape,
    abroad: Option<&ZoneShape>,
    rng: &mut Rng,
) -> HerdPlan {
    let (species, low, high, young_share) = MIX.get(index % MIX.len()).copied().unwrap_or(("sheep", 40, 200, 0.2));
    let count = rng.whole(low, high) as u32;
    let fence = zone.fence_toward(rng.between(0.0, 360.0));
    let (start, watch) = if habit == Habit::ThroughTheFence {
        let inward_deg = fence.bearing_deg(zone.centre);
        // Just inside: a start outside would put the first sighting minutes away, and the tail still hangs over the fence.
        (fence.toward(inward_deg, 30.0), fence.toward(inward_deg, 140.0))
    } else {
        let spot = zone.centre.part_way(fence, rng.between(0.3, 0.6));
        (spot, spot)
    };
    // First it grazes around where it is watched, then all over its home.
    let mut stops = vec![watch];
    stops.extend((0..3).map(|_| watch.toward(rng.between(0.0, 360.0), rng.between(40.0, 130.0))));
    stops.extend(
        (0..4).map(|_| zone.centre.part_way(zone.fence_toward(rng.between(0.0, 360.0)), rng.between(0.1, 0.7))),
    );
    if habit == Habit::Wander {
        stops.extend(abroad.map(|other| other.centre));
    }
    HerdPlan {
        id: format!("herd-{}", index + 1),
        species,
        count,
        young: (f64::from(count) * young_share * rng.between(0.7, 1.3)) as u32,
        radius_m: (30.0 + f64::from(count) * 0.45).clamp(30.0, 120.0),
        speed_mps: rng.between(0.2, 1.0),
        start,
        stops,
        watch,
        zone: home,
    }
}
