# SPDX-License-Identifier: MIT
"""The host's side, for tests: see <riser/host.h>."""

import ctypes
import sys

from . import _abi
from ._constants import RESET_DEVICE
from ._device import Error, memory_at

lib = _abi.lib
_free = ctypes.CDLL(None).free
_free.argtypes, _free.restype = [ctypes.c_void_p], None


def _print(level, device, line):
    print(f"{device}: {line}", file=sys.stderr)


class Host:
    """What stands where the VMM stands. A `with` block unplugs the device at its end."""

    def __init__(self, create, what, options=None, memory=0, memory_at=0, log=_print,
                 trace=False):
        self._pointer, self._model = ctypes.c_void_p(), None
        self._log = _abi.LOG(lambda _, level, device, line: log(level, device.decode(),
                                                                line.decode(errors="replace")))
        self._config = _abi.riser_host_config(
            size=ctypes.sizeof(_abi.riser_host_config), memory=memory, memory_at=memory_at,
            options=options.encode() if options else None, log=self._log, trace=trace)
        error = _abi.riser_error()
        if create(what, ctypes.byref(self._config), ctypes.byref(self._pointer),
                  ctypes.byref(error)):
            raise Error(error.text.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        lib.riser_host_destroy(self._pointer)
        self._pointer = None
        if self._model:
            self._model.close()

    def _check(self, ret):
        if ret < 0:
            raise OSError(-ret, lib.riser_host_error(self._pointer).decode())

    def _number(self, kind, function, *arguments):
        value = kind()
        self._check(function(self._pointer, *arguments, ctypes.byref(value)))
        return value.value

    def config_read(self, offset, size=4):
        return self._number(ctypes.c_uint32, lib.riser_host_config_read, offset, size)

    def config_write(self, offset, value, size=4):
        self._check(lib.riser_host_config_write(self._pointer, offset, size, value))

    def enable(self):
        self._check(lib.riser_host_enable(self._pointer))

    def read(self, bar, offset, size=4):
        return self._number(ctypes.c_uint64, lib.riser_host_read, bar, offset, size)

    def write(self, bar, offset, value, size=4):
        self._check(lib.riser_host_write(self._pointer, bar, offset, size, value))

    def memory(self):
        """The guest's memory; it starts at bus address memory_at."""
        size = ctypes.c_uint64()
        return memory_at(lib.riser_host_memory(self._pointer, ctypes.byref(size), None),
                         size.value)

    def irq_enable(self, mode, vectors=1):
        self._check(lib.riser_host_irq_enable(self._pointer, mode, vectors))

    def irq_wait(self, vector=0, timeout=10**9):
        self._check(lib.riser_host_irq_wait(self._pointer, vector, timeout))

    def irq_count(self, vector=0):
        return self._number(ctypes.c_uint64, lib.riser_host_irq_count, vector)

    @property
    def now(self):
        return lib.riser_host_now(self._pointer)

    def advance(self, ns):
        self._check(lib.riser_host_advance(self._pointer, ns))

    def reset(self, kind=RESET_DEVICE):
        self._check(lib.riser_host_reset(self._pointer, kind))

    def save(self):
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        self._check(lib.riser_host_save(self._pointer, ctypes.byref(data),
                                        ctypes.byref(size)))
        saved = ctypes.string_at(data, size.value)
        _free(data)
        return saved

    def load(self, saved):
        self._check(lib.riser_host_load(self._pointer, saved, len(saved)))


def bench(device, options=None, **config):
    """A PciDevice on the bench: in this process, on a simulated clock, enabled."""
    model = device.open()
    try:
        host = Host(lib.riser_bench_create, model.pointer, options, **config)
    except Error:
        model.close()
        raise
    host._model = model
    host.enable()
    return host


def connect(path, **config):
    """The device behind the vfio-user socket at `path`, enabled."""
    host = Host(lib.riser_client_create, str(path).encode(), **config)
    host.enable()
    return host
