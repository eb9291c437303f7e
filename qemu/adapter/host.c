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
    adapter_deliver(s);
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
    Adapter *s;
    struct riser_watch *watch;
    int fd;
    short events;
};

static void on_ready(void *opaque)
{
    struct adapter_watch *w = opaque;
    struct pollfd p = { w->fd, w->events, 0 };
    Adapter *s = w->s; /* the watch may go meanwhile */

    if (poll(&p, 1, 0) > 0) {
        riser__watch_ready(w->watch, p.revents);
        adapter_deliver(s);
    }
}

static void set_handlers(Adapter *s, struct adapter_watch *w)
{
    short events = s->stopped ? 0 : w->events;

    qemu_set_fd_handler(w->fd, events & (POLLIN | POLLPRI) ? on_ready : NULL,
                        events & POLLOUT ? on_ready : NULL, w);
}

void adapter_watches_set(Adapter *s)
{
    GHashTableIter i;
    gpointer w;

    g_hash_table_iter_init(&i, s->watches);
    while (g_hash_table_iter_next(&i, NULL, &w)) {
        set_handlers(s, w);
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
    *w = (struct adapter_watch){ s, watch, fd, events };
    set_handlers(s, w);
    return 0;
}

/* ---- Interrupts ---- */

/*
 * They are told with locks of the device's held, so they are only noted. A message may be aimed
 * at anything, the device itself included. Whoever runs the device delivers when he has left it;
 * other threads leave it to the main loop.
 */
static void note(Adapter *s)
{
    qatomic_set(&s->noted, true);
    if (!bql_locked() || !s->dev || !s->dev->inside) {
        qemu_bh_schedule(s->bh);
    }
}

static void intx(void *host, bool level)
{
    Adapter *s = host;

    s->level = level;
    s->level_changed = true;
    note(s);
}

static void message(void *host, enum riser_irq_mode mode, unsigned vector, uint64_t address,
                    uint32_t data)
{
    Adapter *s = host;

    s->messages[vector] = (struct adapter_message){ true, address, data };
    s->message_count = MAX(s->message_count, vector + 1);
    note(s);
}

static void deliver_level(Adapter *s)
{
    bool changed, level;

    riser__irq_lock(s->dev);
    changed = s->level_changed;
    level = s->level;
    s->level_changed = false;
    riser__irq_unlock(s->dev);
    if (changed && !s->gone) {
        pci_set_irq(PCI_DEVICE(s), level);
    }
}

static void deliver_message(Adapter *s, unsigned vector)
{
    struct adapter_message message;

    riser__irq_lock(s->dev);
    message = s->messages[vector];
    s->messages[vector].pending = false;
    riser__irq_unlock(s->dev);
    if (message.pending) {
        msi_send_message(PCI_DEVICE(s), (MSIMessage){ message.address, message.data });
    }
}

static unsigned take_count(Adapter *s)
{
    unsigned count;

    riser__irq_lock(s->dev);
    count = s->message_count;
    s->message_count = 0;
    riser__irq_unlock(s->dev);
    return count;
}

void adapter_deliver(Adapter *s)
{
    unsigned count;

    if (!qatomic_read(&s->noted) || !riser__dev_enter(s->dev)) {
        return;
    }
    qatomic_set(&s->noted, false);
    smp_mb();
    deliver_level(s);
    count = take_count(s);
    for (unsigned i = 0; i < count && !s->gone; i++) {
        deliver_message(s, i);
    }
    riser__dev_leave(s->dev);
}

static void on_bh(void *opaque)
{
    Adapter *s = opaque;

    if (s->reset_wanted) {
        adapter_reset(DEVICE(s));
    }
    /* What comes while the machine is stopped waits: it schedules this when it goes on. */
    if (!s->stopped) {
        riser__dev_run_posted(s->dev);
        adapter_deliver(s);
    }
}

static bool is_awaiting_state(void *host)
{
    return runstate_check(RUN_STATE_INMIGRATE);
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
    .is_awaiting_state = is_awaiting_state, .now = now, .set_deadline = set_deadline, .watch = watch, .intx = intx, \
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
    qemu_mutex_init(&s->hold_lock);
    s->watches = g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

void adapter_host_fini(Adapter *s)
{
    timer_free(s->timer);
    timer_free(s->turn);
    qemu_bh_delete(s->bh);
    g_hash_table_destroy(s->watches);
    qemu_mutex_destroy(&s->hold_lock);
    s->timer = NULL;
}
