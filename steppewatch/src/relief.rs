//! The elevation models of the data folder.
//!
//! In: `terrain/` in the data folder.   Out: [`Terrain`], read once at a start; what is imported while the service runs holds from its next
//! start on.   Never: a start that fails because of a model; land without one is taken for level, and the log says so.

use anyhow::{Context, Result};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use terrain::{Terrain, Tile, read_stored, write_stored};

/// What our own files are called.
const EXTENSION: &str = "dem";

/// Where a tile of this name is kept.
fn file(data: &Path, name: &str) -> PathBuf {
    folder(data).join(format!("{name}.{EXTENSION}"))
}

fn folder(data: &Path) -> PathBuf {
    data.join("terrain")
}

/// The files of all tiles, by name.
fn files(data: &Path) -> Result<Vec<PathBuf>> {
    let folder = folder(data);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be listed", folder.display())),
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|found| found == EXTENSION)).collect();
    files.sort();
    Ok(files)
}

/// One tile.
fn read(file: &Path) -> Result<Tile> {
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    read_stored(&bytes).with_context(|| file.display().to_string())
}

/// Every tile, or what is wrong with its file.
pub fn tiles(data: &Path) -> Result<Vec<(PathBuf, Result<Tile>)>> {
    Ok(files(data)?.into_iter().map(|file| (file.clone(), read(&file))).collect())
}

/// The relief as far as it can be read; what cannot is logged.
pub fn open(data: &Path) -> Arc<Terrain> {
    let found = tiles(data).unwrap_or_else(|error| {
        tracing::error!(error = format!("{error:#}"), "no elevation model is used; all land is taken for level");
        Vec::new()
    });
    let readable = found.into_iter().filter_map(|(_, tile)| {
        tile.inspect_err(|error| {
            tracing::error!(
                error = format!("{error:#}"),
                "an elevation model is not used; its land is taken for level"
            );
        })
        .ok()
    });
    let relief = Terrain::new(readable.collect()).unwrap_or_else(|error| {
        tracing::error!(%error, "no elevation model is used; all land is taken for level");
        Terrain::default()
    });
    Arc::new(relief)
}

/// Keeps a tile: all of it, or what was there before. Says whether one of this name was replaced.
pub fn keep(data: &Path, tile: &Tile) -> Result<bool> {
    let (folder, file) = (folder(data), file(data, tile.name()));
    let others = tiles(data)?.into_iter().filter_map(|(_, tile)| tile.ok());
    let together = others.filter(|other| other.name() != tile.name()).chain([tile.clone()]).collect();
    Terrain::new(together)?;
    let unwritable = || format!("{} cannot be written; free space or give the user the right to", folder.display());
    fs::create_dir_all(&folder).with_context(unwritable)?;
    let replaced = file.exists();
    let whole = file.with_extension("part");
    fs::write(&whole, write_stored(tile)?).with_context(unwritable)?;
    fs::File::open(&whole).and_then(|file| file.sync_all()).with_context(unwritable)?;
    fs::rename(&whole, &file).with_context(unwritable)?;
    Ok(replaced)
}

/// Removes a tile; says whether there was one.
pub fn remove(data: &Path, name: &str) -> Result<bool> {
    let file = file(data, name);
    match fs::remove_file(&file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("{} cannot be removed", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrain::{Grid, Heights};

    fn tile(name: &str, height_m: f32) -> Tile {
        let grid = Grid::new((117.0, 43.0), (0.1, 0.1), (2, 2), &[height_m; 4]).unwrap();
        Tile::new(name, Heights::Ellipsoidal, grid).unwrap()
    }

    #[test]
    fn what_was_kept_is_opened_again_until_it_is_removed() {
        let data = tempfile::tempdir().unwrap();
        assert!(open(data.path()).is_empty());
        assert!(!keep(data.path(), &tile("a", 1.0)).unwrap());
        assert!(keep(data.path(), &tile("a", 2.0)).unwrap(), "in the place of the one of that name");
        assert_eq!(open(data.path()).tiles(), [tile("a", 2.0)]);
        assert!(remove(data.path(), "a").unwrap() && !remove(data.path(), "a").unwrap());
        assert!(open(data.path()).is_empty());
    }

    #[test]
    fn a_damaged_tile_is_named_and_the_others_are_used() {
        let data = tempfile::tempdir().unwrap();
        keep(data.path(), &tile("good", 1.0)).unwrap();
        fs::write(file(data.path(), "bad"), b"STEPDEM1").unwrap();
        assert_eq!(open(data.path()).tiles(), [tile("good", 1.0)]);
        let found = tiles(data.path()).unwrap();
        let (_, Err(error)) = &found[0] else { panic!("{found:?}") };
        assert!(format!("{error:#}").contains("import it again"), "{error:#}");
        assert!(keep(data.path(), &tile("bad", 1.0)).unwrap(), "and can be imported again");
        assert_eq!(open(data.path()).tiles().len(), 2);
    }
}
