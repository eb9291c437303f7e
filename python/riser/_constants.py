# SPDX-License-Identifier: MIT
"""The enums of <riser/*.h> without their RISER_, and types for members of the state."""

import ctypes

State = ctypes.Structure  # what a device's state is made of: name its members in _fields_
u8, u16, u32, u64 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64
i8, i16, i32, i64 = ctypes.c_int8, ctypes.c_int16, ctypes.c_int32, ctypes.c_int64
boolean, string = ctypes.c_bool, ctypes.c_char_p

ALL = 2**64 - 1

WRITE_ONLY, PURE_READ, EXTEND = 1 << 0, 1 << 1, 1 << 2
OPTION_BOOL, OPTION_U32, OPTION_U64, OPTION_TIME, OPTION_STRING, OPTION_PATH = range(1, 7)
READS, WRITES, CREATES, CONNECTS, LISTENS, NETWORK, TERMINAL = (1 << bit for bit in range(7))
RESET_POWER_ON, RESET_DEVICE, RESET_BUS, RESET_FUNCTION, RESET_DRIVER = range(5)
ERROR, WARN, INFO, DEBUG = range(1, 5)
IRQ_INTX, IRQ_MSI, IRQ_MSIX = range(3)
DMA_READ, DMA_WRITE = 1, 2
MEM32, MEM64, IO = range(3)
(CAP_PM, CAP_MSI, CAP_MSIX, CAP_EXPRESS, CAP_VENDOR, CAP_SERIAL, CAP_AER, CAP_ATS,
 CAP_PASID) = range(1, 10)
