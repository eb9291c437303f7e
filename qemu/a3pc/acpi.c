/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACPI tables: what is on the board, where, and how it is switched off. */
#include "a3pc.h"
#include "hw/acpi/acpi_aml_interface.h"
#include "hw/acpi/aml-build.h"
#include "hw/acpi/bios-linker-loader.h"
#include "hw/acpi/pci.h"
#include "hw/acpi/utils.h"
#include "hw/i386/acpi-common.h"
#include "hw/i386/fw_cfg.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/rtc/mc146818rtc_regs.h"

#define ISA_KEYBOARD_PRESENT (1 << 1)

static struct AcpiGenericAddress port(unsigned offset, unsigned bits)
{
    return (struct AcpiGenericAddress){
        .space_id = AML_AS_SYSTEM_IO,
        .bit_width = bits,
        .address = A3PC_POWER_PORT + offset,
    };
}

/* The configuration space that MCFG tells of must be somebody's memory. */
static void add_ecam(Aml *scope)
{
    Aml *device = aml_device("ECAM"), *crs = aml_resource_template();

    aml_append(device, aml_name_decl("_HID", aml_eisaid("PNP0C02")));
    aml_append(device, aml_name_decl("_UID", aml_int(0)));
    aml_append(crs, aml_memory32_fixed(A3PC_ECAM_BASE, A3PC_ECAM_SIZE, AML_READ_WRITE));
    aml_append(crs, aml_io(AML_DECODE16, A3PC_POWER_PORT, A3PC_POWER_PORT, 1, A3PC_POWER_PORTS));
    aml_append(device, aml_name_decl("_CRS", crs));
    aml_append(scope, device);
}

/* S5 is sleep type 0 of the control register (ACPI 4.8.4.2). */
static Aml *power_off(void)
{
    Aml *scope = aml_scope("\\"), *package = aml_package(4);

    for (int i = 0; i < 4; i++) {
        aml_append(package, aml_int(0));
    }
    aml_append(scope, aml_name_decl("_S5", package));
    return scope;
}

static void build_dsdt(GArray *blob, BIOSLinker *linker, A3PcMachine *a3)
{
    X86MachineState *x86 = X86_MACHINE(a3);
    AcpiTable table = { .sig = "DSDT", .rev = 2, .oem_id = x86->oem_id,
                        .oem_table_id = x86->oem_table_id };
    Aml *dsdt, *scope;

    acpi_table_begin(&table, blob);
    dsdt = init_aml_allocator();
    scope = aml_scope("_SB");
    a3pc_acpi_add_host(scope, a3->host);
    add_ecam(scope);
    fw_cfg_add_acpi_dsdt(scope, x86->fw_cfg);
    qbus_build_aml(BUS(a3->isa), scope);
    aml_append(dsdt, scope);
    aml_append(dsdt, power_off());
    g_array_append_vals(blob, dsdt->buf->data, dsdt->buf->len);
    acpi_table_end(linker, &table);
    free_aml_allocator();
}

/* Linux wants one with fixed hardware: 64 bytes, nothing in it. */
static void build_facs(GArray *blob)
{
    g_array_append_vals(blob, "FACS", 4);
    build_append_int_noprefix(blob, 64, 4);
    acpi_data_push(blob, 64 - 8);
}

static void build_fixed(GArray *blob, BIOSLinker *linker, X86MachineState *x86, unsigned *facs,
                        unsigned *dsdt)
{
    AcpiFadtData fadt = {
        .rev = 5,
        .flags = 1 << ACPI_FADT_F_WBINVD | 1 << ACPI_FADT_F_PROC_C1 |
                 1 << ACPI_FADT_F_SLP_BUTTON | 1 << ACPI_FADT_F_FIX_RTC |
                 1 << ACPI_FADT_F_USE_PLATFORM_CLOCK | 1 << ACPI_FADT_F_RESET_REG_SUP,
        .int_model = 1, /* APICs */
        .sci_int = A3PC_SCI,
        .rtc_century = RTC_CENTURY,
        .plvl2_lat = 0xfff, /* no C2, no C3 */
        .plvl3_lat = 0xfff,
        .pm1a_evt = port(A3PC_POWER_EVENT, 32),
        .pm1a_cnt = port(A3PC_POWER_CONTROL, 16),
        .pm_tmr = port(A3PC_POWER_TIMER, 32),
        .reset_reg = port(A3PC_POWER_RESET, 8),
        .reset_val = A3PC_RESET_VALUE,
        .iapc_boot_arch = ISA_KEYBOARD_PRESENT,
        .facs_tbl_offset = facs,
        .dsdt_tbl_offset = dsdt,
        .xdsdt_tbl_offset = dsdt,
    };

    build_fadt(blob, linker, &fadt, x86->oem_id, x86->oem_table_id);
}

static void build_tables(AcpiBuildTables *tables, A3PcMachine *a3)
{
    X86MachineState *x86 = X86_MACHINE(a3);
    GArray *blob = tables->table_data, *offsets = g_array_new(false, true, sizeof(uint32_t));
    AcpiMcfgInfo mcfg = { .base = A3PC_ECAM_BASE, .size = A3PC_ECAM_SIZE };
    unsigned facs, dsdt, xsdt;
    AcpiRsdpData rsdp = { .revision = 2, .oem_id = x86->oem_id, .xsdt_tbl_offset = &xsdt };

    bios_linker_loader_alloc(tables->linker, ACPI_BUILD_TABLE_FILE, blob, 64, false);
    facs = blob->len;
    build_facs(blob);
    dsdt = blob->len;
    build_dsdt(blob, tables->linker, a3);
    acpi_add_table(offsets, blob);
    build_fixed(blob, tables->linker, x86, &facs, &dsdt);
    acpi_add_table(offsets, blob);
    acpi_build_madt(blob, tables->linker, x86, x86->oem_id, x86->oem_table_id);
    acpi_add_table(offsets, blob);
    build_mcfg(blob, tables->linker, &mcfg, x86->oem_id, x86->oem_table_id);
    xsdt = blob->len;
    build_xsdt(blob, tables->linker, offsets, x86->oem_id, x86->oem_table_id);
    build_rsdp(tables->rsdp, tables->linker, &rsdp);
    g_array_free(offsets, true);
}

/* The board never changes: what was built at the start holds. */
static void nothing_to_update(void *opaque)
{
}

void a3pc_acpi_setup(A3PcMachine *a3)
{
    AcpiBuildTables tables;

    if (!x86_machine_is_acpi_enabled(X86_MACHINE(a3))) {
        return;
    }
    acpi_build_tables_init(&tables);
    build_tables(&tables, a3);
    acpi_add_rom_blob(nothing_to_update, NULL, tables.table_data, ACPI_BUILD_TABLE_FILE);
    acpi_add_rom_blob(nothing_to_update, NULL, tables.linker->cmd_blob, ACPI_BUILD_LOADER_FILE);
    acpi_add_rom_blob(nothing_to_update, NULL, tables.rsdp, ACPI_BUILD_RSDP_FILE);
    acpi_build_tables_cleanup(&tables, false);
}
