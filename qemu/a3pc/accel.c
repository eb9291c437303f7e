/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * a3acl: an accelerator that runs no CPU. The machine is there and its clock passes; what reads and
 * writes its devices comes from outside, over QMP.
 */
#include "a3pc.h"
#include "qemu/accel.h"
#include "system/accel-ops.h"
#include "system/cpus.h"

static bool allowed;

bool a3pc_without_cpus(void)
{
    return allowed;
}

static int init_machine(MachineState *machine)
{
    a3pc_add_commands();
    return 0;
}

static void accel_class_init(ObjectClass *oc, void *data)
{
    AccelClass *ac = ACCEL_CLASS(oc);

    ac->name = "a3acl, no CPU runs";
    ac->init_machine = init_machine;
    ac->allowed = &allowed;
}

/* A thread that waits: QEMU stops, resets and asks about CPUs as ever. */
static void ops_class_init(ObjectClass *oc, void *data)
{
    ACCEL_OPS_CLASS(oc)->create_vcpu_thread = dummy_start_vcpu_thread;
}

void a3pc_register_accel(void)
{
    static const TypeInfo accel = {
        .name = ACCEL_CLASS_NAME(A3PC_ACCEL),
        .parent = TYPE_ACCEL,
        .class_init = accel_class_init,
    };
    static const TypeInfo ops = {
        .name = ACCEL_OPS_NAME(A3PC_ACCEL),
        .parent = TYPE_ACCEL_OPS,
        .class_init = ops_class_init,
        .abstract = true,
    };

    type_register_static(&accel);
    type_register_static(&ops);
}
