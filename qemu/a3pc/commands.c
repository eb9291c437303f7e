/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What plays the CPU on a machine without one: three QMP commands.
 *
 *   a3-read {space, address, size} -> {value}   space: "memory" or "io"; size: 1, 2, 4 or 8
 *   a3-write {space, address, size, value}
 *   a3-messages {} -> {vectors: [[vector, count], …]}   interrupt messages since the last call
 *
 * A message is what a device writes to the local APICs' address; its data names the vector.
 */
#include "a3pc.h"
#include "exec/address-spaces.h"
#include "cpu.h"
#include "qapi/qmp-registry.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"

/* qmp-cmds-control.c's: every monitor's commands. */
extern QmpCommandList qmp_commands;

enum { VECTORS = 2048, MESSAGES_SIZE = 0x1000 };

static uint64_t messages[VECTORS];
static MemoryRegion message_region;

/* ---- Messages ---- */

static uint64_t message_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

static void message_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    if (value < VECTORS) {
        messages[value]++;
    }
}

static const MemoryRegionOps message_ops = {
    .read = message_read,
    .write = message_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

static void qmp_messages(QDict *args, QObject **ret, Error **errp)
{
    QDict *answer = qdict_new();
    QList *vectors = qlist_new();

    for (unsigned i = 0; i < VECTORS; i++) {
        QList *pair;

        if (!messages[i]) {
            continue;
        }
        pair = qlist_new();
        qlist_append_int(pair, i);
        qlist_append_int(pair, messages[i]);
        qlist_append(vectors, pair);
        messages[i] = 0;
    }
    qdict_put(answer, "vectors", vectors);
    *ret = QOBJECT(answer);
}

/* ---- Accesses ---- */

struct access {
    AddressSpace *space;
    uint64_t address, size;
};

static bool get_number(QDict *args, const char *name, uint64_t *value, Error **errp)
{
    QNum *number = qobject_to(QNum, qdict_get(args, name));

    if (number && qnum_get_try_uint(number, value)) {
        return true;
    }
    error_setg(errp, "'%s' takes a number from 0 on", name);
    return false;
}

static bool parse(QDict *args, struct access *access, Error **errp)
{
    const char *space = qdict_get_try_str(args, "space");

    if (!space || (strcmp(space, "memory") && strcmp(space, "io"))) {
        error_setg(errp, "'space' takes \"memory\" or \"io\"");
        return false;
    }
    access->space = *space == 'm' ? &address_space_memory : &address_space_io;
    if (!get_number(args, "address", &access->address, errp) ||
        !get_number(args, "size", &access->size, errp)) {
        return false;
    }
    if (access->size > 8 || !is_power_of_2(access->size)) {
        error_setg(errp, "'size' takes 1, 2, 4 or 8");
        return false;
    }
    return true;
}

static bool transfer(const struct access *access, uint64_t *value, bool write, Error **errp)
{
    MemTxResult result = address_space_rw(access->space, access->address,
                                          MEMTXATTRS_UNSPECIFIED, value, access->size, write);

    if (result != MEMTX_OK) {
        error_setg(errp, "nothing answers at 0x%" PRIx64, access->address);
    }
    return result == MEMTX_OK;
}

static void qmp_read(QDict *args, QObject **ret, Error **errp)
{
    struct access access;
    uint64_t value = 0;

    if (parse(args, &access, errp) && transfer(&access, &value, false, errp)) {
        QDict *answer = qdict_new();

        qdict_put(answer, "value", qnum_from_uint(le64_to_cpu(value)));
        *ret = QOBJECT(answer);
    }
}

static void qmp_write(QDict *args, QObject **ret, Error **errp)
{
    struct access access;
    uint64_t value;

    if (parse(args, &access, errp) && get_number(args, "value", &value, errp)) {
        value = cpu_to_le64(value);
        if (transfer(&access, &value, true, errp)) {
            *ret = QOBJECT(qdict_new());
        }
    }
}

void a3pc_add_commands(void)
{
    memory_region_init_io(&message_region, NULL, &message_ops, NULL, "a3acl-messages",
                          MESSAGES_SIZE);
    memory_region_add_subregion_overlap(get_system_memory(), APIC_DEFAULT_ADDRESS,
                                        &message_region, INT_MAX);
    qmp_register_command(&qmp_commands, "a3-read", qmp_read, 0, 0);
    qmp_register_command(&qmp_commands, "a3-write", qmp_write, 0, 0);
    qmp_register_command(&qmp_commands, "a3-messages", qmp_messages, 0, 0);
}
