//! A camera of Hikvision: it posts its events, or lets itself be asked for a stream of them.
//!
//! In:  what it is to see.   Out: `EventNotificationAlert` in XML, alone or with a JPEG in a form, over HTTP with Digest.
//!
//! Never: uses the platform's codec or digest; both ends agree because both follow what such cameras do.

mod poster;
mod stream;

pub use poster::IsapiPoster;
pub use stream::IsapiStream;

/// One event, as a camera writes it. `time` has an offset, for example `2026-11-22T10:15:00+08:00`.
pub fn event(kind: &str, state: &str, time: &str, regions: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<EventNotificationAlert version=\"2.0\" xmlns=\"http://www.isapi.org/ver20/XMLSchema\">\r\n\
         <ipAddress>10.20.1.31</ipAddress>\r\n<portNo>80</portNo>\r\n<protocol>HTTP</protocol>\r\n<macAddress>44:47:cc:00:00:01</macAddress>\r\n\
         <channelID>1</channelID>\r\n<dateTime>{time}</dateTime>\r\n<activePostCount>1</activePostCount>\r\n<eventType>{kind}</eventType>\r\n\
         <eventState>{state}</eventState>\r\n<eventDescription>{kind} alarm</eventDescription>\r\n{regions}</EventNotificationAlert>\r\n"
    )
}

/// The one region of an event: what is in it, and its box as left, top, width and height from 0 to 1.
pub fn region(target: &str, area: [f64; 4]) -> String {
    let [left, top, width, height] = area;
    format!(
        "<DetectionRegionList>\r\n<DetectionRegionEntry>\r\n<regionID>1</regionID>\r\n<sensitivityLevel>50</sensitivityLevel>\r\n\
         <RegionCoordinatesList>\r\n<RegionCoordinates>\r\n<positionX>0</positionX>\r\n<positionY>0</positionY>\r\n</RegionCoordinates>\r\n\
         </RegionCoordinatesList>\r\n<detectionTarget>{target}</detectionTarget>\r\n<TargetRect>\r\n<X>{left:.6}</X>\r\n<Y>{top:.6}</Y>\r\n\
         <width>{width:.6}</width>\r\n<height>{height:.6}</height>\r\n</TargetRect>\r\n</DetectionRegionEntry>\r\n</DetectionRegionList>\r\n"
    )
}
