# SPDX-License-Identifier: MIT
"""A program of a device."""

import ctypes
import os
import sys

from ._abi import lib
from ._device import Error


def serve(device, argv=None):
    """All that a program does that is a device: see riser_serve_main() in <riser/serve.h>. Ends
    the program with its exit status."""
    argv = sys.argv if argv is None else argv
    try:
        exported = device.exported()
    except Error as error:
        sys.exit(f"{os.path.basename(argv[0])}: {error}")
    words = (ctypes.c_char_p * (len(argv) + 1))(*map(os.fsencode, argv), None)
    sys.stdout.flush()
    sys.exit(lib.riser_serve_main(exported, len(argv), words))
