//! What can be shown for a case, on the wire: pictures, parts of them, tracks, animals.

use super::incident::{IncidentJson, device};
use super::{BadWire, bad, time};
use model::{
    AnimalId, AnimalMark, BoundingBox, CasePicture, CaseTrack, Exhibits, MarkKind, Offset, PanTilt, SeenArea,
    SnapshotId,
};
use serde::{Deserialize, Serialize};

/// A picture that speaks for the case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::CasePicture`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = EvidencePicture))]
pub struct SnapshotJson {
    pub snapshot_id: String,
    pub device: String,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub ts: String,
    /// Left edge, upper edge, width, height of each, as parts of the picture.
    pub boxes: Vec<[f64; 4]>,
}

/// A part of a device's pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::SeenArea`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = SeenArea))]
pub struct AreaJson {
    pub device: String,
    #[serde(rename = "box")]
    pub bounding_box: BoxJson,
    #[cfg_attr(feature = "schema", schema(required))]
    pub head: Option<HeadJson>,
    pub times: u32,
}

/// Part of a picture: 0 to 1 of its width and height, origin top left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::BoundingBox`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Box))]
pub struct BoxJson {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

/// Where a camera's head was turned to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::PanTilt`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Head))]
pub struct HeadJson {
    pub pan_deg: f64,
    pub tilt_deg: f64,
    pub zoom: f64,
}

/// A collar's track while it walked with the herd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::CaseTrack`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = CollarTrack))]
pub struct TrackJson {
    pub device: String,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub from: String,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub to: String,
    pub fixes: u32,
    /// First and last entry of the journal.
    pub entries: [u64; 2],
}

/// An animal by its mark: `{"ear_tag": "…"}`, `{"collar": "…"}` or `{"face_id": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "see `model::MarkKind`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Animal))]
pub struct AnimalJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ear_tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collar: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_id: Option<String>,
}

/// Read back what was written; how far it was counted is detection's alone.
pub(super) fn exhibits(json: &IncidentJson) -> Result<Exhibits, BadWire> {
    Ok(Exhibits {
        pictures: json.evidence.iter().map(picture).collect::<Result<_, _>>()?,
        areas: json.areas.iter().map(area).collect::<Result<_, _>>()?,
        tracks: json.tracks.iter().map(track).collect::<Result<_, _>>()?,
        animals: json.animals.iter().map(AnimalMark::try_from).collect::<Result<_, _>>()?,
        up_to: Offset::default(),
    })
}

fn picture(json: &SnapshotJson) -> Result<CasePicture, BadWire> {
    Ok(CasePicture {
        snapshot: SnapshotId::parse(&json.snapshot_id).map_err(|_| bad("snapshot", &json.snapshot_id))?,
        device: device(&json.device)?,
        at: time("evidence ts", &json.ts)?,
        boxes: json.boxes.iter().map(|[x, y, w, h]| BoundingBox { x: *x, y: *y, w: *w, h: *h }).collect(),
    })
}

fn area(json: &AreaJson) -> Result<SeenArea, BadWire> {
    let head = |HeadJson { pan_deg, tilt_deg, zoom }| PanTilt { pan_deg, tilt_deg, zoom };
    let (bounding_box, head) = (json.bounding_box.into(), json.head.map(head));
    Ok(SeenArea { device: device(&json.device)?, bounding_box, head, times: json.times })
}

fn track(json: &TrackJson) -> Result<CaseTrack, BadWire> {
    let [first, last] = json.entries;
    Ok(CaseTrack {
        device: device(&json.device)?,
        from: time("track from", &json.from)?,
        to: time("track to", &json.to)?,
        fixes: json.fixes,
        entries: (Offset(first), Offset(last)),
    })
}

impl TryFrom<&AnimalJson> for AnimalMark {
    type Error = BadWire;

    fn try_from(json: &AnimalJson) -> Result<Self, BadWire> {
        let marks =
            [(MarkKind::EarTag, &json.ear_tag), (MarkKind::Collar, &json.collar), (MarkKind::Face, &json.face_id)];
        let told = marks.into_iter().find_map(|(kind, id)| Some((kind, id.as_deref()?)));
        let (kind, id) = told.ok_or_else(|| bad("animal", "nothing"))?;
        Ok(Self { kind, id: AnimalId::parse(id).map_err(|_| bad("animal", id))? })
    }
}

impl From<&AnimalMark> for AnimalJson {
    fn from(mark: &AnimalMark) -> Self {
        let id = Some(mark.id.to_string());
        match mark.kind {
            MarkKind::EarTag => Self { ear_tag: id, ..Self::default() },
            MarkKind::Collar => Self { collar: id, ..Self::default() },
            MarkKind::Face => Self { face_id: id, ..Self::default() },
        }
    }
}

impl From<BoxJson> for BoundingBox {
    fn from(BoxJson { x, y, w, h }: BoxJson) -> Self {
        Self { x, y, w, h }
    }
}

impl From<BoundingBox> for BoxJson {
    fn from(BoundingBox { x, y, w, h }: BoundingBox) -> Self {
        Self { x, y, w, h }
    }
}

impl From<&CasePicture> for SnapshotJson {
    fn from(picture: &CasePicture) -> Self {
        Self {
            snapshot_id: picture.snapshot.to_string(),
            device: picture.device.to_string(),
            ts: picture.at.to_rfc3339(),
            boxes: picture.boxes.iter().map(|BoundingBox { x, y, w, h }| [*x, *y, *w, *h]).collect(),
        }
    }
}

impl From<&SeenArea> for AreaJson {
    fn from(area: &SeenArea) -> Self {
        let head = |PanTilt { pan_deg, tilt_deg, zoom }| HeadJson { pan_deg, tilt_deg, zoom };
        let (bounding_box, head) = (area.bounding_box.into(), area.head.map(head));
        Self { device: area.device.to_string(), bounding_box, head, times: area.times }
    }
}

impl From<&CaseTrack> for TrackJson {
    fn from(track: &CaseTrack) -> Self {
        let (first, last) = track.entries;
        Self {
            device: track.device.to_string(),
            from: track.from.to_rfc3339(),
            to: track.to.to_rfc3339(),
            fixes: track.fixes,
            entries: [first.0, last.0],
        }
    }
}
