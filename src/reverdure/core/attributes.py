"""What a result says of itself, in the words of the CF conventions: units, references, source."""

import xarray as xr


def described(
    result: xr.Dataset, given: xr.DataArray | xr.Dataset, *, references: str, units: str = "1"
) -> xr.Dataset:
    """A result with its units, the papers behind it, and the data it was made from.

    Parameters
    ----------
    result : Dataset
        Units that are stated already stay.
    given : DataArray or Dataset
        What it was made from; its `source` is carried on.
    references : str
        Author, year and DOI of the method.
    units : str
        Of its levels. Names with year in them, and y2r, are years; n_ and pixels are counts;
        whole numbers else are codes and have no unit.

    Returns
    -------
    Dataset
        `attrs["units"]` on every variable of numbers, `references` and `source` on the whole.

    Examples
    --------
    >>> made = xr.Dataset({"damage_year": ("x", [2005.0]), "level": ("x", [0.8])})
    >>> told = described(made, made.assign_attrs(source="Landsat"), references="A 2000")
    >>> told.damage_year.attrs["units"], told.level.attrs["units"], told.attrs["source"]
    ('year', '1', 'Landsat')
    """
    told = result.copy()  # attributes are copied with it, arrays are not
    for name in result.data_vars:
        variable = told.variables[name]
        unit = _unit(str(name), variable.dtype.kind, units)
        if unit:
            variable.attrs.setdefault("units", unit)
    carried = {"source": given.attrs["source"]} if "source" in given.attrs else {}
    return told.assign_attrs(references=references, **carried)


def _unit(name: str, kind: str, units: str) -> str:
    """Unit by what a name says, "" for codes and texts."""
    if name == "y2r" or name.endswith("_year") or name == "vertex_year":
        return "year"
    if name.startswith("n_"):
        return "1"
    return units if kind == "f" else ""
