#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vfio.py BUILD ATTACHMENT - behind an IOMMU, a guest's programs drive devices by the guest's own vfio-pci, and
the guest's drivers get them back."""
import shutil
import subprocess
import sys
import tempfile

import vm

USER = f'{vm.SOURCE}/tests/guest/vfio'


def main():
    build, attachment = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        with open(f'{USER}/test') as file:
            vm.make_device(folder, 'a0vfio', file.read())
        guest = f'{folder}/a0vfio/guest'
        shutil.copy(f'{USER}/use_vfio.c', guest)
        shutil.copy(f'{vm.SOURCE}/devices/edu/edu_regs.h', guest)
        with open(f'{guest}/modules', 'w') as file:
            file.write('vfio_iommu_type1\nvfio-pci\n')
        sys.exit(subprocess.run([f'{build}/riser', 'run', '--iommu', '--attach', attachment, f'{folder}/a0vfio',
                                 'edu', 'virtio_rng'], stdin=subprocess.DEVNULL, check=False).returncode)


main()
