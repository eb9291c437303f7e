/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device of QEMU's that is one of Riser's: its life. */
#include "adapter.h"

/* ---- Options, as libriser wants them ---- */

static void add_option(GString *text, const char *name, const char *value)
{
    g_string_append_printf(text, "%s%s=", text->len ? "," : "", name);
    for (; *value; value++) {
        g_string_append_c(text, *value);
        if (*value == ',') {
            g_string_append_c(text, ','); /* doubled, as in QEMU's own */
        }
    }
}

static char *options_text(Adapter *s)
{
    const struct adapter_options *options = ADAPTER_GET_CLASS(s)->options;
    GString *text = g_string_new("");

    for (unsigned i = 0; i < options->count; i++) {
        if (s->values[i]) {
            add_option(text, options->names[i], s->values[i]);
        }
    }
    return g_string_free(text, false);
}

/* ---- Making one ---- */

static bool make_device(Adapter *s, Error **errp)
{
    AdapterClass *class = ADAPTER_GET_CLASS(s);
    struct riser_error error = { "" };
    g_autofree char *options = options_text(s);

    s->model = class->model ? class->model
                            : adapter_model_open(s->model_name, &s->own_model, errp);
    if (!s->model) {
        return false;
    }
    adapter_stop_init(s);
    adapter_host_init(s);
    if (riser__dev_create(s->model, options, adapter_host_ops(), s, s->trace, &error,
                          &s->dev)) {
        error_setg(errp, "%s", error.text);
        return false;
    }
    return true;
}

static void unmake_device(Adapter *s)
{
    adapter_memory_unlisten(s);
    adapter_stop_fini(s);
    adapter_config_exit(s);
    riser__dev_destroy(s->dev);
    s->dev = NULL;
    if (s->timer) {
        adapter_host_fini(s);
    }
    riser_model_close(s->own_model);
    s->own_model = NULL;
}

/* Before PCI's part, which wants to know whether it is a PCI Express function. */
static void adapter_realize(DeviceState *qdev, Error **errp)
{
    Adapter *s = ADAPTER(qdev);
    Error *error = NULL;

    if (make_device(s, &error)) {
        if (s->dev->pci->express) {
            PCI_DEVICE(s)->cap_present |= QEMU_PCI_CAP_EXPRESS;
        }
        ADAPTER_GET_CLASS(s)->parent_realize(qdev, &error);
    }
    if (error) {
        unmake_device(s);
        error_propagate(errp, error);
    }
}

static void adapter_pci_realize(PCIDevice *pci, Error **errp)
{
    Adapter *s = ADAPTER(pci);

    if (adapter_config_init(s, errp) && adapter_stop_watch(s, errp)) {
        adapter_memory_listen(s);
    }
}

static void unmake_later(void *opaque)
{
    unmake_device(opaque);
    object_unref(OBJECT(opaque));
}

/* What the device sends may unplug it, by way of a slot: it goes when it has been left. */
static void adapter_exit(PCIDevice *pci)
{
    Adapter *s = ADAPTER(pci);

    adapter_memory_unlisten(s);
    adapter_stop_fini(s);
    if (!s->dev->inside) {
        unmake_device(s);
        return;
    }
    s->gone = true;
    object_ref(OBJECT(s));
    aio_bh_schedule_oneshot(qemu_get_aio_context(), unmake_later, s);
}

/* What the device sends may reset it, by way of a bridge: once it has been left. */
void adapter_reset(DeviceState *qdev)
{
    Adapter *s = ADAPTER(qdev);

    s->reset_wanted = !riser__dev_enter(s->dev);
    if (s->reset_wanted) {
        qemu_bh_schedule(s->bh);
        return;
    }
    riser__dev_reset(s->dev, RISER_RESET_DEVICE);
    riser__dev_leave(s->dev);
    adapter_deliver(s);
}

void adapter_class_init(ObjectClass *oc, AdapterClassData data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);

    device_class_set_parent_realize(dc, adapter_realize, &ADAPTER_CLASS(oc)->parent_realize);
    device_class_set_legacy_reset(dc, adapter_reset);
    dc->vmsd = &adapter_vmstate;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    pc->realize = adapter_pci_realize;
    pc->exit = adapter_exit;
    pc->config_read = adapter_config_read;
    pc->config_write = adapter_config_write;
}

static InterfaceInfo interfaces[] = {
    { INTERFACE_PCIE_DEVICE },
    { INTERFACE_CONVENTIONAL_PCI_DEVICE },
    {},
};

const TypeInfo adapter_type = {
    .name = TYPE_ADAPTER,
    .parent = TYPE_PCI_DEVICE,
    .abstract = true,
    .instance_size = sizeof(Adapter),
    .instance_finalize = adapter_config_fini,
    .class_size = sizeof(AdapterClass),
    .class_init = adapter_class_init,
    .interfaces = interfaces,
};
