# SPDX-License-Identifier: MIT
"""One live instance of a device: what its callbacks get, and how they are called."""

import contextlib
import ctypes
import errno
import os
import traceback

from . import _abi
from ._constants import DMA_READ, DMA_WRITE, ERROR, INFO

lib = _abi.lib
_PACKAGE = os.path.dirname(__file__)


class Error(Exception):
    """What went wrong, in one line for the user. Raised in init() and loaded(), it is why."""


def check(ret, what):
    if ret < 0:
        raise OSError(-ret, f"{what}: {os.strerror(-ret)}")


def describe(error):
    """An exception in one line, with the place in the author's code."""
    if isinstance(error, Error):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if os.path.dirname(frame.filename) != _PACKAGE]
    text = traceback.format_exception_only(type(error), error)[-1].strip()
    if not theirs:
        return text
    at = theirs[-1]
    return f"{os.path.basename(at.filename)}:{at.lineno}: {at.name}(): {text}"


class Device:
    """A callback's first argument. Its own attributes are the author's to add; a saved state
    holds only what is in `state`."""

    _live = {}  # address of struct riser_dev: Device

    def __init__(self, pointer, model):
        self._pointer = pointer
        self._model = model
        self._works = set()
        self._watches = set()
        self.state = model.state.from_address(lib.riser_state(pointer))

    @classmethod
    def _of(cls, pointer, model):
        if pointer not in cls._live:
            cls._live[pointer] = cls(pointer, model)
        return cls._live[pointer]

    def _forget(self):
        self._live.pop(self._pointer, None)

    @property
    def reg_index(self):
        """In on_read and on_write: which element of an array is being accessed."""
        return lib.riser_reg_index(self._pointer)

    @property
    def reg_lanes(self):
        """In on_read and on_write: which bytes of it are being accessed, bit n for byte n."""
        return lib.riser_reg_lanes(self._pointer)

    def log(self, text, level=INFO):
        lib.riser_log(self._pointer, level, b"%s", str(text).encode())

    # ---- Interrupts ----

    def irq_raise(self, vector=0):
        check(lib.riser_irq_raise(self._pointer, vector), f"interrupt {vector}")

    def irq_lower(self, vector=0):
        check(lib.riser_irq_lower(self._pointer, vector), f"interrupt {vector}")

    @property
    def irq_mode(self):
        return lib.riser_irq_mode(self._pointer)

    # ---- DMA: an OSError where the guest gave a bad address ----

    def dma_read(self, iova, length):
        data = ctypes.create_string_buffer(length)
        check(lib.riser_dma_read(self._pointer, iova, data, length), f"DMA from {iova:#x}")
        return data.raw

    def dma_write(self, iova, data):
        data = bytes(data)
        check(lib.riser_dma_write(self._pointer, iova, data, len(data)), f"DMA to {iova:#x}")

    @contextlib.contextmanager
    def dma_map(self, iova, length, access=DMA_READ | DMA_WRITE):
        """Guest memory as a memoryview, until the end of the `with`."""
        dma = _abi.riser_dma()
        check(lib.riser_dma_map(self._pointer, iova, length, access, ctypes.byref(dma)),
              f"DMA at {iova:#x}")
        view = memory_at(dma.data, length)
        try:
            yield view
        finally:
            view.release()
            lib.riser_dma_unmap(self._pointer, ctypes.byref(dma))

    # ---- Time, work, descriptors ----

    @property
    def now(self):
        return lib.riser_now(self._pointer)

    def timer_arm(self, timer, ns):
        lib.riser_timer_arm(self._pointer, self._model._timer(timer), ns)

    def timer_cancel(self, timer):
        lib.riser_timer_cancel(self._pointer, self._model._timer(timer))

    def timer_pending(self, timer):
        return lib.riser_timer_pending(self._pointer, self._model._timer(timer))

    def post(self, function):
        """Has function(device) run on the device's thread, after the callback that is running.
        Any thread."""
        work = _abi.riser_work()

        def run(pointer, _):
            self._works.discard(kept)
            guard(self, None, function)
        work.run = _abi.RUN(run)
        kept = _Kept(work)
        self._works.add(kept)
        lib.riser_post(self._pointer, ctypes.byref(work))

    def watch(self, fd, events, ready):
        """Calls ready(device, fd, events) for as long as poll's `events` hold."""
        return Watch(self, fd, events, ready)

    def window(self, bar, window):
        """The memory of a window, by its index in the table of BAR `bar`."""
        tables = {line.values["index"]: line.windows for line in self._model.bars}
        if window not in range(len(tables.get(bar, []))):
            raise Error(f"BAR{bar} has no window {window}")
        size = tables[bar][window].size_of(self._model.state)
        return memory_at(lib.riser_window(self._pointer, bar, window), size)


class Watch:
    def __init__(self, device, fd, events, ready):
        self._device, self._pointer = device, ctypes.c_void_p()
        self._ready = _abi.READY(lambda _, at, what, __: guard(device, None, ready, at, what))
        check(lib.riser_watch_create(device._pointer, fd, events, self._ready, None,
                                     ctypes.byref(self._pointer)), f"descriptor {fd}")
        device._watches.add(self)

    def modify(self, events):
        check(lib.riser_watch_modify(self._pointer, events), "watch")

    def destroy(self):
        lib.riser_watch_destroy(self._pointer)
        self._pointer = None
        self._device._watches.discard(self)


class _Kept:
    """Keeps what C points to alive; hashed by identity."""

    def __init__(self, what):
        self.what = what


def memory_at(address, size):
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")


def guard(device, failed, function, *arguments):
    """Calls the author's function. An exception becomes a line in the device's log."""
    try:
        return function(device, *arguments)
    except BaseException as error:  # nothing may leave through C
        device.log(describe(error), ERROR)
        return failed


def guard_number(device, failed, function, *arguments):
    """The same for one that has to return a number."""
    def call(_):
        result = function(device, *arguments)
        if not isinstance(result, int):
            raise Error(f"{function.__name__}() returned {result!r}, not a number")
        return result
    return guard(device, failed, call)


def guard_start(device, function, *arguments):
    """The same for init() and loaded(): the exception is why it fails; 0 or -errno."""
    try:
        function(device, *arguments)
        return 0
    except BaseException as error:
        number = error.errno if isinstance(error, OSError) and error.errno else errno.EINVAL
        return lib.riser_fail(device._pointer, -number, b"%s", describe(error).encode())
