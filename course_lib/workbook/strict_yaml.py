"""YAML that means what it says: every scalar is text as written, nothing is given twice, every value has a line.

Plain YAML reads an option's text ``no`` as False and ``1.10`` as 1.1, and keeps the second of two keys without
a word. Turning text into numbers is left to whoever checks the data.
"""

from __future__ import annotations

from typing import Any

Position = tuple[str | int, ...]


class YamlError(ValueError):
    """Text that is no YAML, or gives one thing twice; ``line`` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def load(text: str) -> tuple[Any, dict[Position, int]]:
    """Read one document into dicts, lists and strings (an empty value is None).

    The second result gives the line, from 1, of each value by its place, such as ``("questions", 0, "key")``.
    Raises YamlError.
    """
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = " (text with a colon in it needs quotes)" if "mapping values" in str(error.problem) else ""
        raise YamlError(f"this is no YAML: {error.problem}{hint}", mark.line + 1 if mark else 1) from error
    except yaml.YAMLError as error:
        raise YamlError(f"this is no YAML: {error}", 1) from error
    lines: dict[Position, int] = {(): 1}
    return _value(node, (), lines), lines


def _value(node: Any, place: Position, lines: dict[Position, int]) -> Any:
    import yaml

    if node is None:
        return None
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*place, index), lines) for index, child in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        empty = node.tag.endswith(":null") and node.style is None and not node.value
        return None if empty else node.value
    mapping: dict[str, Any] = {}
    for key_node, child in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key in mapping:
            raise YamlError(f"“{key}” is given twice, here and in line {lines[(*place, key)]}", line)
        mapping[key] = _value(child, (*place, key), lines)
        lines[(*place, key)] = line
    return mapping
