/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host bridge in ACPI: its windows, its interrupts, and which of its features are the OS's. */
#include "a3pc.h"
#include "hw/acpi/aml-build.h"
#include "hw/pci/pci_bus.h"

#define OSC_UUID "33DB4D5B-1FF7-401C-9657-7441C03DD766"

/* _OSC's third word (PCI Firmware 3.3, 4.5.1): hot plug, PME, AER and the capabilities. */
enum { OSC_GRANTED = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 };
enum { OSC_BAD_UUID = 1 << 2, OSC_BAD_REVISION = 1 << 3, OSC_MASKED = 1 << 4 };

static Aml *when(Aml *condition, int error)
{
    Aml *branch = aml_if(condition), *status = aml_name("CDW1");

    aml_append(branch, aml_or(status, aml_int(error), status));
    return branch;
}

static Aml *osc(void)
{
    Aml *method = aml_method("_OSC", 4, AML_NOTSERIALIZED);
    Aml *words = aml_arg(3), *asked = aml_local(0), *control = aml_name("CDW3");
    Aml *ours = aml_if(aml_equal(aml_arg(0), aml_touuid(OSC_UUID))), *others = aml_else();

    aml_append(method, aml_create_dword_field(words, aml_int(0), "CDW1"));
    aml_append(ours, aml_create_dword_field(words, aml_int(8), "CDW3"));
    aml_append(ours, aml_store(control, asked));
    aml_append(ours, aml_and(control, aml_int(OSC_GRANTED), control));
    aml_append(ours, when(aml_lnot(aml_equal(aml_arg(1), aml_int(1))), OSC_BAD_REVISION));
    aml_append(ours, when(aml_lnot(aml_equal(asked, control)), OSC_MASKED));
    aml_append(method, ours);
    aml_append(others, aml_or(aml_name("CDW1"), aml_int(OSC_BAD_UUID), aml_name("CDW1")));
    aml_append(method, others);
    aml_append(method, aml_return(words));
    return method;
}

/* Pins rotate over four interrupts, by slot: as map_irq() in host.c has it. */
static Aml *routes(void)
{
    Aml *table = aml_varpackage(PCI_SLOT_MAX * PCI_NUM_PINS);

    for (int slot = 0; slot < PCI_SLOT_MAX; slot++) {
        for (int pin = 0; pin < PCI_NUM_PINS; pin++) {
            Aml *route = aml_package(4);

            aml_append(route, aml_int(slot << 16 | 0xffff));
            aml_append(route, aml_int(pin));
            aml_append(route, aml_int(0));
            aml_append(route, aml_int(A3PC_PCI_GSI + (slot + pin) % PCI_NUM_PINS));
            aml_append(table, route);
        }
    }
    return table;
}

static Aml *ports(uint32_t first, uint32_t last)
{
    return aml_word_io(AML_MIN_FIXED, AML_MAX_FIXED, AML_POS_DECODE, AML_ENTIRE_RANGE, 0, first,
                       last, 0, last - first + 1);
}

static Aml *memory32(uint32_t base, uint32_t size, AmlCacheable cacheable)
{
    return aml_dword_memory(AML_POS_DECODE, AML_MIN_FIXED, AML_MAX_FIXED, cacheable,
                            AML_READ_WRITE, 0, base, base + size - 1, 0, size);
}

static Aml *windows(const A3PcHost *host)
{
    Aml *crs = aml_resource_template();

    aml_append(crs, aml_word_bus_number(AML_MIN_FIXED, AML_MAX_FIXED, AML_POS_DECODE, 0, 0, 0xff,
                                        0, 0x100));
    aml_append(crs, aml_io(AML_DECODE16, A3PC_CONFIG_PORT, A3PC_CONFIG_PORT, 1,
                           A3PC_CONFIG_PORTS));
    aml_append(crs, ports(0, A3PC_CONFIG_PORT - 1));
    aml_append(crs, ports(0xd00, 0xffff));
    aml_append(crs, memory32(A3PC_VGA_BASE, A3PC_VGA_SIZE, AML_CACHEABLE));
    aml_append(crs, memory32(A3PC_WINDOW32_BASE, A3PC_WINDOW32_SIZE, AML_NON_CACHEABLE));
    if (host->window64_size) {
        aml_append(crs, aml_qword_memory(AML_POS_DECODE, AML_MIN_FIXED, AML_MAX_FIXED,
                                         AML_CACHEABLE, AML_READ_WRITE, 0, host->window64_base,
                                         host->window64_base + host->window64_size - 1, 0,
                                         host->window64_size));
    }
    return crs;
}

void a3pc_acpi_add_host(Aml *scope, const A3PcHost *host)
{
    Aml *device = aml_device("PCI0");

    aml_append(device, aml_name_decl("_HID", aml_eisaid("PNP0A08")));
    aml_append(device, aml_name_decl("_CID", aml_eisaid("PNP0A03")));
    aml_append(device, aml_name_decl("_UID", aml_int(0)));
    aml_append(device, aml_name_decl("_SEG", aml_int(0)));
    aml_append(device, aml_name_decl("_BBN", aml_int(0)));
    aml_append(device, aml_name_decl("_CRS", windows(host)));
    aml_append(device, aml_name_decl("_PRT", routes()));
    aml_append(device, osc());
    aml_append(scope, device);
}
