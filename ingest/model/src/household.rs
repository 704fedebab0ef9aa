use crate::{AnimalId, DeviceId, HouseholdId, TownshipCode};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// By what an animal is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkKind {
    /// 耳标
    EarTag,
    /// 项圈: the device itself is the mark.
    Collar,
    /// 牛脸识别
    Face,
}

impl MarkKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::EarTag, Self::Collar, Self::Face];

    /// As written in payloads, in files and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EarTag => "ear_tag",
            Self::Collar => "collar",
            Self::Face => "face_id",
        }
    }

    /// `None` for a word that is no kind.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One animal that can be told from all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnimalMark {
    /// By what.
    pub kind: MarkKind,
    /// What it says.
    pub id: AnimalId,
}

impl AnimalMark {
    /// The animal that wears a collar. `None` for the platform's own name, which nobody wears.
    pub fn of_collar(collar: &DeviceId) -> Option<Self> {
        Some(Self { kind: MarkKind::Collar, id: AnimalId::parse(collar.as_str()).ok()? })
    }
}

/// Whether a household's animals belong to the banner or came to graze from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stock {
    /// 本地
    Local,
    /// 外场
    Outside,
}

impl Stock {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Local, Self::Outside];

    /// As written in files and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Outside => "outside",
        }
    }

    /// Reads `local` or `本地`, `outside` or `外场`; `None` for anything else.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "local" | "本地" => Some(Self::Local),
            "outside" | "外场" => Some(Self::Outside),
            _ => None,
        }
    }
}

/// 牧户: who keeps animals. How to reach them is not part of it: that stays sealed in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    /// As the ledger numbers it.
    pub id: HouseholdId,
    /// The head of the household.
    pub name: String,
    /// Where it is registered.
    pub township: Option<TownshipCode>,
    /// Whose animals these are.
    pub stock: Stock,
}

/// Every household, and whose each known animal is.
#[derive(Debug, Clone, Default)]
pub struct Households {
    by_id: BTreeMap<HouseholdId, Arc<Household>>,
    by_mark: HashMap<AnimalMark, HouseholdId>,
}

impl Households {
    /// An index over these. An animal of a household that is not among them is nobody's.
    pub fn new(
        households: impl IntoIterator<Item = Household>,
        animals: impl IntoIterator<Item = (AnimalMark, HouseholdId)>,
    ) -> Self {
        let by_id = households.into_iter().map(|household| (household.id.clone(), Arc::new(household))).collect();
        Self { by_id, by_mark: animals.into_iter().collect() }
    }

    /// All, by id.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Household>> {
        self.by_id.values()
    }

    /// One.
    pub fn get(&self, id: &HouseholdId) -> Option<&Arc<Household>> {
        self.by_id.get(id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whose an animal is.
    pub fn of(&self, mark: &AnimalMark) -> Option<&Arc<Household>> {
        self.by_id.get(self.by_mark.get(mark)?)
    }

    /// The animals by which each household is known, in their order.
    pub fn animals(&self) -> BTreeMap<&HouseholdId, Vec<&AnimalMark>> {
        let mut animals: BTreeMap<&HouseholdId, Vec<&AnimalMark>> = BTreeMap::new();
        for (mark, household) in &self.by_mark {
            animals.entry(household).or_default().push(mark);
        }
        animals.values_mut().for_each(|marks| marks.sort());
        animals
    }
}
