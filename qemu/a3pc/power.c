/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * a3-pc-power: ACPI's fixed hardware. The power button, power off, the timer by which Linux checks
 * its clocks, and a register that resets the machine.
 */
#include "a3pc.h"
#include "exec/address-spaces.h"
#include "hw/irq.h"
#include "hw/sysbus.h"
#include "migration/vmstate.h"
#include "system/runstate.h"
#include "system/system.h"

static void update_sci(ACPIREGS *regs)
{
    A3PcPower *power = container_of(regs, A3PcPower, regs);
    uint16_t status = acpi_pm1_evt_get_sts(regs), enabled = regs->pm1.evt.en;

    qemu_set_irq(power->sci, (status & enabled & ACPI_BITMASK_PM1_COMMON_ENABLED) != 0);
    acpi_pm_tmr_update(regs, enabled & ~status & ACPI_BITMASK_TIMER_ENABLE);
}

static void button_pressed(Notifier *notifier, void *data)
{
    acpi_pm1_evt_power_down(&container_of(notifier, A3PcPower, button)->regs);
}

static uint64_t reset_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

static void reset_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    if (value == A3PC_RESET_VALUE) {
        qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
    }
}

static const MemoryRegionOps reset_ops = {
    .read = reset_read,
    .write = reset_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .impl = { .min_access_size = 1, .max_access_size = 1 },
};

static void power_realize(DeviceState *dev, Error **errp)
{
    A3PcPower *power = A3PC_POWER(dev);

    memory_region_init(&power->io, OBJECT(dev), "a3-pc-power", A3PC_POWER_PORTS);
    acpi_pm1_evt_init(&power->regs, update_sci, &power->io);
    acpi_pm1_cnt_init(&power->regs, &power->io, true, true, 0, true);
    acpi_pm_tmr_init(&power->regs, update_sci, &power->io);
    memory_region_init_io(&power->reset, OBJECT(dev), &reset_ops, power, "a3-pc-reset", 1);
    memory_region_add_subregion(&power->io, A3PC_POWER_RESET, &power->reset);
    memory_region_add_subregion(get_system_io(), A3PC_POWER_PORT, &power->io);
    sysbus_init_irq(SYS_BUS_DEVICE(dev), &power->sci);
    power->button.notify = button_pressed;
    qemu_register_powerdown_notifier(&power->button);
}

static void power_reset(Object *obj, ResetType type)
{
    ACPIREGS *regs = &A3PC_POWER(obj)->regs;

    acpi_pm1_evt_reset(regs);
    acpi_pm1_cnt_reset(regs);
    acpi_pm_tmr_reset(regs);
    update_sci(regs);
}

static int power_loaded(void *opaque, int version)
{
    A3PcPower *power = opaque;

    acpi_pm_tmr_calc_overflow_time(&power->regs);
    return 0;
}

static const VMStateDescription power_state = {
    .name = TYPE_A3PC_POWER,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = power_loaded,
    .fields = (const VMStateField[]){
        VMSTATE_UINT16(regs.pm1.evt.sts, A3PcPower),
        VMSTATE_UINT16(regs.pm1.evt.en, A3PcPower),
        VMSTATE_UINT16(regs.pm1.cnt.cnt, A3PcPower),
        VMSTATE_TIMER_PTR(regs.tmr.timer, A3PcPower),
        VMSTATE_INT64(regs.tmr.overflow_time, A3PcPower),
        VMSTATE_END_OF_LIST(),
    },
};

static void power_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = power_realize;
    dc->vmsd = &power_state;
    dc->desc = "power button, timer and reset of the a3-pc machine";
    dc->user_creatable = false;
    RESETTABLE_CLASS(oc)->phases.hold = power_reset;
}

void a3pc_register_power(void)
{
    static const TypeInfo power = {
        .name = TYPE_A3PC_POWER,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(A3PcPower),
        .class_init = power_class_init,
    };

    type_register_static(&power);
}
