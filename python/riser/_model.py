# SPDX-License-Identifier: MIT
"""A PCI device's description: tables of lines, as <riser/riser.h> and <riser/pci.h> have them."""

import ctypes

from . import _abi
from . import _constants as c
from ._device import Device, Error, guard, guard_number, guard_start

lib = _abi.lib


def _member(state, name, who):
    """Offset, width and, of an array, count of a member of the state."""
    kinds = dict(field[:2] for field in getattr(state, "_fields_", []))
    if name not in kinds:
        raise Error(f"{who}: the state has no member '{name}'; it has: {', '.join(kinds)}")
    kind, count = kinds[name], None
    if isinstance(kind, type(ctypes.Array)):
        kind, count = kind._type_, kind._length_
    return getattr(state, name).offset, kind, count


class Line:
    """A line of a table: what it is given must be members of the C structure."""

    structure = None
    callbacks = ()

    def __init__(self, **values):
        known = [field[0] for field in self.structure._fields_]
        for name in values:
            if name not in known:
                raise Error(f"{type(self).__name__} takes no '{name}'; it takes: "
                            f"{', '.join(known)}")
        self.values = values

    def build(self, model):
        values = {name: self.convert(model, name, value) for name, value in self.values.items()
                  if value is not None}
        return self.structure(**values)

    def convert(self, model, name, value):
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, (list, tuple)):
            return model.table(dict(self.structure._fields_)[name], value)
        if callable(value):
            return model.callback(dict(self.structure._fields_)[name], name, value)
        return value


class Bits(Line):
    """A named group of bits in a register; see struct riser_reg_field."""
    structure = _abi.riser_reg_field

    def __init__(self, name, mask, **values):
        super().__init__(name=name, mask=mask, **values)


class Reg(Line):
    """A register at `offset` that holds a member of the state; an array member makes an array of
    registers. In a capability or where it has no member, `width` says how wide it is."""
    structure = _abi.riser_reg

    def __init__(self, offset, member, **values):
        super().__init__(offset=offset, **values)
        self.member = member

    def build(self, model):
        at, kind, count = _member(model.state, self.member, "Reg")
        line = super().build(model)
        line.at, line.width = at, ctypes.sizeof(kind)
        line.name = line.name or self.member.encode()
        line.count = line.count or count or 0
        return line


class Field(Line):
    """A member of the state that is saved; a name in the table `fields` is short for it."""
    structure = _abi.riser_field

    def __init__(self, member, **values):
        super().__init__(**values)
        self.member = member

    def build(self, model):
        at, kind, count = _member(model.state, self.member, "Field")
        line = super().build(model)
        line.at, line.width = at, ctypes.sizeof(kind)
        line.name = line.name or self.member.encode()
        line.count = line.count or count or 1
        return line


class Option(Line):
    """An option of the device that is stored in a member of the state. Its type is the member's;
    `type=riser.OPTION_TIME` takes times, `type=riser.OPTION_PATH` the path of a file. `reaches` is
    a list of Reach."""
    structure = _abi.riser_option
    types = {c.boolean: c.OPTION_BOOL, c.u32: c.OPTION_U32, c.u64: c.OPTION_U64,
             c.string: c.OPTION_STRING}

    def __init__(self, member, **values):
        super().__init__(**values)
        self.member = member

    def build(self, model):
        at, kind, _ = _member(model.state, self.member, "Option")
        line = super().build(model)
        line.at = at
        line.name = line.name or self.member.encode()
        line.type = line.type or self.types.get(kind, 0)
        if not line.type:
            raise Error(f"Option '{self.member}': the member is no boolean, u32, u64 or string")
        return line


class Reach(Line):
    """What an option's value of that form lets the device reach; see struct riser_reach."""
    structure = _abi.riser_reach

    def __init__(self, form, flags, **values):
        super().__init__(form=form, flags=flags, **values)


class Timer(Line):
    structure = _abi.riser_timer

    def __init__(self, name, fire):
        super().__init__(name=name, fire=fire)


class Window(Line):
    """Plain memory in a BAR: `member` of the state, or `shared=True` and a size."""
    structure = _abi.riser_window

    def __init__(self, offset, member=None, **values):
        super().__init__(offset=offset, **values)
        self.member = member

    def size_of(self, state):
        if self.member:
            return getattr(state, self.member).size
        return self.values.get("size", 0)

    def build(self, model):
        line = super().build(model)
        line.size = self.size_of(model.state)
        if self.member:
            line.at = _member(model.state, self.member, "Window")[0]
            line.name = line.name or self.member.encode()
        return line


class Bar(Line):
    """A base address register. read(device, offset, size) returns a number, write(device,
    offset, size, value); they get what no register and no window claims."""
    structure = _abi.riser_bar

    def __init__(self, index, *, read=None, write=None, **values):
        super().__init__(index=index, **values)
        self.ops, self.windows = (read, write), values.get("windows", [])

    def build(self, model):
        line = super().build(model)
        if any(self.ops):
            read, write = self.ops
            ops = _abi.riser_bar_ops()
            if read:
                ops.read = model.callback(_abi.BAR_READ, "bar_read", read)
            if write:
                ops.write = model.callback(_abi.BAR_WRITE, "bar_write", write)
            line.ops = ctypes.pointer(model.keep(ops))
        return line


class Cap(Line):
    structure = _abi.riser_pci_cap


def cap(kind, **values):
    return Cap(kind=kind, **values)


def msi(vectors, **values):
    return cap(c.CAP_MSI, vectors=vectors, **values)


def msix(vectors, bar, table, pba):
    return cap(c.CAP_MSIX, vectors=vectors, bar=bar, table=table, pba=pba)


def serial(number):
    return cap(c.CAP_SERIAL, serial=number)


PM, EXPRESS, AER = cap(c.CAP_PM), cap(c.CAP_EXPRESS), cap(c.CAP_AER)
ATS, PASID = cap(c.CAP_ATS), cap(c.CAP_PASID)


class NoState(c.State):
    _fields_ = []


class PciDevice(Line):
    """struct riser_pci_device, with the members of its id beside the others. `state` is a class
    derived from riser.State."""
    structure = _abi.riser_pci_device

    def __init__(self, *, name, state=NoState, bars=(), timers=(), fields=(), **values):
        ids = [field[0] for field in _abi.riser_pci_id._fields_]
        self.id = {key: values.pop(key) for key in ids if key in values}
        self.bars, self.timers, self.state = list(bars), list(timers), state
        fields = [Field(line) if isinstance(line, str) else line for line in fields]
        super().__init__(name=name, bars=self.bars, timers=self.timers, fields=fields, **values)
        self._kept, self._descriptor = [], None

    def exported(self):
        """What riser_export() of a C model returns."""
        if not self._descriptor:
            descriptor = self.build(self)
            descriptor.size = ctypes.sizeof(descriptor)
            descriptor.id = _abi.riser_pci_id(**self.id)
            descriptor.state_size = ctypes.sizeof(self.state)
            # The Device of an instance goes with it.
            descriptor.fini = self.callback(_abi.FINI, "fini",
                                            self.values.get("fini") or (lambda device: None))
            self._descriptor = descriptor
        return _abi.riser_export(_abi.ABI, _abi.PCI, ctypes.addressof(self._descriptor))

    def open(self):
        return Model(self)

    def keep(self, what):
        self._kept.append(what)
        return what

    def table(self, kind, lines):
        built = [line.build(self) for line in lines]
        for row in built:
            if type(row).__name__ != kind.row:
                raise Error(f"a {type(row).__name__} is in a table of {kind.row}")
        if not built:
            return kind()
        row = type(built[0])
        array = self.keep((row * len(built))(*built))
        self._kept.extend(built)
        return kind(ctypes.addressof(array), len(built), ctypes.sizeof(row))

    def callback(self, prototype, name, function):
        """A C function that calls the author's with a Device in the first place."""
        call = _CALLS.get(name, _call)

        def entry(pointer, *arguments):
            return call(Device._of(pointer, self), function, *arguments)
        return self.keep(prototype(entry))

    def _timer(self, timer):
        names = [line.values["name"] for line in self.timers]
        if isinstance(timer, str) and timer not in names:
            raise Error(f"there is no timer '{timer}'; there are: {', '.join(names)}")
        return names.index(timer) if isinstance(timer, str) else timer


def _call(device, function, *arguments):
    guard(device, None, function, *arguments)


def _on_read(device, function, stored):
    return guard_number(device, c.ALL, function, stored) & c.ALL


def _init(device, function):
    ret = guard_start(device, function)
    if ret:
        device._forget()
    return ret


def _fini(device, function):
    guard(device, None, function)
    device._forget()


def _bar_read(device, function, offset, size, value):
    result = guard_number(device, -1, function, offset, size)
    value[0] = result & c.ALL
    return 0 if result >= 0 else -1


def _bar_write(device, function, offset, size, value):
    done = guard(device, False, lambda d: [function(d, offset, size, value)])
    return 0 if done else -1


_CALLS = {"on_read": _on_read, "init": _init, "loaded": guard_start, "fini": _fini,
          "bar_read": _bar_read, "bar_write": _bar_write}


class Model:
    """A PciDevice that the library has checked."""

    def __init__(self, device):
        self.device, self.pointer = device, ctypes.c_void_p()
        error = _abi.riser_error()
        if lib.riser_model_from_export(device.exported(), ctypes.byref(self.pointer),
                                       ctypes.byref(error)):
            raise Error(error.text.decode())

    def close(self):
        lib.riser_model_close(self.pointer)
        self.pointer = None
