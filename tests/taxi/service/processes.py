"""The processes of a deployed service: those who answer, and the one that brings predictions to the store."""

from __future__ import annotations

import re

import psutil


def children(service):
    """All of them."""
    return psutil.Process(service.process.pid).children()


def workers(service):
    """Those who answer; one of the others is Python's own."""
    return [child for child in children(service) if not re.search("carriage|resource_tracker", _command(child))]


def carriage(service):
    """The one that brings predictions; None while there is none."""
    return carriage_of(service.process.pid)


def carriage_of(parent):
    """The same, by the number of the process that started it."""
    return next((child for child in psutil.Process(parent).children() if "carriage" in _command(child)), None)


def workers_started(service):
    """How many the log says were started, those in place of others included."""
    return len(re.findall(r"Started worker-\d+$", service.log.read_text(), re.MULTILINE))


def _command(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""
