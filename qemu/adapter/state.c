/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots and migration: libriser's saved state in one piece, as every attachment has it. */
#include "adapter.h"

static int adapter_pre_save(void *opaque)
{
    Adapter *s = opaque;
    struct riser__buffer buffer = { 0 };
    int ret = s->busy ? -EBUSY : riser__dev_save(s->dev, &buffer);

    if (ret) {
        riser__buffer_free(&buffer);
        error_report("%s: cannot be saved: %s", s->dev->desc->name, strerror(-ret));
        return ret;
    }
    g_free(s->state);
    s->state = g_memdup2(buffer.data, buffer.size);
    s->state_size = buffer.size;
    riser__buffer_free(&buffer);
    adapter_hand_over(s);
    return 0;
}

static int adapter_post_save(void *opaque)
{
    Adapter *s = opaque;

    g_free(s->state);
    s->state = NULL;
    return 0;
}

static int adapter_post_load(void *opaque, int version)
{
    Adapter *s = opaque;
    struct riser_error error = { "" };
    int ret = riser__dev_load(s->dev, s->state, s->state_size, &error);

    if (ret) {
        error_report("%s", error.text);
    }
    adapter_post_save(s);
    return ret;
}

const VMStateDescription adapter_vmstate = {
    .name = "riser",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = adapter_pre_save,
    .post_save = adapter_post_save,
    .post_load = adapter_post_load,
    .fields = (VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, Adapter),
        VMSTATE_UINT32(state_size, Adapter),
        VMSTATE_VBUFFER_ALLOC_UINT32(state, Adapter, 0, NULL, state_size),
        VMSTATE_END_OF_LIST()
    },
};
