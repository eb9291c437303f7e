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

int adapter_dma(void *host, uint64_t iova, void *buffer, size_t length, bool write)
{
    PCIDevice *pci = PCI_DEVICE(host);
    AddressSpace *as = pci_get_address_space(pci);
    DMADirection way = write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE;
    MemTxResult result;

    enter_thread();
    if (ADAPTER(pci)->gone ||
        !dma_memory_valid(as, iova, length, way, MEMTXATTRS_UNSPECIFIED) ||
        !is_reachable(as, iova, length, write)) {
        return -EFAULT;
    }
    smp_mb();
    result = pci_dma_rw(pci, iova, buffer, length, way, MEMTXATTRS_UNSPECIFIED);
    smp_mb();
    return result == MEMTX_OK ? 0 : -EFAULT;
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

int adapter_dma_map(void *host, uint64_t iova, size_t length, unsigned access,
                    struct riser_dma *dma)
{
    Adapter *s = host;
    AddressSpace *as = pci_get_address_space(PCI_DEVICE(s));
    dma_addr_t mapped = length;
    void *data;

    if (s->gone || qatomic_read(&s->dirty_logged)) {
        return -EFAULT;
    }
    enter_thread();
    if (!dma_memory_valid(as, iova, length, way_of(access), MEMTXATTRS_UNSPECIFIED)) {
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

int adapter_dma_unmap(void *host, struct riser_dma *dma)
{
    enter_thread();
    dma_memory_unmap(pci_get_address_space(PCI_DEVICE(host)), dma->data, dma->length,
                     way_of(dma->access), dma->length);
    dma->data = NULL;
    return 0;
}

/* ---- What changes of it ---- */

static void on_commit(MemoryListener *listener)
{
    Adapter *s = container_of(listener, Adapter, listener);

    riser__dev_memory_changed(s->dev);
}

/* Migration has to see each write: none goes past QEMU then. */
static void set_logged(MemoryListener *listener, bool logged)
{
    Adapter *s = container_of(listener, Adapter, listener);

    qatomic_set(&s->dirty_logged, logged);
    riser__dev_memory_changed(s->dev);
}

#if ADAPTER_QEMU(9, 1)
static bool on_log_start(MemoryListener *listener, Error **errp)
{
    set_logged(listener, true);
    return true;
}
#else
static void on_log_start(MemoryListener *listener)
{
    set_logged(listener, true);
}
#endif

static void on_log_stop(MemoryListener *listener)
{
    set_logged(listener, false);
}

void adapter_memory_listen(Adapter *s)
{
    s->listener = (MemoryListener){
        .name = "riser",
        .commit = on_commit,
        .log_global_start = on_log_start,
        .log_global_stop = on_log_stop,
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
