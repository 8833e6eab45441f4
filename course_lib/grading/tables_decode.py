"""Build NumPy arrays and pandas tables from what `tables_encode`, or anybody else, has written."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from course_lib.grading.wire import WireError

if TYPE_CHECKING:
    from course_lib.grading.wire_decode import Decoder

_DTYPE = re.compile(r"[<>|=]?([biufcSU?]\d*|[mM]8(\[\d*[a-zA-Z]+\])?)")
_MASKED = re.compile(r"U?Int(8|16|32|64)|Float(32|64)|boolean")
_UNITS = ("s", "ms", "us", "ns")
_TIMES = {f"{kind}8[{unit}]" for kind in "mM" for unit in _UNITS}


def decode(decoder: Decoder, node: list[Any]) -> Any:
    """The NumPy or pandas value of a tree. Raises WireError for an unknown one."""
    build = _BUILDERS.get(node[0])
    if build is None:
        raise WireError(f"no such kind of value: {str(node[0])[:30]}")
    return build(decoder, *node[1:])


def _dtype(text: str) -> Any:
    import numpy as np

    if type(text) is not str or not _DTYPE.fullmatch(text):
        raise WireError("no such dtype")
    return np.dtype(text)


def _build_array(decoder: Decoder, dtype: str, shape: list[int], number: int) -> Any:
    import numpy as np

    kind = _dtype(dtype)
    if kind.itemsize == 0:
        return np.zeros(shape, kind)
    return np.frombuffer(decoder.buffers[number], kind).reshape(shape).copy()


def _build_objects(decoder: Decoder, shape: list[int], nodes: list[Any]) -> Any:
    import numpy as np

    array = np.empty(len(nodes), dtype=object)
    for place, node in enumerate(nodes):
        array[place] = decoder.value(node)
    return array.reshape(shape)


def _build_scalar(decoder: Decoder, dtype: str, number: int) -> Any:
    return _build_array(decoder, dtype, [1], number)[0]


def _build_missing(decoder: Decoder, name: str) -> Any:  # noqa: ARG001 (all builders look alike)
    import pandas as pd

    return {"NaT": pd.NaT, "NA": pd.NA}[name]


def _build_series(decoder: Decoder, values: Any, index: Any, name: Any) -> Any:
    import pandas as pd

    return _column(pd, decoder.value(values), decoder.value(index), decoder.value(name))


def _holds_objects(values: Any) -> bool:
    import numpy as np

    return isinstance(values, np.ndarray) and values.dtype.kind == "O"


def _column(pd: Any, values: Any, index: Any, name: Any = None) -> Any:
    # without a dtype pandas would make text of a column of objects that happen to be strings
    dtype = object if _holds_objects(values) else None
    return pd.Series(values, index=index, name=name, dtype=dtype)


def _build_frame(decoder: Decoder, columns: list[Any], index: Any, names: Any) -> Any:
    import pandas as pd

    rows = decoder.value(index)
    arrays = [decoder.value(values) for values in columns]
    make = from_blocks()
    if make is not None and all(_is_column(pd, array, len(rows)) for array in arrays):
        # none of it needs the constructor's thinking, which takes several times as long
        columns = decoder.value(names)
        if not isinstance(rows, pd.Index) or not isinstance(columns, pd.Index) or len(columns) != len(arrays):
            raise WireError("not a table")
        return make(_blocks(arrays), rows, columns)
    of_objects = [_holds_objects(array) for array in arrays]
    data = {i: _column(pd, a, rows) if o else a for i, (a, o) in enumerate(zip(arrays, of_objects, strict=True))}
    frame = pd.DataFrame(data, index=rows)
    frame.columns = decoder.value(names)
    return frame


def _is_column(pd: Any, array: Any, rows: int) -> bool:
    """Whether an array can be a table's column as it is."""
    import numpy as np

    if isinstance(array, np.ndarray):
        as_is = array.dtype.kind in "biufcO" and array.dtype.isnative
        return array.shape == (rows,) and (as_is or array.dtype.str[1:] in _TIMES)
    return isinstance(array, pd.api.extensions.ExtensionArray) and array.shape == (rows,)


def _blocks(arrays: list[Any]) -> list[tuple[Any, Any]]:
    """Columns as pandas keeps them, those of one NumPy dtype together; each block with its columns' places."""
    import numpy as np

    alike: dict[str | int, list[int]] = {}
    for place, array in enumerate(arrays):
        alike.setdefault(array.dtype.str if isinstance(array, np.ndarray) else place, []).append(place)
    return [
        (arrays[kind] if isinstance(kind, int) else np.stack([arrays[place] for place in places]), np.array(places))
        for kind, places in alike.items()
    ]


@functools.cache
def from_blocks() -> Any:
    """pandas' function that makes a table of blocks, an index and column names; None where it has none."""
    try:
        from pandas.api.internals import create_dataframe_from_blocks
    except ImportError:
        return None
    return create_dataframe_from_blocks


def _build_index(decoder: Decoder, values: Any, name: Any) -> Any:
    import pandas as pd

    array = decoder.value(values)
    dtype = object if _holds_objects(array) else None
    return pd.Index(array, dtype=dtype, name=decoder.value(name), tupleize_cols=False, copy=False)


def _build_range(decoder: Decoder, start: int, stop: int, step: int, name: Any) -> Any:
    import pandas as pd

    return pd.RangeIndex(start, stop, step, name=decoder.value(name))


def _build_multi(decoder: Decoder, levels: list[Any], names: list[Any]) -> Any:
    import pandas as pd

    return pd.MultiIndex.from_arrays(decoder.values(levels), names=decoder.values(names))


def _build_zoned(decoder: Decoder, unit: str, zone: str, numbers: Any) -> Any:
    import pandas as pd

    if unit not in _UNITS:
        raise WireError("no such unit")
    moments = decoder.value(numbers).view(f"M8[{unit}]")
    return pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(str(zone)).array


def _build_periods(decoder: Decoder, frequency: str, numbers: Any) -> Any:
    import pandas as pd

    return pd.PeriodIndex.from_ordinals(decoder.value(numbers), freq=str(frequency)).array


def _build_categories(decoder: Decoder, codes: Any, categories: Any, ordered: bool) -> Any:
    import pandas as pd

    return pd.Categorical.from_codes(decoder.value(codes), decoder.value(categories), ordered=bool(ordered))


def _build_strings(decoder: Decoder, dtype: str, items: list[Any]) -> Any:  # noqa: ARG001
    if dtype not in ("str", "string") or not all(item is None or type(item) is str for item in items):
        raise WireError("not text")
    return text_array(dtype, items)


def text_array(dtype: str, items: list[str | None]) -> Any:
    """pandas' array of texts, of dtype ``str`` or ``string``. Its constructor would look at each text several times."""
    import pandas as pd

    empty = no_texts(dtype)
    if empty.dtype.storage != "pyarrow":
        return pd.array(items, dtype=dtype)
    import pyarrow as pa

    return type(empty)(pa.array(items, pa.large_string()), dtype=empty.dtype)


@functools.cache
def no_texts(dtype: str) -> Any:
    """Such an array without any, which tells its class and its storage."""
    import pandas as pd

    return pd.array([], dtype=dtype)


def _build_masked(decoder: Decoder, dtype: str, data: Any, mask: Any) -> Any:
    import pandas as pd

    if not _MASKED.fullmatch(dtype):
        raise WireError("no such dtype")
    array = pd.array(decoder.value(data), dtype=dtype)
    array[decoder.value(mask).astype(bool)] = pd.NA
    return array


def _build_timestamp(decoder: Decoder, number: int, unit: str, zone: str | None) -> Any:  # noqa: ARG001
    import numpy as np
    import pandas as pd

    moment = pd.Timestamp(np.datetime64(number, unit if unit in _UNITS else "ns"))
    return moment if zone is None else moment.tz_localize("UTC").tz_convert(str(zone))


def _build_delta(decoder: Decoder, number: int, unit: str) -> Any:  # noqa: ARG001
    import numpy as np
    import pandas as pd

    return pd.Timedelta(np.timedelta64(number, unit if unit in _UNITS else "ns"))


def _build_period(decoder: Decoder, ordinal: int, frequency: str) -> Any:  # noqa: ARG001
    import pandas as pd

    return pd.Period(ordinal=int(ordinal), freq=str(frequency))


def _build_interval(decoder: Decoder, left: Any, right: Any, closed: str) -> Any:
    import pandas as pd

    return pd.Interval(decoder.value(left), decoder.value(right), closed=str(closed))


_BUILDERS = {
    "array_": _build_array,
    "objects_": _build_objects,
    "npscalar_": _build_scalar,
    "missing_": _build_missing,
    "series_": _build_series,
    "frame_": _build_frame,
    "index_": _build_index,
    "rangeindex_": _build_range,
    "multiindex_": _build_multi,
    "extension_": lambda decoder, values: decoder.value(values),
    "zoned_": _build_zoned,
    "periods_": _build_periods,
    "categories_": _build_categories,
    "strings_": _build_strings,
    "masked_": _build_masked,
    "timestamp_": _build_timestamp,
    "delta_": _build_delta,
    "period_": _build_period,
    "interval_": _build_interval,
}
