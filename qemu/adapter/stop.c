/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine stops and goes on, here or in another QEMU. At the stop, which comes before the
 * last pass over memory, all that is under way is brought to its end; from then on nothing of
 * the device runs by itself, and guest memory stays as it is.
 */
#include "adapter.h"

/* No job takes that long, and one that does has the migration refused. */
#define JOBS_NS (60 * NANOSECONDS_PER_SECOND)

static void machine_stop(Adapter *s)
{
    s->busy = riser__dev_stop(s->dev, JOBS_NS) != 0;
    adapter_deliver(s);
    qatomic_set(&s->stopped, true);
    adapter_memory_settle(s);
    adapter_watches_set(s);
}

/* What the other QEMU has taken over is not to be had: this one stands still again. */
static void stand_still(struct riser_error *error)
{
    error_report("%s", error->text);
    qemu_system_vmstop_request_prepare();
    qemu_system_vmstop_request(RUN_STATE_IO_ERROR);
}

static void machine_go(Adapter *s)
{
    struct riser_error error = { "" };

    if (riser__dev_acquire(s->dev, &error)) {
        stand_still(&error);
        return;
    }
    s->busy = false;
    qatomic_set(&s->stopped, false);
    adapter_watches_set(s);
    qemu_bh_schedule(s->bh);
}

static void on_change(void *opaque, bool running, RunState state)
{
    Adapter *s = opaque;

    if (running) {
        machine_go(s);
    } else if (!s->stopped) {
        machine_stop(s);
    }
}

/* Before the device is made. */
void adapter_stop_init(Adapter *s)
{
    s->stopped = !runstate_is_running() && !runstate_check(RUN_STATE_SUSPENDED);
}

bool adapter_stop_watch(Adapter *s, Error **errp)
{
    s->change = qdev_add_vm_change_state_handler(DEVICE(s), on_change, s);
    if (!s->dev->unsaved) {
        return true;
    }
    error_setg(&s->blocker, "%s: its state would not have %s", s->dev->desc->name,
               s->dev->unsaved);
    return adapter_block_migration(&s->blocker, errp);
}

void adapter_stop_fini(Adapter *s)
{
    if (s->change) {
        qemu_del_vm_change_state_handler(s->change);
    }
    s->change = NULL;
    adapter_unblock_migration(&s->blocker);
}

void adapter_hand_over(Adapter *s)
{
    if (runstate_check(RUN_STATE_FINISH_MIGRATE)) {
        riser__dev_release(s->dev);
    }
}
