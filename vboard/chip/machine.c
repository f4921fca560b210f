/* Creation of a chip, and snapshots. */
#include <stdlib.h>
#include <string.h>

#include "chip/state.h"

void chip_config_default(struct chip_config *config)
{
    *config = (struct chip_config){
        .lse = true,
        .lse_startup = 300 * PS_PER_MS,
        .lsi_hz = 32000,
        .vdd_mv = 3300,
        .rev_id = 0x1001,
        .eeprom_kind = EEPROM_24C02,
    };
}

/* The bytes that ST writes at the end of system memory: package, unique id, calibration, flash size.
 * Values of the calibration words are typical of 3.0 V and 30 / 130 degrees C (DS11449). */
static void write_engineering(struct chip *c)
{
    uint8_t *e = c->mem.nvm.engineering;
    memset(e, 0xFF, ENGI_SIZE);
    const struct {
        uint32_t addr, size, value;
    } words[] = {
        {0x1FFF7500, 4, 0xFFFFFFE0}, /* LQFP64 */
        {0x1FFF75A8, 2, 1037},       /* TS_CAL1 */
        {0x1FFF75AA, 2, 1655},       /* VREFINT_CAL */
        {0x1FFF75CA, 2, 1379},       /* TS_CAL2 */
        {0x1FFF75E0, 4, 0xFFFF0100}, /* 256 KiB */
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        memcpy(e + (words[i].addr - ENGI_BASE), &words[i].value, words[i].size);
    memcpy(e + (0x1FFF7590 - ENGI_BASE), c->config.uid, sizeof c->config.uid);
}

struct chip *chip_create(const struct chip_config *config, const struct chip_listener *tell)
{
    struct chip *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->cpu = calloc(1, cpu_sizeof());
    if (!c->cpu) {
        free(c);
        return NULL;
    }
    c->config = *config;
    c->random = config->seed;
    c->tell = tell;
    c->time.next_wake = PS_NEVER;
    for (unsigned i = 0; i < WAKE_COUNT; i++)
        c->time.wake[i] = PS_NEVER;
    struct chip_nvm *n = &c->mem.nvm;
    memset(n, 0xFF, sizeof *n);
    flash_factory_options(c);
    write_engineering(c);
    eeprom_init(c);
    spi_devices_init(c);
    c->backup_lost = true;
    cpu_init(c->cpu, &chip_cpu_env, c);
    return c;
}

void chip_destroy(struct chip *c)
{
    if (!c)
        return;
    cpu_destroy(c->cpu);
    free(c->cpu);
    free(c);
}

struct chip_config *chip_config(struct chip *c)
{
    return &c->config;
}

struct chip_nvm *chip_nvm(struct chip *c)
{
    c->flash.unchecked = true;
    return &c->mem.nvm;
}

const struct chip_nvm *chip_nvm_look(const struct chip *c)
{
    return &c->mem.nvm;
}

/* ---- snapshots ---- */

struct chip_snapshot {
    struct chip chip;
    uint8_t cpu[]; /* cpu_sizeof() bytes */
};

struct chip_snapshot *chip_save(const struct chip *c)
{
    struct chip_snapshot *s = malloc(sizeof *s + cpu_sizeof());
    if (!s)
        return NULL;
    memcpy(&s->chip, c, sizeof *c);
    memcpy(s->cpu, c->cpu, cpu_sizeof());
    return s;
}

/* Copies what differs, a block at a time, and tells which; most of a memory has not changed. */
static void restore_bytes(struct chip *c, uint8_t *to, const uint8_t *from, uint32_t size,
                          void (*changed)(struct chip *c, uint32_t off, uint32_t size))
{
    enum { STEP = 1024 };
    for (uint32_t off = 0; off < size; off += STEP) {
        uint32_t n = size - off < STEP ? size - off : STEP;
        if (memcmp(to + off, from + off, n) == 0)
            continue;
        memcpy(to + off, from + off, n);
        if (changed)
            changed(c, off, n);
    }
}

static void sysmem_changed(struct chip *c, uint32_t off, uint32_t size)
{
    cpu_code_changed(c->cpu, SYSMEM_BASE + off, size);
}

/* Only lines that are in the instruction cache may have decoded instructions: those of the cache that
 * is about to be replaced go. */
static void drop_cached_code(struct chip *c)
{
    if (!(c->flash.acr & 1U << 9)) { /* ICEN: nobody kept track */
        chip_flash_changed(c, 0, FLASH_SIZE);
        return;
    }
    for (unsigned i = 0; i < ICACHE_LINES; i++)
        if (c->flash.icache[i].valid)
            chip_flash_changed(c, c->flash.icache[i].tag * 32, 32);
}

void chip_restore(struct chip *c, const struct chip_snapshot *s)
{
    drop_cached_code(c);
    memcpy(c, &s->chip, offsetof(struct chip, mem));
    memcpy(c->cpu, s->cpu, cpu_sizeof());
    const struct chip_memory *m = &s->chip.mem;
    struct chip_nvm *n = &c->mem.nvm;
    restore_bytes(c, c->mem.sram, m->sram, SRAM_SIZE, chip_sram_changed);
    restore_bytes(c, n->flash, m->nvm.flash, FLASH_SIZE, chip_flash_changed);
    restore_bytes(c, n->sysmem, m->nvm.sysmem, SYSMEM_SIZE, sysmem_changed);
    restore_bytes(c, n->flash_ecc, m->nvm.flash_ecc, sizeof n->flash_ecc, NULL);
    size_t rest = offsetof(struct chip_nvm, otp);
    memcpy((uint8_t *)n + rest, (const uint8_t *)&m->nvm + rest, sizeof *n - rest);
    chip_map_memories(c);
    cpu_restored(c->cpu);
}

void chip_snapshot_free(struct chip_snapshot *s)
{
    free(s);
}
