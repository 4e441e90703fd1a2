"""All scenes of a folder, of every kind that is read, mixed as they lie."""

from pathlib import Path

from reverdure.core.errors import UnreadableFile
from reverdure.core.records import OnProgress
from reverdure.imagery.landsat import Scene, find_scenes
from reverdure.imagery.refusals import Refusal
from reverdure.imagery.sentinel2 import Sentinel2Scene, find_sentinel2_scenes


def find_all_scenes(
    folder: Path, on_progress: OnProgress | None = None
) -> tuple[list[Scene], list[Sentinel2Scene], list[Refusal]]:
    """Landsat and Sentinel-2 scenes in a folder and the folders in it.

    Parameters
    ----------
    folder : Path
    on_progress : callable, optional
        Called after each product.

    Returns
    -------
    landsat : list of Scene
    sentinel2 : list of Sentinel2Scene
        Both by date, then id.
    refusals : list of Refusal
        Whatever is neither, by path.

    Raises
    ------
    UnreadableFile
        If there is no such folder.
    """
    if not folder.is_dir():
        raise UnreadableFile(f"{folder} is not a folder.")
    sentinel2, refused, taken = find_sentinel2_scenes(folder, on_progress)
    landsat, others = find_scenes(folder, on_progress, passed_over=taken)
    return landsat, sentinel2, sorted([*refused, *others], key=lambda refusal: refusal.path)
