/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory as the device reaches it: through its own address space, IOMMU included. */
#include "adapter.h"

/* ---- Threads that QEMU did not make ---- */

static pthread_key_t registered;

static void unregister(void *here)
{
    rcu_unregister_thread();
}

static void __attribute__((constructor)) make_key(void)
{
    pthread_key_create(&registered, unregister);
}

static void enter_thread(void)
{
    if (!bql_locked() && !pthread_getspecific(registered)) {
        rcu_register_thread();
        pthread_setspecific(registered, &registered);
    }
}

/* ---- Accesses ---- */

/*
 * A thread without QEMU's lock reaches memory alone: an access to another device waits for the
 * lock, whose holder may be waiting for the thread.
 */
static bool is_reachable(AddressSpace *as, uint64_t iova, size_t length, bool write)
{
    RCU_READ_LOCK_GUARD();
    for (hwaddr part; length && !bql_locked(); iova += part, length -= part) {
        hwaddr offset;
        MemoryRegion *mr;

        part = length;
        mr = address_space_translate(as, iova, &offset, &part, write, MEMTXATTRS_UNSPECIFIED);
        if (!adapter_is_memory(mr, write)) {
            return false;
        }
    }
    return true;
}

/* A thread that QEMU does not stop with the machine is kept out while that stands still. */
static bool access_begin(Adapter *s)
{
    if (bql_locked()) {
        return true;
    }
    enter_thread();
    qatomic_inc(&s->foreign);
    smp_mb();
    if (!qatomic_read(&s->stopped)) {
        return true;
    }
    qatomic_dec(&s->foreign);
    return false;
}

static void access_end(Adapter *s)
{
    if (!bql_locked()) {
        smp_mb();
        qatomic_dec(&s->foreign);
    }
}

static int memory_copy(Adapter *s, uint64_t iova, void *buffer, size_t length, bool write)
{
    PCIDevice *pci = PCI_DEVICE(s);
    AddressSpace *as = pci_get_address_space(pci);
    DMADirection way = write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE;
    MemTxResult result;

    if (s->gone || !dma_memory_valid(as, iova, length, way, MEMTXATTRS_UNSPECIFIED) ||
        !is_reachable(as, iova, length, write)) {
        return -EFAULT;
    }
    smp_mb();
    result = pci_dma_rw(pci, iova, buffer, length, way, MEMTXATTRS_UNSPECIFIED);
    smp_mb();
    return result == MEMTX_OK ? 0 : -EFAULT;
}

int adapter_dma(void *host, uint64_t iova, void *buffer, size_t length, bool write)
{
    Adapter *s = host;
    int ret = -EACCES;

    if (access_begin(s)) {
        ret = memory_copy(s, iova, buffer, length, write);
        access_end(s);
    }
    return ret;
}

static DMADirection way_of(unsigned access)
{
    return access & RISER_DMA_WRITE ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE;
}

/* Memory that is copied through a buffer of QEMU's is not mapped. */
static bool is_memory(void *address)
{
    ram_addr_t offset;

    RCU_READ_LOCK_GUARD();
    return memory_region_from_host(address, &offset);
}

/* A mapping that the device writes to in its own time. */
struct adapter_hold {
    void *data;
    size_t length;
    struct adapter_hold *next, **link;
};

static void hold_add(Adapter *s, struct riser_dma *dma)
{
    struct adapter_hold *hold = g_new(struct adapter_hold, 1);

    qemu_mutex_lock(&s->hold_lock);
    *hold = (struct adapter_hold){ dma->data, dma->length, s->holds, &s->holds };
    if (hold->next) {
        hold->next->link = &hold->next;
    }
    s->holds = hold;
    qemu_mutex_unlock(&s->hold_lock);
    dma->private_[0] = hold;
}

static void hold_remove(Adapter *s, struct adapter_hold *hold)
{
    qemu_mutex_lock(&s->hold_lock);
    *hold->link = hold->next;
    if (hold->next) {
        hold->next->link = hold->link;
    }
    qemu_mutex_unlock(&s->hold_lock);
    g_free(hold);
}

static int memory_map(Adapter *s, uint64_t iova, size_t length, unsigned access, struct riser_dma *dma)
{
    AddressSpace *as = pci_get_address_space(PCI_DEVICE(s));
    dma_addr_t mapped = length;
    void *data;

    if (s->gone || !dma_memory_valid(as, iova, length, way_of(access), MEMTXATTRS_UNSPECIFIED) ||
        !is_reachable(as, iova, length, access & RISER_DMA_WRITE)) {
        return -EFAULT;
    }
    data = dma_memory_map(as, iova, &mapped, way_of(access), MEMTXATTRS_UNSPECIFIED);
    if (!data) {
        return -EFAULT;
    }
    if (mapped < length || !is_memory(data)) {
        dma_memory_unmap(as, data, mapped, way_of(access), 0);
        return -EFAULT;
    }
    *dma = (struct riser_dma){
        .data = data, .length = length, .iova = iova, .access = access
    };
    return 0;
}

int adapter_dma_map(void *host, uint64_t iova, size_t length, unsigned access,
                    struct riser_dma *dma)
{
    Adapter *s = host;
    int ret = -EACCES;

    if (access_begin(s)) {
        ret = memory_map(s, iova, length, access, dma);
        access_end(s);
    }
    if (!ret && access & RISER_DMA_WRITE) {
        hold_add(s, dma);
    }
    return ret;
}

int adapter_dma_unmap(void *host, struct riser_dma *dma)
{
    enter_thread();
    if (dma->private_[0]) {
        hold_remove(host, dma->private_[0]);
    }
    dma_memory_unmap(pci_get_address_space(PCI_DEVICE(host)), dma->data, dma->length,
                     way_of(dma->access), dma->length);
    *dma = (struct riser_dma){ 0 };
    return 0;
}

/* Migration's last pass, which comes now, takes all that a held mapping may have changed. */
void adapter_memory_settle(Adapter *s)
{
    ram_addr_t offset;

    smp_mb();
    while (qatomic_read(&s->foreign)) {
        sched_yield();
    }
    qemu_mutex_lock(&s->hold_lock);
    for (struct adapter_hold *hold = s->holds; hold; hold = hold->next) {
        RCU_READ_LOCK_GUARD();
        MemoryRegion *mr = memory_region_from_host(hold->data, &offset);

        memory_region_set_dirty(mr, offset, hold->length);
    }
    qemu_mutex_unlock(&s->hold_lock);
}

/* ---- What changes of it ---- */

static void on_commit(MemoryListener *listener)
{
    Adapter *s = container_of(listener, Adapter, listener);

    riser__dev_memory_changed(s->dev);
}

void adapter_memory_listen(Adapter *s)
{
    s->listener = (MemoryListener){
        .name = "riser",
        .commit = on_commit,
    };
    memory_listener_register(&s->listener, pci_get_address_space(PCI_DEVICE(s)));
    s->listening = true;
}

void adapter_memory_unlisten(Adapter *s)
{
    if (s->listening) {
        memory_listener_unregister(&s->listener);
    }
    s->listening = false;
}
