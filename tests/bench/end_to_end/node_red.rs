//! The peer's second half: Node-RED with a flow that anyone would draw first. MQTT in, JSON, point in polygon, HTTP request.
//!
//! In:  a broker, a receiver, zones.   Out: a running Node-RED that is subscribed.   Installed by `node-red/install.sh`.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What stands in its function: the device is the fourth part of the topic, and what it tells has the shape that our webhooks have.
const FENCE: &str = "
const said = msg.payload;
if (typeof said.lat !== 'number') return null;
const inside = global.get('inside');
const zone = global.get('zones').find(zone => inside([said.lon, said.lat], zone));
if (!zone) return null;
const trigger = {device: msg.topic.split('/')[3], seq: said.seq, ts: said.ts};
return {
    headers: {'content-type': 'application/json'},
    payload: {type: 'inside', data: {zone: zone.properties.id, trigger}},
};
";

/// A running one; killed when dropped.
pub struct NodeRed {
    child: Child,
    _folder: TempDir,
}

impl NodeRed {
    /// Starts it between a broker and a receiver.
    pub async fn start(broker: &str, hook: &str, zones: &Value) -> Result<Self> {
        let folder = TempDir::new()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        std::fs::write(folder.path().join("zones.json"), zones.to_string())?;
        std::fs::write(folder.path().join("flows.json"), flow(broker, hook)?.to_string())?;
        std::fs::write(folder.path().join("settings.js"), settings(folder.path(), port))?;
        let mut child = Command::new("node")
            .arg(modules().join("node-red/red.js"))
            .arg("--settings")
            .arg(folder.path().join("settings.js"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("node is not there")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let connected = async {
            while let Some(line) = lines.next_line().await? {
                if line.contains("Connected to broker") {
                    return Ok(());
                }
            }
            anyhow::bail!("Node-RED ended before it was connected; run tests/bench/node-red/install.sh")
        };
        tokio::time::timeout(Duration::from_secs(60), connected).await.context("Node-RED does not connect")??;
        // Whatever else it says is read, so that it never waits for us.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, _folder: folder })
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/node-red/node_modules")
}

/// No editor, no telemetry, nothing on disk that is not here.
fn settings(folder: &Path, port: u16) -> String {
    let turf = json!(modules().join("@turf/boolean-point-in-polygon").display().to_string());
    let (folder, zones) = (json!(folder.display().to_string()), json!(folder.join("zones.json").display().to_string()));
    format!(
        "const turf = require({turf});\n\
         module.exports = {{\n\
             uiHost: '127.0.0.1', uiPort: {port}, userDir: {folder}, flowFile: 'flows.json', credentialSecret: false,\n\
             telemetry: {{ enabled: false }}, logging: {{ console: {{ level: 'info' }} }},\n\
             functionGlobalContext: {{ inside: turf.booleanPointInPolygon, zones: require({zones}).features }},\n\
         }};\n"
    )
}

fn flow(broker: &str, hook: &str) -> Result<Value> {
    let (host, port) = broker.rsplit_once(':').context("no address")?;
    let node = |id: &str, type_: &str, next: &str, more: Value| {
        let mut node = json!({"id": id, "type": type_, "z": "tab", "wires": if next.is_empty() { json!([[]]) } else { json!([[next]]) }});
        if let (Some(node), Some(more)) = (node.as_object_mut(), more.as_object()) {
            node.extend(more.clone());
        }
        node
    };
    // A name that is also some property's value would be taken for a reference to the node.
    Ok(json!([
        {"id": "tab", "type": "tab", "label": "fence"},
        {"id": "broker", "type": "mqtt-broker", "broker": host, "port": port, "autoConnect": true, "protocolVersion": "4", "keepalive": "60", "cleansession": true},
        node("n1", "mqtt in", "n2", json!({"topic": "steppe/v1/hexigten/+/+", "qos": "1", "datatype": "utf8", "broker": "broker"})),
        node("n2", "json", "n3", json!({"property": "payload", "action": "obj"})),
        node("n3", "function", "n4", json!({"func": FENCE, "outputs": 1, "libs": []})),
        node("n4", "http request", "", json!({"method": "POST", "ret": "txt", "paytoqs": "ignore", "url": hook, "persist": true, "headers": []})),
    ]))
}
