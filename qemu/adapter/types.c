/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types that QEMU gets: one for each model that is found, and one for any. */
#include "adapter.h"

#include <dlfcn.h>

#include "qapi/qapi-types-control.h"

/* ---- Properties ---- */

/* Strings, so that QEMU lists them and libriser parses them, on every attachment alike. */
static void add_properties(DeviceClass *dc, const struct adapter_options *options, bool any)
{
    Property *props = g_new0(Property, options->count + 3);
    unsigned count = 0;

    props[count++] = (Property)DEFINE_PROP_BOOL("trace", Adapter, trace, false);
    if (any) {
        props[count++] = (Property)DEFINE_PROP_STRING("model", Adapter, model_name);
    }
    for (unsigned i = 0; i < options->count; i++) {
        props[count] = (Property)DEFINE_PROP_STRING("", Adapter, values[0]);
        props[count].name = options->names[i];
        props[count].offset = offsetof(Adapter, values) + i * sizeof(char *);
        count++;
    }
    adapter_set_props(dc, props, count);
    for (unsigned i = 0; i < options->count; i++) {
        object_class_property_set_description(OBJECT_CLASS(dc), options->names[i],
                                              options->help[i] ? options->help[i] : "");
    }
    object_class_property_set_description(OBJECT_CLASS(dc), "trace",
                                          "every access into QEMU's log");
}

/* ---- Types ---- */

static void model_class_init(ObjectClass *oc, AdapterClassData data)
{
    const struct adapter_model *m = data;
    const struct riser_pci_device *pci = riser_model_pci(m->model);
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);

    ADAPTER_CLASS(oc)->model = m->model;
    ADAPTER_CLASS(oc)->options = &m->options;
    dc->desc = pci->summary;
    pc->vendor_id = pci->id.vendor;
    pc->device_id = pci->id.device;
    pc->revision = pci->id.revision;
    pc->class_id = pci->id.class_code >> 8;
    add_properties(dc, &m->options, false);
}

static void register_model(const struct adapter_model *m)
{
    g_autofree char *prefixed = g_strdup_printf("riser-%s", m->name);
    TypeInfo info = {
        .name = m->name,
        .parent = TYPE_ADAPTER,
        .class_init = model_class_init,
        .class_data = (void *)m,
    };

    /* QEMU has an edu of its own. */
    if (object_class_by_name(m->name)) {
        info.name = prefixed;
    }
    if (!object_class_by_name(info.name)) {
        type_register_static(&info);
    }
}

static struct adapter_options all_options;

static void any_class_init(ObjectClass *oc, AdapterClassData data)
{
    ADAPTER_CLASS(oc)->options = &all_options;
    DEVICE_CLASS(oc)->desc = "a device of Riser's, by its model";
    add_properties(DEVICE_CLASS(oc), &all_options, true);
}

/*
 * The options of a model that is named by its path have to be known before QEMU reads the
 * command line.
 */
static void add_options_of(const char *device)
{
    const char *at = strstr(device, "model=");
    g_autofree char *path = NULL;
    struct riser_error error;
    struct riser_model *model;

    if (!at) {
        return;
    }
    path = g_strndup(at + strlen("model="), strcspn(at + strlen("model="), ","));
    if (strchr(path, '/') && !riser_model_open(path, &model, &error)) {
        adapter_options_add(&all_options, riser_model_pci(model));
    }
}

static void look_at_command_line(void)
{
    g_autofree char *line = NULL;
    gsize length;

    if (!g_file_get_contents("/proc/self/cmdline", &line, &length, NULL)) {
        return;
    }
    for (char *word = line; word < line + length; word += strlen(word) + 1) {
        if (g_str_has_prefix(word, TYPE_ADAPTER_ANY ",")) {
            add_options_of(word);
        }
    }
}

static void register_all(void)
{
    static const TypeInfo any = {
        .name = TYPE_ADAPTER_ANY,
        .parent = TYPE_ADAPTER,
        .class_init = any_class_init,
    };
    GPtrArray *models = adapter_models_find();

    type_register_static(&adapter_type);
    for (unsigned i = 0; i < models->len; i++) {
        struct adapter_model *m = g_ptr_array_index(models, i);

        register_model(m);
        adapter_options_add(&all_options, riser_model_pci(m->model));
    }
    look_at_command_line();
    type_register_static(&any);
}

/* ---- Being loaded ---- */

#ifdef RISER_QEMU_VERSION
/* QEMU's own way to report needs what is not there this early. */
static void refuse(const char *running)
{
    fprintf(stderr,
            "qemu: the Riser adapter was built for QEMU %s, and this is %s: build one for it "
            "with tools/qemu-adapter\n",
            RISER_QEMU_VERSION, running);
    exit(1);
}

static void check_version(void)
{
    VersionInfo *(*query)(Error **) =
        (VersionInfo * (*)(Error **)) dlsym(RTLD_DEFAULT, "qmp_query_version");
    g_autofree char *running = NULL;
    VersionInfo *info;

    if (!query) {
        refuse("something else");
    }
    info = query(NULL);
    running = g_strdup_printf("%" PRId64 ".%" PRId64 ".%" PRId64 "%s%s%s", info->qemu->major,
                              info->qemu->minor, info->qemu->micro,
                              *info->package ? " (" : "", info->package,
                              *info->package ? ")" : "");
    if (strcmp(running, RISER_QEMU_VERSION)) {
        refuse(running);
    }
    qapi_free_VersionInfo(info);
}

#else /* built into QEMU */
static void check_version(void)
{
}
#endif

/* Once all types of QEMU's own are known, so that names that are taken are seen. */
static void at_the_end(void)
{
    check_version();
    register_all();
}

static void at_the_beginning(void)
{
    register_module_init(at_the_end, MODULE_INIT_QOM);
}

/* What QEMU starts is not QEMU. */
static void __attribute__((constructor)) loaded(void)
{
    unsetenv("LD_PRELOAD");
    register_module_init(at_the_beginning, MODULE_INIT_QOM);
}
