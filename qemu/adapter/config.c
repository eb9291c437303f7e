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
    adapter_deliver(s);
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

    riser__function_read(s->dev, RISER__REGION_CONFIG, addr, bytes, len);
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
    adapter_deliver(s);
}

/* ---- BARs ---- */

/* A CPU that was on its way may come when the device has gone. */
static uint64_t bar_read(void *opaque, hwaddr addr, unsigned size)
{
    struct adapter_bar *bar = opaque;
    uint8_t bytes[8];

    memset(bytes, 0xff, sizeof(bytes));
    if (bar->s->dev) {
        riser__pci_read(bar->s->dev, bar->index, addr, bytes, size);
        adapter_deliver(bar->s);
    }
    return ldn_le_p(bytes, size);
}

static void bar_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    struct adapter_bar *bar = opaque;
    uint8_t bytes[8];

    stn_le_p(bytes, size, value);
    if (bar->s->dev) {
        riser__pci_write(bar->s->dev, bar->index, addr, bytes, size);
        adapter_deliver(bar->s);
    }
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
static bool map_window(struct adapter_bar *bar, const struct riser__region_info *info,
                       const struct riser_window *window, Error **errp)
{
    unsigned n = bar->window_count;
    void *memory = mmap(NULL, window->size, PROT_READ | PROT_WRITE, MAP_SHARED, info->fd,
                        window->offset);

    if (memory == MAP_FAILED) {
        error_setg_errno(errp, errno, "%s: BAR%u: no memory", bar->s->dev->desc->name,
                         bar->index);
        return false;
    }
    bar->memory[n] = g_new0(struct adapter_window, 1);
    bar->memory[n]->memory = memory;
    bar->memory[n]->size = window->size;
    bar->window_count++;
    memory_region_init_ram_ptr(&bar->windows[n], OBJECT(bar->s), window->name, window->size,
                               memory);
    memory_region_add_subregion_overlap(&bar->mr, window->offset, &bar->windows[n], 1);
    return true;
}

static bool map_windows(struct adapter_bar *bar, const struct riser__region_info *info,
                        Error **errp)
{
    for (unsigned i = 0; i < info->window_count && bar->window_count < ADAPTER_WINDOWS; i++) {
        if (info->windows[i].shared && !map_window(bar, info, &info->windows[i], errp)) {
            return false;
        }
    }
    return true;
}

static bool register_bar(Adapter *s, unsigned index, Error **errp)
{
    const struct riser_bar *desc = s->dev->pci->bars[index].desc;
    struct adapter_bar *bar = &s->bars[index];
    struct riser__region_info info;
    uint8_t type;

    riser__pci_region_info(s->dev, index, &info);
    bar->s = s;
    bar->index = index;
    memory_region_init_io(&bar->mr, OBJECT(s), &bar_ops, bar, s->dev->desc->name, info.size);
    if (!map_windows(bar, &info, errp)) {
        return false;
    }
    type = desc->kind == RISER_IO ? PCI_BASE_ADDRESS_SPACE_IO : PCI_BASE_ADDRESS_SPACE_MEMORY;
    type |= desc->kind == RISER_MEM64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0;
    type |= desc->prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0;
    pci_register_bar(PCI_DEVICE(s), index, type, &bar->mr);
    return true;
}

/* A window that stays in its BAR would keep the device, whose both are, for ever. */
void adapter_config_exit(Adapter *s)
{
    for (unsigned i = 0; i < 6; i++) {
        struct adapter_bar *bar = &s->bars[i];

        for (unsigned n = 0; n < bar->window_count; n++) {
            if (memory_region_is_mapped(&bar->windows[n])) {
                memory_region_del_subregion(&bar->mr, &bar->windows[n]);
            }
        }
    }
}

static void free_window(struct rcu_head *head)
{
    struct adapter_window *window = container_of(head, struct adapter_window, rcu);

    munmap(window->memory, window->size);
    g_free(window);
}

/* When the last of QEMU's maps of memory that had the BARs in it is gone. */
void adapter_config_fini(Object *obj)
{
    Adapter *s = ADAPTER(obj);

    for (unsigned i = 0; i < 6; i++) {
        for (unsigned n = 0; n < s->bars[i].window_count; n++) {
            call_rcu1(&s->bars[i].memory[n]->rcu, free_window);
        }
    }
}

bool adapter_config_init(Adapter *s, Error **errp)
{
    PCIDevice *pci = PCI_DEVICE(s);
    uint8_t header_type = pci->config[PCI_HEADER_TYPE];
    PCIBus *bus = pci_get_bus(pci);

    if (pci_bus_is_express(bus) && bus->flags & PCI_BUS_IS_ROOT) {
        riser__config_integrate(s->dev);
    }
    riser__function_read(s->dev, RISER__REGION_CONFIG, 0, pci->config,
                         s->dev->pci->config_size);
    pci->config[PCI_HEADER_TYPE] = header_type;
    pci->exp.exp_cap = s->dev->pci->express;
    for (unsigned i = 0; i < 6; i++) {
        if (s->dev->pci->bars[i].desc && !register_bar(s, i, errp)) {
            return false;
        }
    }
    return true;
}
