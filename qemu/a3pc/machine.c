/* SPDX-License-Identifier: GPL-2.0-or-later */
/* a3-pc: CPUs, RAM, interrupt controllers, clocks and a PCI Express bus; SeaBIOS boots it. */
#include "a3pc.h"
#include "exec/address-spaces.h"
#include "cpu.h"
#include "hw/boards.h"
#include "hw/char/serial-isa.h"
#include "hw/i386/pc.h"
#include "hw/i386/e820_memory_layout.h"
#include "hw/i386/fw_cfg.h"
#include "hw/i386/kvm/clock.h"
#include "hw/loader.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/pci/pci_bus.h"
#include "hw/qdev-properties.h"
#include "hw/rtc/mc146818rtc.h"
#include "hw/timer/i8254.h"
#include "qemu/error-report.h"
#include "kvm/kvm_i386.h"
#include "system/kvm.h"
#include "system/reset.h"
#include "system/system.h"

/* 128 KiB: all of it stands below 1 MiB, in RAM, and no chip has to be told to shadow it. */
#define FIRMWARE "bios.bin"

/* ---- RAM ---- */

static void check_ram(uint64_t size)
{
    if (size < A3PC_RAM_MIN || size > A3PC_RAM_MAX) {
        error_report("a3-pc takes %" PRIu64 " MiB to %" PRIu64 " GiB of RAM (-m), not %" PRIu64
                     " MiB",
                     (uint64_t)A3PC_RAM_MIN / MiB, (uint64_t)(A3PC_RAM_MAX / GiB), size / MiB);
        exit(EXIT_FAILURE);
    }
}

static void add_ram(MemoryRegion *part, const char *name, MachineState *machine, uint64_t offset,
                    hwaddr base, uint64_t size)
{
    memory_region_init_alias(part, OBJECT(machine), name, machine->ram, offset, size);
    memory_region_add_subregion(get_system_memory(), base, part);
    e820_add_entry(base, size, E820_RAM);
}

static void make_ram(A3PcMachine *a3)
{
    MachineState *machine = MACHINE(a3);
    X86MachineState *x86 = X86_MACHINE(a3);

    check_ram(machine->ram_size);
    x86->below_4g_mem_size = MIN(machine->ram_size, A3PC_LOW_RAM_MAX);
    x86->above_4g_mem_size = machine->ram_size - x86->below_4g_mem_size;
    x86->above_4g_mem_start = A3PC_HIGH_BASE;
    add_ram(&a3->ram_low, "a3-pc-ram-low", machine, 0, 0, x86->below_4g_mem_size);
    if (x86->above_4g_mem_size) {
        add_ram(&a3->ram_high, "a3-pc-ram-high", machine, x86->below_4g_mem_size,
                A3PC_HIGH_BASE, x86->above_4g_mem_size);
    }
    e820_add_entry(A3PC_ECAM_BASE, A3PC_ECAM_SIZE, E820_RESERVED);
}

/* ---- What is on the board ---- */

static void make_interrupts(A3PcMachine *a3)
{
    X86MachineState *x86 = X86_MACHINE(a3);
    GSIState *gsi = pc_gsi_create(&x86->gsi, true);

    a3->isa = isa_bus_new(NULL, get_system_memory(), get_system_io(), &error_abort);
    isa_bus_register_input_irqs(a3->isa, x86->gsi);
    pc_i8259_create(a3->isa, gsi->i8259_irq);
    ioapic_init_gsi(gsi, OBJECT(a3));
    x86->ioapic_as = &address_space_memory;
    x86->pci_irq_mask = 1u << A3PC_SCI;
}

static void make_clocks(A3PcMachine *a3)
{
    X86MachineState *x86 = X86_MACHINE(a3);

    if (kvm_enabled()) {
        kvmclock_create(true);
    }
    if (kvm_pit_in_kernel()) {
        kvm_pit_init(a3->isa, 0x40);
    } else {
        i8254_pit_init(a3->isa, 0x40, 0, NULL);
    }
    x86->rtc = ISA_DEVICE(mc146818_rtc_init(a3->isa, 2000, NULL));
    x86_rtc_set_cpus_count(x86->rtc, x86->boot_cpus);
}

static void make_firmware_interface(A3PcMachine *a3)
{
    MachineState *machine = MACHINE(a3);
    X86MachineState *x86 = X86_MACHINE(a3);
    FWCfgState *fw_cfg =
        fw_cfg_init_io_dma(FW_CFG_IO_BASE, FW_CFG_IO_BASE + 4, &address_space_memory);

    fw_cfg_add_i16(fw_cfg, FW_CFG_NB_CPUS, x86->boot_cpus);
    fw_cfg_add_i16(fw_cfg, FW_CFG_MAX_CPUS, x86->apic_id_limit);
    fw_cfg_add_i64(fw_cfg, FW_CFG_RAM_SIZE, machine->ram_size);
    fw_cfg_add_i32(fw_cfg, FW_CFG_IRQ0_OVERRIDE, 1);
    fw_cfg_add_e820(fw_cfg);
    rom_set_fw(fw_cfg);
    x86->fw_cfg = fw_cfg;
}

/* PCI memory above 4 GiB: all that the CPU reaches behind the RAM, in whole GiB. */
static void size_window64(const X86MachineState *x86, DeviceState *host)
{
    uint64_t bits = object_property_get_uint(OBJECT(first_cpu), "phys-bits", &error_abort);
    uint64_t end = UINT64_C(1) << MIN(bits, 46);
    uint64_t base = ROUND_UP(A3PC_HIGH_BASE + x86->above_4g_mem_size, GiB);

    if (base < end) {
        qdev_prop_set_uint64(host, "window64-base", base);
        qdev_prop_set_uint64(host, "window64-size", end - base);
    } else if (base > end) {
        error_report("a3-pc: the CPU reaches %" PRIu64 " GiB, too few for this much RAM: give it "
                     "more address bits (-cpu MODEL,phys-bits=N) or less RAM (-m)",
                     end / GiB);
        exit(EXIT_FAILURE);
    }
}

static void make_pci(A3PcMachine *a3)
{
    X86MachineState *x86 = X86_MACHINE(a3);
    DeviceState *host = qdev_new(TYPE_A3PC_HOST);

    size_window64(x86, host);
    object_property_add_child(OBJECT(a3), "pcie", OBJECT(host));
    sysbus_realize_and_unref(SYS_BUS_DEVICE(host), &error_fatal);
    for (int i = 0; i < PCI_NUM_PINS; i++) {
        sysbus_connect_irq(SYS_BUS_DEVICE(host), i, x86->gsi[A3PC_PCI_GSI + i]);
    }
    a3->host = A3PC_HOST(host);
}

static void make_power(A3PcMachine *a3)
{
    DeviceState *power = qdev_new(TYPE_A3PC_POWER);

    object_property_add_child(OBJECT(a3), "power", OBJECT(power));
    sysbus_realize_and_unref(SYS_BUS_DEVICE(power), &error_fatal);
    sysbus_connect_irq(SYS_BUS_DEVICE(power), 0, X86_MACHINE(a3)->gsi[A3PC_SCI]);
}

static void load_software(A3PcMachine *a3)
{
    X86MachineState *x86 = X86_MACHINE(a3);

    x86_bios_rom_init(x86, FIRMWARE, get_system_memory(), true);
    if (MACHINE(a3)->kernel_filename) {
        x86_load_linux(x86, x86->fw_cfg, 0, true);
    }
    for (int i = 0; i < nb_option_roms; i++) {
        rom_add_option(option_rom[i].name, option_rom[i].bootindex);
    }
    a3pc_acpi_setup(a3);
}

static void machine_init(MachineState *machine)
{
    A3PcMachine *a3 = A3PC_MACHINE(machine);

    make_ram(a3);
    x86_cpus_init(X86_MACHINE(a3), CPU_VERSION_LATEST);
    make_interrupts(a3);
    make_clocks(a3);
    make_firmware_interface(a3);
    make_pci(a3);
    make_power(a3);
    serial_hds_isa_init(a3->isa, 0, MAX_ISA_SERIAL_PORTS);
    isa_create_simple(a3->isa, "i8042");
    pci_vga_init(PCI_HOST_BRIDGE(a3->host)->bus);
    pci_init_nic_devices(PCI_HOST_BRIDGE(a3->host)->bus,
                         MACHINE_GET_CLASS(machine)->default_nic);
    if (!a3pc_without_cpus()) {
        load_software(a3);
    }
}

/* ---- The class ---- */

/* Resetting devices may have asserted what the APICs must not see. */
static void machine_reset(MachineState *machine, ResetType type)
{
    CPUState *cpu;

    qemu_devices_reset(type);
    CPU_FOREACH(cpu) {
        x86_cpu_after_reset(X86_CPU(cpu));
    }
}

static HotplugHandler *get_hotplug_handler(MachineState *machine, DeviceState *dev)
{
    return object_dynamic_cast(OBJECT(dev), TYPE_CPU) ? HOTPLUG_HANDLER(machine) : NULL;
}

static void machine_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    HotplugHandlerClass *hc = HOTPLUG_HANDLER_CLASS(oc);

    mc->desc = "PC of PCI Express devices, Riser's a3-pc";
    mc->family = "riser";
    mc->init = machine_init;
    mc->reset = machine_reset;
    mc->max_cpus = A3PC_MAX_CPUS;
    mc->default_cpu_type = "qemu64-x86_64-cpu";
    mc->default_ram_id = "a3-pc.ram";
    mc->default_display = "std";
    mc->default_nic = "e1000e";
    mc->block_default_type = IF_VIRTIO;
    mc->no_floppy = 1;
    mc->no_cdrom = 1;
    mc->no_parallel = 1;
    mc->pci_allow_0_address = true;
    mc->get_hotplug_handler = get_hotplug_handler;
    hc->pre_plug = x86_cpu_pre_plug;
    hc->plug = x86_cpu_plug;
    X86_MACHINE_CLASS(oc)->fwcfg_dma_enabled = true;
    X86_MACHINE_CLASS(oc)->apic_xrupt_override = true;
}

void a3pc_register_machine(void)
{
    static const InterfaceInfo interfaces[] = { { TYPE_HOTPLUG_HANDLER }, {} };
    static const TypeInfo machine = {
        .name = TYPE_A3PC_MACHINE,
        .parent = TYPE_X86_MACHINE,
        .instance_size = sizeof(A3PcMachine),
        .class_init = machine_class_init,
        .interfaces = (InterfaceInfo *)interfaces,
    };

    type_register_static(&machine);
}
