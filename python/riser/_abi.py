# SPDX-License-Identifier: MIT
"""libriser's binary interface, as <riser/*.h> declare it. tests/python/abi compares the two."""

import ctypes
import re
from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_int, c_int16,
                    c_size_t, c_uint, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p)

ABI = 1
PCI = 1
LIBRARY = "libriser.so.0"


def load():
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise ImportError(f"riser: cannot load the library: {error}; install Riser, or name the "
                          "library's folder in LD_LIBRARY_PATH") from None


# ---- Callbacks ----

ON_READ = CFUNCTYPE(c_uint64, c_void_p, c_uint64)
ON_WRITE = CFUNCTYPE(None, c_void_p, c_uint64, c_uint64)
BAR_READ = CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint, POINTER(c_uint64))
BAR_WRITE = CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint, c_uint64)
INIT = CFUNCTYPE(c_int, c_void_p)
RESET = CFUNCTYPE(None, c_void_p, c_int)
SAVING = CFUNCTYPE(None, c_void_p)
LOADED = CFUNCTYPE(c_int, c_void_p, c_uint32)
FINI = CFUNCTYPE(None, c_void_p)
FIRE = CFUNCTYPE(None, c_void_p)
RUN = CFUNCTYPE(None, c_void_p, c_void_p)
READY = CFUNCTYPE(None, c_void_p, c_int, c_int16, c_void_p)
LOG = CFUNCTYPE(None, c_void_p, c_int, c_char_p, c_char_p)


# ---- Structures: riser_NAME is struct riser_NAME ----

class Table(Structure):
    """What RISER_TABLE_OF makes; each kind of row has its own."""
    _fields_ = [("base", c_void_p), ("count", c_uint32), ("stride", c_uint32)]

    @classmethod
    def of(cls, row, table):
        return type(cls)(table, (cls,), {"row": row})


riser_reg_fields = Table.of("riser_reg_field", "riser_reg_fields")
riser_regs = Table.of("riser_reg", "riser_regs")
riser_fields = Table.of("riser_field", "riser_fields")
riser_options = Table.of("riser_option", "riser_options")
riser_reaches = Table.of("riser_reach", "riser_reaches")
riser_timers = Table.of("riser_timer", "riser_timers")
riser_windows = Table.of("riser_window", "riser_windows")
riser_bars = Table.of("riser_bar", "riser_bars")
riser_caps = Table.of("riser_pci_cap", "riser_caps")


class riser_reg_field(Structure):
    _fields_ = [("name", c_char_p), ("mask", c_uint64), ("help", c_char_p)]


class riser_reg(Structure):
    _fields_ = [("name", c_char_p), ("offset", c_uint64), ("at", c_uint32), ("width", c_uint8),
                ("part", c_uint8), ("flags", c_uint16), ("count", c_uint32),
                ("stride", c_uint32), ("reset", c_uint64), ("rw", c_uint64),
                ("w1c", c_uint64), ("w1s", c_uint64), ("rc", c_uint64), ("once", c_uint64),
                ("on_read", ON_READ), ("on_write", ON_WRITE), ("fields", riser_reg_fields),
                ("help", c_char_p), ("at_stride", c_uint32)]


class riser_field(Structure):
    _fields_ = [("name", c_char_p), ("at", c_uint32), ("count", c_uint32), ("width", c_uint8),
                ("since", c_uint32)]


class riser_option(Structure):
    _fields_ = [("name", c_char_p), ("type", c_int), ("at", c_uint32), ("value", c_char_p),
                ("min", c_uint64), ("max", c_uint64), ("required", c_bool),
                ("help", c_char_p), ("reaches", riser_reaches)]


class riser_reach(Structure):
    _fields_ = [("form", c_char_p), ("flags", c_uint32), ("suffix", c_char_p)]


class riser_timer(Structure):
    _fields_ = [("name", c_char_p), ("fire", FIRE)]


class riser_work(Structure):
    _fields_ = [("run", RUN), ("next_", c_void_p), ("queued_", c_bool)]


class riser_dma(Structure):
    _fields_ = [("data", c_void_p), ("length", c_size_t), ("iova", c_uint64),
                ("access", c_uint32), ("private_", c_void_p * 3)]


class riser_export(Structure):
    _fields_ = [("abi", c_uint32), ("kind", c_int), ("descriptor", c_void_p)]


class riser_pci_id(Structure):
    _fields_ = [("vendor", c_uint16), ("device", c_uint16), ("subvendor", c_uint16),
                ("subdevice", c_uint16), ("class_code", c_uint32), ("revision", c_uint8)]


class riser_bar_ops(Structure):
    _fields_ = [("read", BAR_READ), ("write", BAR_WRITE)]


class riser_window(Structure):
    _fields_ = [("name", c_char_p), ("offset", c_uint64), ("size", c_uint64),
                ("at", c_uint32), ("shared", c_bool)]


class riser_bar(Structure):
    _fields_ = [("index", c_uint8), ("kind", c_int), ("prefetchable", c_bool),
                ("split", c_uint8), ("zero_holes", c_bool), ("size", c_uint64),
                ("regs", riser_regs),
                ("windows", riser_windows), ("ops", POINTER(riser_bar_ops))]


class riser_pci_cap(Structure):
    _fields_ = [("kind", c_int), ("offset", c_uint16), ("vectors", c_uint16), ("bar", c_uint8),
                ("integrated", c_bool), ("mapped_only", c_bool), ("soft_reset", c_bool),
                ("size", c_uint16), ("table", c_uint64), ("pba", c_uint64), ("serial", c_uint64),
                ("data", c_char_p), ("regs", riser_regs)]


class riser_pci_device(Structure):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("summary", c_char_p),
                ("id", riser_pci_id), ("interrupt_pin", c_uint8), ("vectors", c_uint16),
                ("version", c_uint32), ("state_size", c_size_t), ("dma_mask", c_uint64),
                ("bars", riser_bars), ("caps", riser_caps), ("options", riser_options),
                ("fields", riser_fields), ("timers", riser_timers), ("init", INIT),
                ("reset", RESET), ("saving", SAVING), ("loaded", LOADED), ("fini", FINI)]


class riser_error(Structure):
    _fields_ = [("text", c_char * 512)]


class riser_host_config(Structure):
    _fields_ = [("size", c_size_t), ("memory", c_uint64), ("memory_at", c_uint64),
                ("options", c_char_p), ("log", LOG), ("log_arg", c_void_p), ("trace", c_bool),
                ("message_dma", c_bool)]


STRUCTURES = [riser_reg_fields, riser_regs, riser_fields, riser_options, riser_reaches,
              riser_timers, riser_windows, riser_bars, riser_caps, riser_reg_field, riser_reg, riser_field, riser_option, riser_reach,
              riser_timer, riser_work, riser_dma, riser_export, riser_pci_id, riser_bar_ops,
              riser_window, riser_bar, riser_pci_cap, riser_pci_device, riser_error, riser_host_config]

# ---- Functions, in C: the test has the compiler compare them with the headers ----

FUNCTIONS = """
void *riser_state(struct riser_dev *dev);
unsigned riser_reg_index(const struct riser_dev *dev);
unsigned riser_reg_lanes(const struct riser_dev *dev);
void riser_log(struct riser_dev *dev, enum riser_log_level level, const char *format, ...);
int riser_fail(struct riser_dev *dev, int error, const char *format, ...);
int riser_irq_raise(struct riser_dev *dev, unsigned vector);
int riser_irq_lower(struct riser_dev *dev, unsigned vector);
enum riser_irq_mode riser_irq_mode(const struct riser_dev *dev);
int riser_dma_read(struct riser_dev *dev, uint64_t iova, void *to, size_t length);
int riser_dma_write(struct riser_dev *dev, uint64_t iova, const void *from, size_t length);
int riser_dma_map(struct riser_dev *dev, uint64_t iova, size_t length, unsigned access,
                  struct riser_dma *dma);
int riser_dma_unmap(struct riser_dev *dev, struct riser_dma *dma);
uint64_t riser_now(struct riser_dev *dev);
void riser_timer_arm(struct riser_dev *dev, unsigned timer, uint64_t ns);
void riser_timer_cancel(struct riser_dev *dev, unsigned timer);
bool riser_timer_pending(const struct riser_dev *dev, unsigned timer);
void riser_post(struct riser_dev *dev, struct riser_work *work);
int riser_watch_create(struct riser_dev *dev, int fd, short events,
                       void (*ready)(struct riser_dev *dev, int fd, short events, void *arg),
                       void *arg, struct riser_watch **watch);
int riser_watch_modify(struct riser_watch *watch, short events);
void riser_watch_destroy(struct riser_watch *watch);
void *riser_window(struct riser_dev *dev, unsigned bar, unsigned window);
int riser_model_from_export(struct riser_export exported, struct riser_model **model,
                            struct riser_error *error);
void riser_model_close(struct riser_model *model);
int riser_serve_main(struct riser_export exported, int argc, char **argv);
int riser_bench_create(struct riser_model *model, const struct riser_host_config *config,
                       struct riser_host **host, struct riser_error *error);
int riser_client_create(const char *path, const struct riser_host_config *config,
                        struct riser_host **host, struct riser_error *error);
void riser_host_destroy(struct riser_host *host);
const char *riser_host_error(const struct riser_host *host);
int riser_host_config_read(struct riser_host *host, unsigned offset, unsigned size,
                           uint32_t *value);
int riser_host_config_write(struct riser_host *host, unsigned offset, unsigned size,
                            uint32_t value);
int riser_host_enable(struct riser_host *host);
int riser_host_read(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size,
                    uint64_t *value);
int riser_host_write(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size,
                     uint64_t value);
void *riser_host_memory(struct riser_host *host, uint64_t *size, uint64_t *iova);
int riser_host_irq_enable(struct riser_host *host, enum riser_irq_mode mode, unsigned vectors);
int riser_host_irq_wait(struct riser_host *host, unsigned vector, uint64_t timeout);
int riser_host_irq_count(struct riser_host *host, unsigned vector, uint64_t *count);
uint64_t riser_host_now(struct riser_host *host);
int riser_host_advance(struct riser_host *host, uint64_t ns);
int riser_host_reset(struct riser_host *host, enum riser_reset kind);
int riser_host_save(struct riser_host *host, void **data, size_t *size);
int riser_host_load(struct riser_host *host, const void *data, size_t size);
"""

_TYPES = {"void": None, "int": c_int, "unsigned": c_uint, "short": c_int16, "bool": c_bool,
          "uint32_t": c_uint32, "uint64_t": c_uint64, "size_t": c_size_t,
          "struct riser_export": riser_export}


def _type(words):
    """The ctypes type of a parameter or result, its name cut off already."""
    if "*" in words:
        return c_char_p if words.replace(" ", "") == "constchar*" else c_void_p
    return c_int if words.startswith("enum ") else _TYPES[words]


def _split(parameters):
    """At the commas that are not inside parentheses."""
    return re.split(r",\s*(?![^()]*\))", parameters)


def _declare(library):
    text = " ".join(FUNCTIONS.split())
    for result, name, parameters in re.findall(r"(\S[^;]*?)(riser_\w+)\((.*?)\);", text):
        function = getattr(library, name)
        kinds = [re.sub(r"\(\*\w+\)\(.*|\w+$", lambda m: "*" if "(" in m[0] else "", word)
                 for word in _split(parameters) if word != "..."]
        function.argtypes = [_type(kind.strip()) for kind in kinds]
        function.restype = _type(result.strip())
    return library


lib = _declare(load())
