/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration space is libriser's, capabilities and MSI included. QEMU's own copy follows it in
 * what QEMU acts on: the command register and the BARs.
 */
#include "adapter.h"

/* What is QEMU's: the header type's multifunction bit, and the ROM that `romfile` names. */
static bool is_qemus(uint32_t addr)
{
    return addr == PCI_HEADER_TYPE || (addr >= PCI_ROM_ADDRESS && addr < PCI_ROM_ADDRESS + 4);
}

uint32_t adapter_config_read(PCIDevice *pci, uint32_t addr, int len)
{
    Adapter *s = ADAPTER(pci);
    uint8_t bytes[4] = { 0 };

    riser__pci_read(s->dev, RISER__REGION_CONFIG, addr, bytes, len);
    for (int i = 0; i < len; i++) {
        if (is_qemus(addr + i)) {
            bytes[i] = pci->config[addr + i];
        }
    }
    return ldl_le_p(bytes);
}

static void follow(Adapter *s, uint32_t addr, int len)
{
    PCIDevice *pci = PCI_DEVICE(s);
    uint8_t bytes[4] = { 0 };

    riser__pci_read(s->dev, RISER__REGION_CONFIG, addr, bytes, len);
    if (memcmp(bytes, pci->config + addr, len)) {
        pci_default_write_config(pci, addr, ldl_le_p(bytes), len);
    }
}

static void follow_all(Adapter *s)
{
    for (int i = 0; i < 6; i++) {
        follow(s, PCI_BASE_ADDRESS_0 + 4 * i, 4);
    }
    follow(s, PCI_COMMAND, 2);
}

void adapter_config_write(PCIDevice *pci, uint32_t addr, uint32_t value, int len)
{
    Adapter *s = ADAPTER(pci);
    uint8_t bytes[4];

    stl_le_p(bytes, value);
    riser__pci_write(s->dev, RISER__REGION_CONFIG, addr, bytes, len);
    if (is_qemus(addr) || ranges_overlap(addr, len, PCI_INTERRUPT_LINE, 1)) {
        pci_default_write_config(pci, addr, value, len);
    }
    follow_all(s);
}

/* ---- BARs ---- */

struct bar {
    Adapter *s;
    unsigned index;
};

static uint64_t bar_read(void *opaque, hwaddr addr, unsigned size)
{
    struct bar *bar = opaque;
    uint8_t bytes[8];

    memset(bytes, 0xff, sizeof(bytes));
    riser__pci_read(bar->s->dev, bar->index, addr, bytes, size);
    return ldn_le_p(bytes, size);
}

static void bar_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    struct bar *bar = opaque;
    uint8_t bytes[8];

    stn_le_p(bytes, size, value);
    riser__pci_write(bar->s->dev, bar->index, addr, bytes, size);
}

/* Widths and alignment are libriser's to check. */
static const MemoryRegionOps bar_ops = {
    .read = bar_read,
    .write = bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* Shared windows are memory that the guest reaches without an exit. */
static void map_windows(Adapter *s, unsigned index, const struct riser__region_info *info)
{
    unsigned mapped = 0;

    for (unsigned i = 0; i < info->window_count && mapped < 16; i++) {
        const struct riser_window *window = &info->windows[i];
        MemoryRegion *mr = &s->windows[index][mapped];

        if (!window->shared) {
            continue;
        }
        memory_region_init_ram_ptr(mr, OBJECT(s), window->name, window->size,
                                   riser_window(s->dev, index, i));
        memory_region_add_subregion_overlap(&s->bars[index], window->offset, mr, 1);
        mapped++;
    }
}

static void register_bar(Adapter *s, unsigned index)
{
    const struct riser_bar *bar = s->dev->pci->bars[index].desc;
    struct riser__region_info info;
    struct bar *opaque;
    uint8_t type;

    riser__pci_region_info(s->dev, index, &info);
    opaque = g_new(struct bar, 1);
    *opaque = (struct bar){ s, index };
    memory_region_init_io(&s->bars[index], OBJECT(s), &bar_ops, opaque, s->dev->desc->name,
                          info.size);
    map_windows(s, index, &info);
    type = bar->kind == RISER_IO ? PCI_BASE_ADDRESS_SPACE_IO : PCI_BASE_ADDRESS_SPACE_MEMORY;
    type |= bar->kind == RISER_MEM64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0;
    type |= bar->prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0;
    pci_register_bar(PCI_DEVICE(s), index, type, &s->bars[index]);
}

void adapter_config_init(Adapter *s)
{
    PCIDevice *pci = PCI_DEVICE(s);
    uint8_t header_type = pci->config[PCI_HEADER_TYPE];
    PCIBus *bus = pci_get_bus(pci);

    if (pci_bus_is_express(bus) && bus->flags & PCI_BUS_IS_ROOT) {
        riser__config_integrate(s->dev);
    }
    riser__pci_read(s->dev, RISER__REGION_CONFIG, 0, pci->config, s->dev->pci->config_size);
    pci->config[PCI_HEADER_TYPE] = header_type;
    pci->exp.exp_cap = s->dev->pci->express;
    for (unsigned i = 0; i < 6; i++) {
        if (s->dev->pci->bars[i].desc) {
            register_bar(s, i);
        }
    }
}
