# SPDX-License-Identifier: MIT
"""Riser in Python: PCI device models as tables and functions, no compiler needed.

What C says in <riser/riser.h> and <riser/pci.h> is said here with the same words; the man pages
made from those headers (riser-registers, riser-pci, …) are the reference. A device is a PciDevice;
serve() makes a program of it, bench() plugs it into this process, for tests.
"""

from ._constants import *
from ._device import Device, Error
from ._host import Host, bench, connect
from ._model import (AER, ATS, EXPRESS, PASID, PM, Bar, Bits, Field, Option, PciDevice,
                     Reach, Reg, Timer, Window, cap, msi, msix, serial)
from ._serve import serve
