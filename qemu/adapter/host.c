/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU as the device sees it: clock, work, descriptors, interrupts. */
#include "adapter.h"

#include <poll.h>

/* ---- Time and work ---- */

static uint64_t now(void *host)
{
    return (uint64_t)qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void set_deadline(void *host, uint64_t deadline)
{
    Adapter *s = host;

    if (deadline > INT64_MAX) {
        timer_del(s->timer);
    } else {
        timer_mod_ns(s->timer, (int64_t)deadline);
    }
}

static void on_timer(void *opaque)
{
    Adapter *s = opaque;

    riser__dev_run_timers(s->dev);
}

static void wake(void *host)
{
    Adapter *s = host;

    qemu_bh_schedule(s->bh);
}

/*
 * With -icount a bottom half would run whenever the main loop comes to it; a timer that is due
 * runs at its place among the instructions.
 */
static void wake_in_turn(void *host)
{
    Adapter *s = host;

    if (bql_locked()) {
        timer_mod_ns(s->turn, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    } else {
        wake(host);
    }
}

/* ---- Descriptors ---- */

struct adapter_watch {
    struct riser_watch *watch;
    int fd;
    short events;
};

static void on_ready(void *opaque)
{
    struct adapter_watch *w = opaque;
    struct pollfd p = { w->fd, w->events, 0 };

    if (poll(&p, 1, 0) > 0) {
        riser__watch_ready(w->watch, p.revents);
    }
}

static int watch(void *host, struct riser_watch *watch, int fd, short events)
{
    Adapter *s = host;
    struct adapter_watch *w = g_hash_table_lookup(s->watches, watch);

    if (!events) {
        qemu_set_fd_handler(fd, NULL, NULL, NULL);
        g_hash_table_remove(s->watches, watch);
        return 0;
    }
    if (!w) {
        w = g_new0(struct adapter_watch, 1);
        g_hash_table_insert(s->watches, watch, w);
    }
    *w = (struct adapter_watch){ watch, fd, events };
    qemu_set_fd_handler(fd, events & (POLLIN | POLLPRI) ? on_ready : NULL,
                        events & POLLOUT ? on_ready : NULL, w);
    return 0;
}

/* ---- Interrupts ---- */

/*
 * Whoever holds QEMU's big lock delivers at once. Other threads leave it to the main loop: to
 * take the lock here, with the device's own held, could wait for one who wants that.
 */
static void intx(void *host, bool level)
{
    Adapter *s = host;

    s->level = level;
    if (bql_locked()) {
        pci_set_irq(PCI_DEVICE(s), level);
    } else {
        s->level_changed = true;
        qemu_bh_schedule(s->bh);
    }
}

static void message(void *host, enum riser_irq_mode mode, unsigned vector, uint64_t address,
                    uint32_t data)
{
    Adapter *s = host;

    if (bql_locked()) {
        msi_send_message(PCI_DEVICE(s), (MSIMessage){ address, data });
        return;
    }
    s->messages[vector] = (struct adapter_message){ true, address, data };
    s->message_count = MAX(s->message_count, vector + 1);
    qemu_bh_schedule(s->bh);
}

static void deliver(Adapter *s)
{
    riser__irq_lock(s->dev);
    if (s->level_changed) {
        s->level_changed = false;
        pci_set_irq(PCI_DEVICE(s), s->level);
    }
    for (unsigned i = 0; i < s->message_count; i++) {
        struct adapter_message *m = &s->messages[i];

        if (m->pending) {
            m->pending = false;
            msi_send_message(PCI_DEVICE(s), (MSIMessage){ m->address, m->data });
        }
    }
    s->message_count = 0;
    riser__irq_unlock(s->dev);
}

static void on_bh(void *opaque)
{
    Adapter *s = opaque;

    deliver(s);
    riser__dev_run_posted(s->dev);
}

/* ---- Log ---- */

static void log_line(void *host, enum riser_log_level level, const char *line)
{
    Adapter *s = host;
    const char *name = s->dev ? s->dev->desc->name : s->model->pci.name;

    if (level == RISER_DEBUG) {
        qemu_log("%" PRIu64 " %s: %s\n", now(s), name, line);
    } else {
        error_printf("%s: %s\n", name, line);
    }
}

#define OPS \
    .now = now, .set_deadline = set_deadline, .watch = watch, .intx = intx, \
    .message = message, .dma = adapter_dma, .dma_map = adapter_dma_map, \
    .dma_unmap = adapter_dma_unmap, .log = log_line

const struct riser__host_ops *adapter_host_ops(void)
{
    static const struct riser__host_ops usual = { OPS, .wake = wake };
    static const struct riser__host_ops counted = { OPS, .wake = wake_in_turn,
                                                    .jobs_in_turn = true };

    return icount_enabled() ? &counted : &usual;
}

void adapter_host_init(Adapter *s)
{
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, on_timer, s);
    s->bh = qemu_bh_new(on_bh, s);
    s->turn = timer_new_ns(QEMU_CLOCK_VIRTUAL, on_bh, s);
    s->watches = g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

void adapter_host_fini(Adapter *s)
{
    timer_free(s->timer);
    timer_free(s->turn);
    qemu_bh_delete(s->bh);
    g_hash_table_destroy(s->watches);
    s->timer = NULL;
}
