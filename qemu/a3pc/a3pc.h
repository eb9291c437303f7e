/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The a3-pc machine: what its parts know of each other. */
#ifndef RISER_A3PC_H
#define RISER_A3PC_H

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "hw/acpi/acpi.h"
#include "hw/i386/x86.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pcie_host.h"

#define TYPE_A3PC_MACHINE MACHINE_TYPE_NAME("a3-pc")
#define TYPE_A3PC_HOST "a3-pc-pcie-host"
#define TYPE_A3PC_ROOT "a3-pc-pcie-root"
#define TYPE_A3PC_POWER "a3-pc-power"
#define A3PC_ACCEL "a3acl"

/*
 * Addresses below 4 GiB: RAM, configuration space, PCI memory, then what the board itself has. RAM
 * that does not fit continues at 4 GiB; 64-bit PCI memory lies above, up to the CPU's limit.
 */
#define A3PC_LOW_RAM_MAX (2816 * MiB)
#define A3PC_ECAM_BASE 0xb0000000u
#define A3PC_ECAM_SIZE 0x10000000u
#define A3PC_VGA_BASE 0xa0000u
#define A3PC_VGA_SIZE 0x20000u
#define A3PC_WINDOW32_BASE 0xc0000000u
#define A3PC_WINDOW32_SIZE (0xfec00000u - A3PC_WINDOW32_BASE)
#define A3PC_HIGH_BASE (4 * GiB)
#define A3PC_RAM_MIN (16 * MiB)
#define A3PC_RAM_MAX (512 * GiB)
#define A3PC_MAX_CPUS 64

/* I/O ports: the window for PCI is all but what is in front of, or among, these. */
#define A3PC_CONFIG_PORT 0xcf8
#define A3PC_CONFIG_PORTS 8
#define A3PC_POWER_PORT 0x600
#define A3PC_POWER_PORTS 16

/* Interrupts: ACPI's, and the first of the four that INTA to INTD rotate over. */
#define A3PC_SCI 9
#define A3PC_PCI_GSI 16

OBJECT_DECLARE_SIMPLE_TYPE(A3PcHost, A3PC_HOST)
OBJECT_DECLARE_SIMPLE_TYPE(A3PcPower, A3PC_POWER)
OBJECT_DECLARE_SIMPLE_TYPE(A3PcMachine, A3PC_MACHINE)

/* How the bridge shows itself on its own bus. */
typedef struct A3PcRoot {
    PCIDevice parent_obj;
} A3PcRoot;

struct A3PcHost {
    PCIExpressHost parent_obj;

    MemoryRegion memory;   /* what the bus decodes */
    MemoryRegion absent;   /* the same, and all ones where nothing answers */
    MemoryRegion vga;      /* the three windows that the CPUs see of it */
    MemoryRegion window32;
    MemoryRegion window64;
    uint64_t window64_base, window64_size;
    qemu_irq irq[PCI_NUM_PINS];
    uint8_t lines; /* asserted now, a bit each */
    A3PcRoot root;
};

/* Registers of the power block, from A3PC_POWER_PORT on. */
enum { A3PC_POWER_EVENT = 0, A3PC_POWER_CONTROL = 4, A3PC_POWER_TIMER = 8, A3PC_POWER_RESET = 12 };
enum { A3PC_RESET_VALUE = 1 };

struct A3PcPower {
    SysBusDevice parent_obj;

    MemoryRegion io, reset;
    ACPIREGS regs;
    qemu_irq sci;
    Notifier button;
};

struct A3PcMachine {
    X86MachineState parent_obj;

    MemoryRegion ram_low, ram_high;
    ISABus *isa;
    A3PcHost *host;
};

/* The tables by which the guest finds everything, into fw_cfg. */
void a3pc_acpi_setup(A3PcMachine *machine);
void a3pc_acpi_add_host(Aml *scope, const A3PcHost *host);

void a3pc_register_accel(void);
/* QMP commands by which a host outside plays the CPU, and where messages of interrupts go. */
void a3pc_add_commands(void);

void a3pc_register_host(void);
void a3pc_register_machine(void);
void a3pc_register_power(void);

/* Whether the accelerator is the one without CPUs. */
bool a3pc_without_cpus(void);

#endif
