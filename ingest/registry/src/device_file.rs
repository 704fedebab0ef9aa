//! A list of devices, as a table.
//!
//! In: a CSV file's bytes, UTF-8 or GBK; columns in English or as officers call them.   Out: [`DeviceRow`]s, or every row that is
//! wrong with its line.   Never: half of a file. An empty cell says nothing: what is known of a device stays.

use crate::device_edit::{DeviceEdit, MAX_EDITED};
use crate::table::{self, Column, Line, TableError, short};
use model::{DeviceId, DeviceKind, External, Pose, Position, TownshipCode};
use std::collections::HashMap;
use std::time::Duration;

const COLUMNS: [Column; 20] = [
    ("id", "编号"),
    ("kind", "类型"),
    ("model", "型号"),
    ("site", "站点"),
    ("lat", "纬度"),
    ("lon", "经度"),
    ("height_m", "架高"),
    ("yaw_deg", "朝向"),
    ("pitch_deg", "俯仰"),
    ("hfov_deg", "视场角"),
    ("township", "苏木乡镇"),
    ("cadence_s", "上报周期"),
    ("via", "网关"),
    ("dji", "大疆序列号"),
    ("mavlink", "MAVLink编号"),
    ("gb28181", "国标编码"),
    ("deveui", "DevEUI"),
    ("frigate", "Frigate名称"),
    ("hj212", "MN"),
    ("imei", "IMEI"),
];
/// The columns that are names in other systems.
const SYSTEMS: [&str; 7] = ["dji", "mavlink", "gb28181", "deveui", "frigate", "hj212", "imei"];

/// What officers call the kinds.
const KINDS_ZH: [(&str, DeviceKind); 6] = [
    ("摄像机", DeviceKind::Camera),
    ("无人机", DeviceKind::Drone),
    ("监测站", DeviceKind::Station),
    ("项圈", DeviceKind::Collar),
    ("网关", DeviceKind::Gateway),
    ("护林员", DeviceKind::Ranger),
];

/// One device of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRow {
    /// Which.
    pub id: DeviceId,
    /// What the list says of it.
    pub edit: DeviceEdit,
}

/// Reads a list of devices.
pub fn device_rows(bytes: &[u8]) -> Result<Vec<DeviceRow>, TableError> {
    let mut rows = Vec::new();
    let mut lines: HashMap<DeviceId, u64> = HashMap::new();
    table::read(bytes, &COLUMNS, &["id"], |line| {
        let row = row(line)?;
        if let Some(at) = lines.insert(row.id.clone(), line.number) {
            return Err(format!("device `{}` stands on line {at} already; a device has one line", row.id));
        }
        if rows.len() >= MAX_EDITED {
            return Err(format!("more than {MAX_EDITED} devices; import a part"));
        }
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

fn row(line: &Line<'_>) -> Result<DeviceRow, String> {
    let id = line.parsed("id", DeviceId::parse)?.ok_or("id is missing; write the device's name")?;
    let external = SYSTEMS.into_iter().flat_map(|system| {
        // A system may know a device by several names.
        let names = line.field(system).into_iter().flat_map(|names| names.split([';', '；'])).map(str::trim);
        names.filter(|name| !name.is_empty()).map(move |id| External { system: system.to_owned(), id: id.to_owned() })
    });
    let text = |name: &str| line.field(name).map(|text| Some(text.to_owned()));
    Ok(DeviceRow {
        id,
        edit: DeviceEdit {
            kind: line.parsed("kind", kind)?,
            model: text("model"),
            site: text("site"),
            place: place(line)?.map(Some),
            pose: pose(line)?.map(Some),
            township: line.parsed("township", TownshipCode::parse)?.map(Some),
            cadence: cadence(line)?,
            via: line.parsed("via", DeviceId::parse)?.map(Some),
            external: external.collect(),
        },
    })
}

fn kind(word: &str) -> Result<DeviceKind, String> {
    let zh = KINDS_ZH.iter().find(|(zh, _)| *zh == word).map(|(_, kind)| *kind);
    DeviceKind::parse(word).or(zh).ok_or_else(|| {
        let known = KINDS_ZH.map(|(zh, kind)| format!("{} ({zh})", kind.as_str())).join(", ");
        format!("kind `{}` is none; use {known}", short(word))
    })
}

fn place(line: &Line<'_>) -> Result<Option<Position>, String> {
    match (line.number_in("lat")?, line.number_in("lon")?) {
        (None, None) => Ok(None),
        (Some(lat), Some(lon)) => Position::parse(lat, lon).map(Some).map_err(|error| error.to_string()),
        _ => Err("lat and lon belong together; write both or none".to_owned()),
    }
}

fn pose(line: &Line<'_>) -> Result<Option<Pose>, String> {
    let [height_m, yaw_deg, pitch_deg, hfov_deg] =
        ["height_m", "yaw_deg", "pitch_deg", "hfov_deg"].map(|name| line.number_in(name));
    match (height_m?, yaw_deg?, pitch_deg?, hfov_deg?) {
        (None, None, None, None) => Ok(None),
        (Some(height_m), yaw_deg, pitch_deg, Some(hfov_deg)) => {
            Ok(Some(Pose { height_m, yaw_deg: yaw_deg.unwrap_or(0.0), pitch_deg: pitch_deg.unwrap_or(0.0), hfov_deg }))
        }
        _ => Err("a pose needs height_m and hfov_deg; write both".to_owned()),
    }
}

fn cadence(line: &Line<'_>) -> Result<Option<Duration>, String> {
    let Some(seconds) = line.number_in("cadence_s")? else { return Ok(None) };
    // Its range is the registry's; here only what is no time at all.
    Duration::try_from_secs_f64(seconds)
        .map(Some)
        .map_err(|_| format!("cadence_s `{seconds}` is no time; write seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_by_english_or_chinese_headers_and_empty_cells_say_nothing() {
        let english = "id,kind,site,lat,lon,height_m,hfov_deg,cadence_s,gb28181\n\
                       cam-1,camera,北山塔,43.3,117.5,30,60,60,15042500001320000001;15042500001320000002\ncam-2,,,,,,,,\n";
        let chinese = english.replace(
            "id,kind,site,lat,lon,height_m,hfov_deg,cadence_s,gb28181",
            "编号,类型,站点,纬度,经度,架高,视场角,上报周期,国标编码",
        );
        let rows = device_rows(english.as_bytes()).unwrap();
        assert_eq!(device_rows(chinese.replace("camera", "摄像机").as_bytes()).unwrap(), rows);
        let first = &rows[0].edit;
        assert_eq!(first.kind, Some(DeviceKind::Camera));
        assert_eq!(first.site, Some(Some("北山塔".to_owned())));
        assert_eq!(first.pose.unwrap().unwrap().height_m, 30.0);
        assert_eq!((first.cadence, first.external.len()), (Some(Duration::from_secs(60)), 2));
        assert!(rows[1].edit.is_empty());
    }

    #[test]
    fn every_wrong_line_is_told_with_its_number() {
        let file = "id,kind,lat,lon,height_m,hfov_deg,cadence_s\n\
                    a b,,,,,,\ncam-1,tower,,,,,\ncam-2,,43,,,,\ncam-3,,43,217,,,\ncam-4,,,,30,,\ncam-5,,,,,,-1\ncam-6,,x,,,,\nok,,,,,,\nok,,,,,,\n";
        let Err(TableError::Rows(faults)) = device_rows(file.as_bytes()) else { panic!("taken") };
        let wants = [
            (2, "holds ` `"),
            (3, "kind `tower` is none; use camera (摄像机)"),
            (4, "lat and lon belong together"),
            (5, "217"),
            (6, "height_m and hfov_deg"),
            (7, "no time"),
            (8, "lat `x` is no number"),
            (10, "on line 9 already"),
        ];
        assert_eq!(faults.len(), wants.len(), "{faults:?}");
        for (fault, (line, why)) in faults.iter().zip(wants) {
            assert!(fault.line == line && fault.why.contains(why), "{fault:?}");
        }
    }
}
