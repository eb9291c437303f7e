/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device models: where they are found, and what options they take. */
#include "adapter.h"

static GPtrArray *found;

/* Names that PCI devices of QEMU's have already stay QEMU's. */
static bool is_taken(const char *name)
{
    static const char *const taken[] = { "romfile", "addr", "multifunction", "model", "trace" };

    for (unsigned i = 0; i < ARRAY_SIZE(taken); i++) {
        if (!strcmp(name, taken[i])) {
            return true;
        }
    }
    return false;
}

static bool has(const struct adapter_options *options, const char *name)
{
    for (unsigned i = 0; i < options->count; i++) {
        if (!strcmp(options->names[i], name)) {
            return true;
        }
    }
    return false;
}

static void add(struct adapter_options *options, const char *name, const char *help)
{
    if (options->count < ADAPTER_OPTIONS && !is_taken(name) && !has(options, name)) {
        options->help[options->count] = help;
        options->names[options->count++] = name;
    }
}

void adapter_options_add(struct adapter_options *options, const struct riser_pci_device *pci)
{
    const struct riser_option *option = pci->options.base;

    for (uint32_t i = 0; i < pci->options.count; i++) {
        add(options, option[i].name, option[i].help);
    }
    add(options, "msix", "whether MSI-X is offered, if the model has it");
}

static void add_model(struct riser_model *model)
{
    struct adapter_model *m = g_new0(struct adapter_model, 1);

    m->model = model;
    m->name = g_strdup(riser_model_pci(model)->name);
    adapter_options_add(&m->options, riser_model_pci(model));
    g_ptr_array_add(found, m);
}

static void add_builtin(struct riser_export exported)
{
    struct riser_error error;
    struct riser_model *model;

    if (riser_model_from_export(exported, &model, &error)) {
        fprintf(stderr, "qemu: %s\n", error.text);
    } else {
        add_model(model);
    }
}

static void add_folder(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, ".so")) {
            g_autofree char *path = g_build_filename(folder, name, NULL);
            struct riser_error error;
            struct riser_model *model;

            /* Not every shared object is one. */
            if (!riser_model_open(path, &model, &error)) {
                add_model(model);
            }
        }
    }
    if (dir) {
        g_dir_close(dir);
    }
}

GPtrArray *adapter_models_find(void)
{
    const char *path = g_getenv("RISER_PATH");
    g_auto(GStrv) folders = g_strsplit(path ? path : "", ":", 0);

    if (found) {
        return found;
    }
    found = g_ptr_array_new();
    if (adapter_builtins) {
        adapter_builtins(add_builtin);
    }
    for (unsigned i = 0; folders[i]; i++) {
        add_folder(folders[i]);
    }
    return found;
}

struct riser_model *adapter_model_open(const char *name, struct riser_model **own,
                                       Error **errp)
{
    GPtrArray *models = adapter_models_find();
    struct riser_error error;

    if (!name) {
        error_setg(errp, "Parameter 'model' is missing: a path, or the name of a model in "
                         "the folders of RISER_PATH");
        return NULL;
    }
    for (unsigned i = 0; i < models->len; i++) {
        struct adapter_model *m = g_ptr_array_index(models, i);

        if (!strcmp(m->name, name)) {
            return m->model;
        }
    }
    if (!strchr(name, '/')) {
        error_setg(errp, "there is no model '%s' in the folders of RISER_PATH; a path has a "
                         "'/' in it", name);
        return NULL;
    }
    if (riser_model_open(name, own, &error)) {
        error_setg(errp, "%s", error.text);
        return NULL;
    }
    return *own;
}
