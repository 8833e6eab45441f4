"""pandas' tables in a pickle by their parts, which pandas' own pickles examine anew on both sides.

Tests pass small tables to students' functions, hundreds for each hand-in: what the tables hold takes less time than
pandas' thinking about it. What is not listed here, and every subclass, is pickled as pandas does it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from course_lib.grading.tables_decode import from_blocks, no_texts, text_array

_FEW = 1000  # texts; a column of more is faster as the buffer that it is
_PROTOCOL = 5

Reduced = tuple[Any, ...]


def reducers() -> dict[type, Callable[[Any], Any]]:
    """By class, what to pickle instead of an object: for the `dispatch_table` of a pickler."""
    return _of_pandas() if "pandas" in sys.modules else {}


@functools.cache
def _of_pandas() -> dict[type, Callable[[Any], Any]]:
    import pandas as pd

    found: dict[type, Callable[[Any], Any]] = {}
    if from_blocks() is not None and hasattr(pd.DataFrame(), "_mgr"):
        found |= {pd.DataFrame: _frame, pd.Series: _series}
    if hasattr(pd.Index, "_simple_new"):
        found |= {pd.Index: _index, pd.DatetimeIndex: _index}
    if (empty := no_texts("str")).dtype.storage == "pyarrow":
        found[type(empty)] = _texts
    return found


def _frame(table: Any) -> Reduced:
    if table.attrs or not table.flags.allows_duplicate_labels:
        return table.__reduce_ex__(_PROTOCOL)
    blocks = [(block.values, list(block.mgr_locs)) for block in table._mgr.blocks]
    return make_frame, (blocks, table.index, table.columns)


def make_frame(blocks: Sequence[tuple[Any, list[int]]], index: Any, columns: Any) -> Any:
    """A table of blocks: each an array of columns of one kind, with their places."""
    import numpy as np

    make = from_blocks()
    assert make is not None  # the other side has it
    return make([(values, np.array(places, dtype=np.intp)) for values, places in blocks], index, columns)


def _series(column: Any) -> Reduced:
    if column.attrs or not column.flags.allows_duplicate_labels:
        return column.__reduce_ex__(_PROTOCOL)
    return make_series, (column._mgr.blocks[0].values, column.index, column.name)


def make_series(values: Any, index: Any, name: Any) -> Any:
    """A Series of its values, as they are."""
    import pandas as pd

    return pd.Series(values, index=index, name=name, dtype=values.dtype, copy=False)


def _index(index: Any) -> Reduced:
    return make_index, (type(index), index._data, index.name)


def make_index(kind: Any, data: Any, name: Any) -> Any:
    """An index of its values, as they are."""
    return kind._simple_new(data, name)


def _texts(array: Any) -> Reduced:
    if len(array) > _FEW:
        return array.__reduce_ex__(_PROTOCOL)
    return text_array, (str(array.dtype), array.to_numpy(dtype=object, na_value=None).tolist())
