//! Makes sure that there is a console to embed: where the front end was not built, a page that says so.
//!
//! In: `web/dist`, if `make web` made it.   Out: `web/dist/index.html`, always.   Never: replaces a console that was built.

use std::path::Path;

const PLACEHOLDER: &str = "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><title>Steppewatch</title>
<p>console not built: run <code>make web</code>, then build this program again. The API is at <code>/api/v1</code>.</p>
</html>
";

fn main() -> std::io::Result<()> {
    let dist = Path::new("web/dist");
    let index = dist.join("index.html");
    if !index.exists() {
        std::fs::create_dir_all(dist)?;
        std::fs::write(&index, PLACEHOLDER)?;
    }
    println!("cargo::rerun-if-changed=web/dist");
    Ok(())
}
