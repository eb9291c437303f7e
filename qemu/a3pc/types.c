/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loaded ahead of QEMU, the machine and the accelerator join the types that QEMU begins with. */
#include "a3pc.h"
#include "qemu/module.h"

static void register_types(void)
{
    a3pc_register_host();
    a3pc_register_power();
    a3pc_register_machine();
    a3pc_register_accel();
}

static void __attribute__((constructor)) loaded(void)
{
    register_module_init(register_types, MODULE_INIT_QOM);
}
