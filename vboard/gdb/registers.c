/* Registers as gdb numbers them: the core, the stack pointers and special registers of M-profile, the
 * FPU; and the description from which gdb learns this order (gdb's manual, "ARM Features"). */
#include "gdb/priv.h"

#include <stdio.h>
#include <string.h>

#include "board/parse.h"

#define FEATURE_CORE   "org.gnu.gdb.arm.m-profile"
#define FEATURE_SYSTEM "org.gnu.gdb.arm.m-system"
#define FEATURE_FPU    "org.gnu.gdb.arm.vfp"

static const struct reg {
    const char *name;
    uint8_t bytes;
    uint8_t number; /* of cpu_reg; of 8 bytes also the next */
    const char *type;
    const char *feature;
} table[] = {
    {"r0", 4, 0, "uint32", FEATURE_CORE},
    {"r1", 4, 1, "uint32", FEATURE_CORE},
    {"r2", 4, 2, "uint32", FEATURE_CORE},
    {"r3", 4, 3, "uint32", FEATURE_CORE},
    {"r4", 4, 4, "uint32", FEATURE_CORE},
    {"r5", 4, 5, "uint32", FEATURE_CORE},
    {"r6", 4, 6, "uint32", FEATURE_CORE},
    {"r7", 4, 7, "uint32", FEATURE_CORE},
    {"r8", 4, 8, "uint32", FEATURE_CORE},
    {"r9", 4, 9, "uint32", FEATURE_CORE},
    {"r10", 4, 10, "uint32", FEATURE_CORE},
    {"r11", 4, 11, "uint32", FEATURE_CORE},
    {"r12", 4, 12, "uint32", FEATURE_CORE},
    {"sp", 4, CPU_SP, "data_ptr", FEATURE_CORE},
    {"lr", 4, CPU_LR, "uint32", FEATURE_CORE},
    {"pc", 4, CPU_PC, "code_ptr", FEATURE_CORE},
    {"xpsr", 4, CPU_XPSR, "uint32", FEATURE_CORE},
    {"msp", 4, CPU_MSP, "data_ptr", FEATURE_SYSTEM},
    {"psp", 4, CPU_PSP, "data_ptr", FEATURE_SYSTEM},
    {"primask", 1, CPU_PRIMASK, "uint8", FEATURE_SYSTEM},
    {"basepri", 1, CPU_BASEPRI, "uint8", FEATURE_SYSTEM},
    {"faultmask", 1, CPU_FAULTMASK, "uint8", FEATURE_SYSTEM},
    {"control", 1, CPU_CONTROL, "uint8", FEATURE_SYSTEM},
    {"d0", 8, CPU_S0 + 0, "ieee_double", FEATURE_FPU},
    {"d1", 8, CPU_S0 + 2, "ieee_double", FEATURE_FPU},
    {"d2", 8, CPU_S0 + 4, "ieee_double", FEATURE_FPU},
    {"d3", 8, CPU_S0 + 6, "ieee_double", FEATURE_FPU},
    {"d4", 8, CPU_S0 + 8, "ieee_double", FEATURE_FPU},
    {"d5", 8, CPU_S0 + 10, "ieee_double", FEATURE_FPU},
    {"d6", 8, CPU_S0 + 12, "ieee_double", FEATURE_FPU},
    {"d7", 8, CPU_S0 + 14, "ieee_double", FEATURE_FPU},
    {"d8", 8, CPU_S0 + 16, "ieee_double", FEATURE_FPU},
    {"d9", 8, CPU_S0 + 18, "ieee_double", FEATURE_FPU},
    {"d10", 8, CPU_S0 + 20, "ieee_double", FEATURE_FPU},
    {"d11", 8, CPU_S0 + 22, "ieee_double", FEATURE_FPU},
    {"d12", 8, CPU_S0 + 24, "ieee_double", FEATURE_FPU},
    {"d13", 8, CPU_S0 + 26, "ieee_double", FEATURE_FPU},
    {"d14", 8, CPU_S0 + 28, "ieee_double", FEATURE_FPU},
    {"d15", 8, CPU_S0 + 30, "ieee_double", FEATURE_FPU},
    {"fpscr", 4, CPU_FPSCR, "uint32", FEATURE_FPU},
};
enum { REGISTERS = sizeof table / sizeof table[0], ALL_BYTES = REGISTERS * 8 };

static void get(const struct gdb *g, const struct reg *r, uint8_t bytes[8])
{
    uint32_t low = cpu_reg(g->cpu, r->number), high = r->bytes == 8 ? cpu_reg(g->cpu, r->number + 1u) : 0;
    memcpy(bytes, &low, sizeof low); /* little-endian, as the target */
    memcpy(bytes + 4, &high, sizeof high);
}

/* A new PC ends WFI: it is not where the core was asleep. */
void gdb_set_pc(struct gdb *g, uint32_t pc)
{
    if (pc != cpu_reg(g->cpu, CPU_PC)) {
        cpu_wake(g->cpu);
        g->before_bkpt = false;
    }
    cpu_set_reg(g->cpu, CPU_PC, pc);
}

static void put(struct gdb *g, const struct reg *r, const uint8_t bytes[8])
{
    uint32_t low = 0, high = 0;
    memcpy(&low, bytes, r->bytes < 4 ? r->bytes : 4);
    memcpy(&high, bytes + 4, sizeof high);
    if (r->number == CPU_PC)
        gdb_set_pc(g, low);
    else
        cpu_set_reg(g->cpu, r->number, low);
    if (r->bytes == 8)
        cpu_set_reg(g->cpu, r->number + 1u, high);
}

void gdb_read_registers(struct gdb *g, const char *text, size_t size)
{
    char answer[2 * ALL_BYTES + 1];
    uint8_t bytes[8];
    size_t n = 0;
    (void)text, (void)size;
    for (const struct reg *r = table; r < table + REGISTERS; r++) {
        get(g, r, bytes);
        packet_hex(answer + n, bytes, r->bytes);
        n += 2u * r->bytes;
    }
    gdb_reply(g, answer);
}

/* All or nothing. */
void gdb_write_registers(struct gdb *g, const char *text, size_t size)
{
    uint8_t all[REGISTERS][8] = {{0}};
    (void)size;
    for (unsigned i = 0; i < REGISTERS; i++)
        if (!packet_bytes(&text, all[i], table[i].bytes)) {
            gdb_error(g, GDB_ERROR_FORM);
            return;
        }
    for (unsigned i = 0; i < REGISTERS; i++)
        put(g, &table[i], all[i]);
    gdb_reply(g, "OK");
}

void gdb_read_register(struct gdb *g, const char *text, size_t size)
{
    char answer[17];
    uint8_t bytes[8];
    uint32_t n;
    (void)size;
    if (!packet_number(&text, &n) || *text != '\0' || n >= REGISTERS) {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    }
    get(g, &table[n], bytes);
    packet_hex(answer, bytes, table[n].bytes);
    gdb_reply(g, answer);
}

void gdb_write_register(struct gdb *g, const char *text, size_t size)
{
    uint8_t bytes[8] = {0};
    uint32_t n;
    (void)size;
    if (!packet_number(&text, &n) || *text++ != '=' || n >= REGISTERS ||
        !packet_bytes(&text, bytes, table[n].bytes) || *text != '\0') {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    }
    put(g, &table[n], bytes);
    gdb_reply(g, "OK");
}

static void show(struct gdb *g, const struct reg *r)
{
    uint8_t bytes[8];
    uint64_t value;
    get(g, r, bytes);
    memcpy(&value, bytes, sizeof value);
    if (r->bytes < 8)
        value &= UINT64_MAX >> (64 - 8 * r->bytes);
    gdb_print(g, "%s: 0x%0*llx\n", r->name, 2 * r->bytes, (unsigned long long)value);
}

/* reg [NAME [VALUE]] */
void gdb_monitor_register(struct gdb *g, const struct gdb_words *w)
{
    bool found = false;
    uint64_t value;
    uint8_t bytes[8];
    for (const struct reg *r = table; r < table + REGISTERS; r++) {
        if (w->count > 0 && strcmp(w->word[0], r->name) != 0)
            continue;
        found = true;
        if (w->count > 1 && g->now != g->debugger) {
            gdb_print(g, "Not done: " GDB_ONLY_READS ".\n");
        } else if (w->count > 1 && parse_number(w->word[1], UINT64_MAX >> (64 - 8 * r->bytes), &value)) {
            memcpy(bytes, &value, sizeof bytes);
            put(g, r, bytes);
        } else if (w->count > 1) {
            gdb_print(g, "%s is no number of %d bits.\n", w->word[1], 8 * r->bytes);
            return;
        }
        show(g, r);
    }
    if (!found)
        gdb_print(g, "There is no register %s; monitor reg shows all.\n", w->word[0]);
}

void gdb_target_xml(struct gdb *g, const char *text, size_t size)
{
    char xml[REGISTERS * 64 + 512];
    size_t n = 0;
    const char *feature = "";
    (void)size;
#define ADD(...) (n += (size_t)snprintf(xml + n, sizeof xml - n, __VA_ARGS__))
    ADD("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
        "<architecture>arm</architecture>");
    for (const struct reg *r = table; r < table + REGISTERS; r++) {
        if (strcmp(feature, r->feature) != 0)
            ADD("%s<feature name=\"%s\">", feature[0] != '\0' ? "</feature>" : "", r->feature);
        feature = r->feature;
        ADD("<reg name=\"%s\" bitsize=\"%d\" type=\"%s\"/>", r->name, r->bytes * 8, r->type);
    }
    ADD("</feature></target>");
#undef ADD
    gdb_document(g, text, xml, n);
}
