//! How many pictures a second the model looks at on this machine.
//!
//! In: the real YOLOX nano and real pictures, from the JPEG's bytes to detections, as a worker does it.   Out: pictures a second with
//! one worker for each core, beside the bar of 20 on two, as a line of JSON. Says so where the data is absent.
//!
//! `make bench BENCH=vision`. It stands here and not with the other benches, so that who tests the platform need not build tract twice.

use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vision::{Detector, Layout};

/// Pictures a second that two cores are to look at.
const BAR_PER_S: f64 = 20.0;
const WORKERS: usize = 2;
const MEASURED: Duration = Duration::from_secs(20);
const PICTURES: [&str; 6] = [
    "coco_yolox_sample/000000005992.jpg",
    "coco_yolox_sample/000000007281.jpg",
    "coco_yolox_sample/000000008690.jpg",
    "darknet/dog.jpg",
    "darknet/horses.jpg",
    "darknet/person.jpg",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let model: PathBuf = data.join("models/yolox_nano.onnx");
    if !model.exists() {
        println!("{}", json!({"bench": "vision", "skipped": format!("{} is not there", model.display())}));
        return Ok(());
    }
    let detector = Detector::load(&model, Layout::Yolox)?;
    let pictures: Vec<Vec<u8>> =
        PICTURES.iter().map(|name| std::fs::read(data.join("images").join(name))).collect::<Result<_, _>>()?;
    let look = model::Look { threshold: 0.5, region: None, masks: Vec::new() };
    eprintln!("looking at {} pictures with {WORKERS} workers for {} s", pictures.len(), MEASURED.as_secs());
    let begun = Instant::now();
    let counts = std::thread::scope(|scope| {
        let worker = || {
            let mut count = 0_u32;
            for jpeg in pictures.iter().cycle() {
                if begun.elapsed() >= MEASURED {
                    break;
                }
                if let Err(unseen) = detector.find(jpeg, &look) {
                    eprintln!("{unseen}");
                }
                count += 1;
            }
            count
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).sum::<u32>()
    });
    let per_s = f64::from(counts) / begun.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({
            "bench": "vision", "model": "yolox_nano 416x416", "workers": WORKERS, "pictures": counts,
            "pictures_per_s": (per_s * 10.0).round() / 10.0, "bar_per_s": BAR_PER_S, "reached": per_s >= BAR_PER_S
        })
    );
    Ok(())
}
