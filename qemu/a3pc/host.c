/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * a3-pc-pcie-host: the bridge between the CPUs and the root bus a3-pcie0. Configuration space is
 * reached through ECAM and, for firmware, through the ports at 0xcf8.
 */
#include "a3pc.h"
#include "exec/address-spaces.h"
#include "hw/irq.h"
#include "hw/pci/pci_bus.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"

static void set_irq(void *opaque, int line, int level)
{
    A3PcHost *host = opaque;

    host->lines = deposit32(host->lines, line, 1, level != 0);
    qemu_set_irq(host->irq[line], level);
}

/* Behind bridges the pins rotate too; QEMU's bridges do that by themselves. */
static int map_irq(PCIDevice *device, int pin)
{
    return (PCI_SLOT(device->devfn) + pin) % PCI_NUM_PINS;
}

static PCIINTxRoute route_irq(void *opaque, int line)
{
    return (PCIINTxRoute){ .mode = PCI_INTX_ENABLED, .irq = A3PC_PCI_GSI + line };
}

static void add_window(A3PcHost *host, MemoryRegion *window, const char *name, hwaddr base,
                       uint64_t size)
{
    memory_region_init_alias(window, OBJECT(host), name, &host->absent, base, size);
    memory_region_add_subregion_overlap(get_system_memory(), base, window, 1);
}

static void map_memory(A3PcHost *host)
{
    memory_region_init(&host->memory, OBJECT(host), "a3-pcie-memory", UINT64_MAX);
    memory_region_init_io(&host->absent, OBJECT(host), &unassigned_io_ops, host,
                          "a3-pcie-absent", UINT64_MAX);
    memory_region_add_subregion(&host->absent, 0, &host->memory);

    add_window(host, &host->vga, "a3-pcie-vga", A3PC_VGA_BASE, A3PC_VGA_SIZE);
    add_window(host, &host->window32, "a3-pcie-window32", A3PC_WINDOW32_BASE, A3PC_WINDOW32_SIZE);
    if (host->window64_size) {
        add_window(host, &host->window64, "a3-pcie-window64", host->window64_base,
                   host->window64_size);
    }
}

static void map_config(A3PcHost *host)
{
    PCIHostState *pci = PCI_HOST_BRIDGE(host);
    PCIExpressHost *pcie = PCIE_HOST_BRIDGE(host);

    pcie_host_mmcfg_init(pcie, A3PC_ECAM_SIZE);
    pcie_host_mmcfg_map(pcie, A3PC_ECAM_BASE, A3PC_ECAM_SIZE);
    memory_region_init_io(&pci->conf_mem, OBJECT(host), &pci_host_conf_le_ops, pci,
                          "a3-pcie-config-address", 4);
    memory_region_init_io(&pci->data_mem, OBJECT(host), &pci_host_data_le_ops, pci,
                          "a3-pcie-config-data", 4);
    memory_region_add_subregion(get_system_io(), A3PC_CONFIG_PORT, &pci->conf_mem);
    memory_region_add_subregion(get_system_io(), A3PC_CONFIG_PORT + 4, &pci->data_mem);
}

static void host_realize(DeviceState *dev, Error **errp)
{
    A3PcHost *host = A3PC_HOST(dev);
    PCIHostState *pci = PCI_HOST_BRIDGE(dev);

    map_memory(host);
    map_config(host);
    for (int i = 0; i < PCI_NUM_PINS; i++) {
        sysbus_init_irq(SYS_BUS_DEVICE(dev), &host->irq[i]);
    }
    pci->bus = pci_register_root_bus(dev, "a3-pcie0", set_irq, map_irq, host, &host->memory,
                                     get_system_io(), 0, PCI_NUM_PINS, TYPE_PCIE_BUS);
    pci_bus_set_route_irq_fn(pci->bus, route_irq);
    qdev_realize(DEVICE(&host->root), BUS(pci->bus), errp);
}

static const char *root_bus_path(PCIHostState *pci, PCIBus *bus)
{
    return "0000:00";
}

static const Property host_properties[] = {
    DEFINE_PROP_UINT64("window64-base", A3PcHost, window64_base, 0),
    DEFINE_PROP_SIZE("window64-size", A3PcHost, window64_size, 0),
};

static void host_init(Object *obj)
{
    A3PcHost *host = A3PC_HOST(obj);

    object_property_add_uint8_ptr(obj, "lines", &host->lines, OBJ_PROP_FLAG_READ);
    object_initialize_child(obj, "root", &host->root, TYPE_A3PC_ROOT);
    qdev_prop_set_int32(DEVICE(&host->root), "addr", PCI_DEVFN(0, 0));
    qdev_prop_set_bit(DEVICE(&host->root), "multifunction", false);
}

static void host_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    PCI_HOST_BRIDGE_CLASS(oc)->root_bus_path = root_bus_path;
    dc->realize = host_realize;
    dc->desc = "PCIe host bridge of the a3-pc machine";
    dc->fw_name = "pci";
    /* It is a part of its board. */
    dc->user_creatable = false;
    set_bit(DEVICE_CATEGORY_BRIDGE, dc->categories);
    device_class_set_props(dc, host_properties);
}

static const VMStateDescription root_state = {
    .name = TYPE_A3PC_ROOT,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]){
        VMSTATE_PCI_DEVICE(parent_obj, A3PcRoot),
        VMSTATE_END_OF_LIST(),
    },
};

/* How the bridge shows itself on its own bus: Linux trusts the ports at 0xcf8 by this function. */
static void root_class_init(ObjectClass *oc, void *data)
{
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
    DeviceClass *dc = DEVICE_CLASS(oc);

    pc->vendor_id = PCI_VENDOR_ID_REDHAT;
    pc->device_id = PCI_DEVICE_ID_REDHAT_PCIE_HOST;
    pc->class_id = PCI_CLASS_BRIDGE_HOST;
    dc->desc = "a3-pc's host bridge on its root bus";
    dc->vmsd = &root_state;
    dc->user_creatable = false;
    set_bit(DEVICE_CATEGORY_BRIDGE, dc->categories);
}

void a3pc_register_host(void)
{
    static const InterfaceInfo interfaces[] = { { INTERFACE_CONVENTIONAL_PCI_DEVICE }, {} };
    static const TypeInfo root = {
        .name = TYPE_A3PC_ROOT,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(A3PcRoot),
        .class_init = root_class_init,
        .interfaces = (InterfaceInfo *)interfaces,
    };
    static const TypeInfo host = {
        .name = TYPE_A3PC_HOST,
        .parent = TYPE_PCIE_HOST_BRIDGE,
        .instance_size = sizeof(A3PcHost),
        .instance_init = host_init,
        .class_init = host_class_init,
    };

    type_register_static(&root);
    type_register_static(&host);
}
