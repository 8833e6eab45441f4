"""Clients that see at once that a kernel is ready.

Jupyter's own clients wait until a kernel has been silent for 0.2 s: as long as a forked kernel takes to start. What
they want to know is that both channels are connected, and a kernel says so: it answers on one, and announces on the
other that it is idle again after that very question.
"""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_core.utils import ensure_async, run_sync

_PATIENCE = 0.2  # for what is announced, once the answer is there


def see_at_once(manager: Any) -> None:
    """Let ``manager.client()`` make such clients."""
    if not hasattr(manager.client_factory, "sees_at_once"):
        manager.client_factory = _seeing(manager.client_factory)


def _seeing(plain: type) -> type:
    class ReadyClient(plain):
        """A kernel client that waits for a kernel no longer than needed."""

        sees_at_once = True

        async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
            end = time.monotonic() + (float("inf") if timeout is None else timeout)
            while not await _answers(self):
                if not await ensure_async(self._async_is_alive()):
                    raise RuntimeError("Kernel died before replying to kernel_info")
                if time.monotonic() > end:
                    raise RuntimeError(f"Kernel didn't respond in {timeout:.0f} seconds")

    is_async = issubclass(plain, AsyncKernelClient)
    wait = ReadyClient._async_wait_for_ready
    ReadyClient.wait_for_ready = wait if is_async else run_sync(wait)
    return ReadyClient


async def _answers(client: Any) -> bool:
    """Ask once; True when the answer came and the other channel spoke of it."""
    # not client.kernel_info(): clients differ in whether that waits
    question = client.session.msg("kernel_info_request")
    client.shell_channel.send(question)
    asked = question["header"]["msg_id"]
    try:
        answer = await _next_about(client.shell_channel, asked, 1.0)
        client._handle_kernel_info_reply(answer)
        while True:
            message = await _next_about(client.iopub_channel, asked, _PATIENCE)
            if message["content"].get("execution_state") == "idle":
                return True
    except Empty:
        return False


async def _next_about(channel: Any, asked: str, seconds: float) -> dict:
    """The channel's next message that belongs to the question ``asked``.

    Raises:
        Empty: when there is none for ``seconds``.
    """
    end = time.monotonic() + seconds
    while True:
        message = await ensure_async(channel.get_msg(timeout=max(0.0, end - time.monotonic())))
        if message["parent_header"].get("msg_id") == asked:
            return message
