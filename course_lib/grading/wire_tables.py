"""NumPy arrays and pandas tables on the wire: numbers as buffers, everything else as lists (see `wire`)."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from course_lib.grading.wire import WireError

if TYPE_CHECKING:
    from course_lib.grading.wire import Decoder, Encoder

_DTYPE = re.compile(r"[<>|=]?([biufcSU?]\d*|[mM]8(\[\d*[a-zA-Z]+\])?)")
_MASKED = re.compile(r"U?Int(8|16|32|64)|Float(32|64)|boolean")
_UNITS = ("s", "ms", "us", "ns")


def encode(encoder: Encoder, value: Any, depth: int) -> Any:
    """The tree of a NumPy or pandas value; None when it is neither."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return _array(encoder, np.asarray(value), depth)
    if "pandas" in sys.modules and (node := _pandas(encoder, value, depth)):
        return node
    if isinstance(value, np.generic) and value.dtype.kind in "biufcmMSU":
        return ["npscalar_", value.dtype.str, encoder.buffer(value.tobytes())]
    return None


def _array(encoder: Encoder, value: Any, depth: int) -> list[Any]:
    import numpy as np

    if value.dtype.kind in "biufcmMSU":
        return ["array_", value.dtype.str, list(value.shape), encoder.buffer(np.ascontiguousarray(value).tobytes())]
    if value.dtype.kind == "O":
        return ["objects_", list(value.shape), [encoder.node(item, depth + 1) for item in value.ravel().tolist()]]
    return ["foreign", "ndarray", f"an array of {value.dtype}"]


def _pandas(encoder: Encoder, value: Any, depth: int) -> Any:
    import pandas as pd

    if value is pd.NaT or value is pd.NA:
        return ["missing_", "NaT" if value is pd.NaT else "NA"]
    if isinstance(value, pd.Series):
        return [
            "series_",
            _values(encoder, value, depth),
            _index(encoder, value.index, depth),
            encoder.node(value.name),
        ]
    if isinstance(value, pd.DataFrame):
        columns = [_values(encoder, array, depth) for array in _column_arrays(value)]
        return ["frame_", columns, _index(encoder, value.index, depth), _index(encoder, value.columns, depth)]
    if isinstance(value, pd.Index):
        return _index(encoder, value, depth)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return ["extension_", _values(encoder, value, depth)]
    if isinstance(value, pd.Timestamp):
        return ["timestamp_", value.asm8.view("i8").item(), value.unit, _zone(value.tz)]
    if isinstance(value, pd.Timedelta):
        return ["delta_", value.asm8.view("i8").item(), value.unit]
    if isinstance(value, pd.Period):
        return ["period_", value.ordinal, value.freqstr]
    if isinstance(value, pd.Interval):
        return ["interval_", encoder.node(value.left), encoder.node(value.right), value.closed]
    return None


def _column_arrays(frame: Any) -> list[Any]:
    """Each column's values; pandas has a way to them that makes no Series, which is ten times faster."""
    one = getattr(frame, "_get_column_array", None)
    if one is None:
        return [frame.iloc[:, i].array for i in range(frame.shape[1])]
    return [one(i) for i in range(frame.shape[1])]


def _index(encoder: Encoder, index: Any, depth: int) -> list[Any]:
    import pandas as pd

    if isinstance(index, pd.RangeIndex):
        return ["rangeindex_", index.start, index.stop, index.step, encoder.node(index.name)]
    if isinstance(index, pd.MultiIndex):
        levels = [_values(encoder, index.get_level_values(i), depth) for i in range(index.nlevels)]
        return ["multiindex_", levels, [encoder.node(name) for name in index.names]]
    return ["index_", _values(encoder, index, depth), encoder.node(index.name)]


def _values(encoder: Encoder, holder: Any, depth: int) -> list[Any]:
    """The values of a Series, an Index or an extension array, with what is needed to restore their dtype."""
    import numpy as np
    import pandas as pd

    dtype = holder.dtype
    if isinstance(dtype, np.dtype):
        return _array(encoder, np.asarray(holder), depth)
    array = holder if isinstance(holder, pd.api.extensions.ExtensionArray) else holder.array
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["zoned_", dtype.unit, _zone(dtype.tz), _array(encoder, np.asarray(array.asi8), depth)]
    if isinstance(dtype, pd.PeriodDtype):
        return [
            "periods_",
            str(dtype).removeprefix("period[").rstrip("]"),
            _array(encoder, np.asarray(array.asi8), depth),
        ]
    if isinstance(dtype, pd.CategoricalDtype):
        categories = _index(encoder, array.categories, depth)
        return ["categories_", _array(encoder, np.asarray(array.codes), depth), categories, bool(array.ordered)]
    if isinstance(dtype, pd.StringDtype):
        return ["strings_", str(dtype), array.to_numpy(dtype=object, na_value=None).tolist()]
    if _MASKED.fullmatch(str(dtype)):
        data, mask = array.to_numpy(dtype.numpy_dtype, na_value=0), np.asarray(array.isna())
        return ["masked_", str(dtype), _array(encoder, data, depth), _array(encoder, mask, depth)]
    return ["objects_", [len(array)], [encoder.node(item, depth + 1) for item in array]]


def _zone(zone: Any) -> str | None:
    return None if zone is None else str(zone)


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


def _column(pd: Any, values: Any, index: Any, name: Any = None) -> Any:
    # without a dtype pandas would make text of a column of objects that happen to be strings
    dtype = object if getattr(getattr(values, "dtype", None), "kind", "") == "O" else None
    return pd.Series(values, index=index, name=name, dtype=dtype)


def _build_frame(decoder: Decoder, columns: list[Any], index: Any, names: Any) -> Any:
    import pandas as pd

    rows = decoder.value(index)
    arrays = [decoder.value(values) for values in columns]
    of_objects = [getattr(getattr(a, "dtype", None), "kind", "") == "O" for a in arrays]
    data = {i: _column(pd, a, rows) if o else a for i, (a, o) in enumerate(zip(arrays, of_objects, strict=True))}
    frame = pd.DataFrame(data, index=rows)
    frame.columns = decoder.value(names)
    return frame


def _build_index(decoder: Decoder, values: Any, name: Any) -> Any:
    import pandas as pd

    array = decoder.value(values)
    dtype = object if getattr(getattr(array, "dtype", None), "kind", "") == "O" else None
    return pd.Index(array, dtype=dtype, name=decoder.value(name), tupleize_cols=False)


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
    import pandas as pd

    if dtype not in ("str", "string") or not all(item is None or type(item) is str for item in items):
        raise WireError("not text")
    return pd.array(items, dtype=dtype)


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
