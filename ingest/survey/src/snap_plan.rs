//! Settles, for one pass of snapping, which places move and which edges take something in.
//!
//! In: what is near to what.   Out: [`Plan`].   Next: `snap_apply`.
//! Never: two vertices of one feature put together; a vertex onto something that moves in the same pass.
//!
//! Vertices are put together first, nearest pairs first; then the rest onto edges. Places decide, not features, so a vertex that
//! three share moves for all three. What something was moved onto stays: later an edge bends to it instead.

use crate::snap_grid::{Near, What};
use crate::snap_places::Places;
use model::GeoPoint;

#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// By place: where to, and whose border is there.
    moves: Vec<Option<(GeoPoint, u32)>>,
    /// By edge, and from its smaller end on.
    inserts: Vec<Insert>,
    /// By place: whether an edge that begins there takes something in.
    begins: Vec<bool>,
    /// In order: what was moved onto, or taken in, or may not move because of that.
    pub(crate) stays: Vec<GeoPoint>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Insert {
    from: u32,
    to: u32,
    distance: i128,
    pub(crate) point: GeoPoint,
    /// Whose vertex it is.
    pub(crate) plot: u32,
}

impl Plan {
    pub(crate) fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.moves.iter().all(Option::is_none)
    }

    pub(crate) fn target(&self, place: u32) -> Option<(GeoPoint, u32)> {
        self.moves.get(place as usize).copied().flatten()
    }

    /// What an edge takes in, from its smaller end on.
    pub(crate) fn inserts(&self, from: u32, to: u32) -> &[Insert] {
        if !self.begins.get(from as usize).copied().unwrap_or(false) {
            return &[];
        }
        let start = self.inserts.partition_point(|insert| (insert.from, insert.to) < (from, to));
        let rest = self.inserts.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|insert| (insert.from, insert.to) == (from, to))).unwrap_or_default()
    }
}

/// What a place does in this pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Free,
    Moves,
    /// From this pass on.
    Stays,
    /// Since an earlier pass.
    Stayed,
}

struct Settling<'a> {
    places: &'a Places,
    roles: Vec<Role>,
    /// For an anchor the last place that was moved onto it, for that one the one before.
    gathered: Vec<u32>,
    plan: Plan,
}

const NOTHING: u32 = u32::MAX;

/// Nearest first, then by place; `fixed` is by place.
pub(crate) fn plan(candidates: &[Near], places: &Places, fixed: &[bool]) -> Plan {
    let roles = fixed.iter().map(|fixed| if *fixed { Role::Stayed } else { Role::Free }).collect();
    let mut settling = Settling {
        places,
        roles,
        gathered: vec![NOTHING; places.len()],
        plan: Plan { moves: vec![None; places.len()], begins: vec![false; places.len()], ..Plan::default() },
    };
    let mut pairs: Vec<(f64, u32, u32)> = Vec::new();
    let mut onto: Vec<&Near> = Vec::new();
    for near in candidates {
        match near.what {
            What::Vertex(other) => pairs.push((near.metres, near.point.min(other), near.point.max(other))),
            What::Edge(..) => onto.push(near),
        }
    }
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    pairs.dedup();
    for (_, a, b) in pairs {
        settling.pair(a, b);
    }
    onto.sort_unstable_by(|a, b| a.metres.total_cmp(&b.metres).then(a.point.cmp(&b.point)));
    for near in onto {
        settling.onto(near);
    }
    let Settling { roles, mut plan, .. } = settling;
    plan.inserts.sort_unstable();
    plan.inserts.dedup_by_key(|insert| (insert.from, insert.to, insert.point));
    for insert in &plan.inserts {
        if let Some(begins) = plan.begins.get_mut(insert.from as usize) {
            *begins = true;
        }
    }
    let staying = places.points().iter().zip(&roles).filter(|(_, role)| **role == Role::Stays).map(|(point, _)| *point);
    plan.stays.extend(staying);
    plan.stays.sort_unstable();
    plan.stays.dedup();
    plan
}

impl Settling<'_> {
    fn role(&self, place: u32) -> Role {
        self.roles.get(place as usize).copied().unwrap_or(Role::Free)
    }

    fn set(&mut self, place: u32, role: Role) {
        if let Some(old) = self.roles.get_mut(place as usize) {
            *old = role;
        }
    }

    fn first_owner(&self, place: u32) -> u32 {
        self.places.owners(place).first().copied().unwrap_or(0)
    }

    fn move_to(&mut self, place: u32, target: GeoPoint, whose: u32) {
        if let Some(slot) = self.plan.moves.get_mut(place as usize) {
            *slot = Some((target, whose));
        }
        self.set(place, Role::Moves);
    }

    fn pair(&mut self, a: u32, b: u32) {
        if self.role(a) == Role::Moves || self.role(b) == Role::Moves {
            return;
        }
        let stays = |role: Role| role >= Role::Stays;
        let weight = |place: u32| (stays(self.role(place)), self.places.owners(place).len());
        // What others share already stays; of two equals the one further west.
        let (anchor, moved) = if weight(b) > weight(a) { (b, a) } else { (a, b) };
        if stays(self.role(moved)) || !self.apart(anchor, moved) {
            return;
        }
        let whose = self.first_owner(anchor);
        self.move_to(moved, self.places.point(anchor), whose);
        self.set(anchor, Role::Stays);
        let before = self.gathered.get(anchor as usize).copied().unwrap_or(NOTHING);
        if let Some(slot) = self.gathered.get_mut(moved as usize) {
            *slot = before;
        }
        if let Some(slot) = self.gathered.get_mut(anchor as usize) {
            *slot = moved;
        }
    }

    /// Whether no plot has a vertex in both, counting what was moved onto the anchor.
    fn apart(&self, anchor: u32, moved: u32) -> bool {
        let new = self.places.owners(moved);
        let mut here = anchor;
        while here != NOTHING {
            if self.places.owners(here).iter().any(|plot| new.contains(plot)) {
                return false;
            }
            here = self.gathered.get(here as usize).copied().unwrap_or(NOTHING);
        }
        true
    }

    fn onto(&mut self, near: &Near) {
        let What::Edge(edge, foot) = near.what else { return };
        if [near.point, edge.from, edge.to].into_iter().any(|place| self.role(place) == Role::Moves) {
            return;
        }
        let here = self.places.point(near.point);
        let target = if self.role(near.point) == Role::Free { foot } else { here };
        let (from, to) = (self.places.point(edge.from), self.places.point(edge.to));
        if target == from || target == to {
            return;
        }
        if target == here {
            self.set(near.point, Role::Stays);
        } else {
            self.move_to(near.point, target, edge.plot);
            self.plan.stays.push(target);
        }
        self.set(edge.from, Role::Stays);
        self.set(edge.to, Role::Stays);
        let plot = self.first_owner(near.point);
        let insert = Insert { from: edge.from, to: edge.to, distance: squared(from, target), point: target, plot };
        self.plan.inserts.push(insert);
    }
}

fn squared(a: GeoPoint, b: GeoPoint) -> i128 {
    let square = |a: i32, b: i32| (i128::from(a) - i128::from(b)).pow(2);
    square(a.lon_e7, b.lon_e7) + square(a.lat_e7, b.lat_e7)
}
