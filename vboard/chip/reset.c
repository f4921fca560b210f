/* Resets, boot selection, power: RM0394 "Reset", "Boot configuration", AN2606 (pattern 16). */
#include <string.h>

#include "chip/flash.h"
#include "chip/state.h"

/* An internal reset pulls NRST for at least 20 us (RM0394 "System reset"); after a power-on the chip
 * waits for tRSTTEMPO, 250 us (DS11449). */
#define PULSE_INTERNAL (20 * PS_PER_US)
#define PULSE_POWER    (250 * PS_PER_US)

/* All blocks, but the backup domain if `backup` is false, and those that Standby keeps if `kept`. */
static void reset_blocks(struct chip *c, bool backup, bool kept)
{
    for (unsigned i = 0; i < BLOCK_COUNT; i++) {
        const struct block *b = &chip_blocks[i];
        if ((b->keep_on_reset && !backup) || (b->keep_in_standby && kept))
            continue;
        chip_wake_at(c, (enum block_id)i, PS_NEVER);
        if (b->reset)
            b->reset(c, b->index);
    }
    if (!backup)
        rtc_system_reset(c);
}

static void lower_interrupts(struct chip *c)
{
    syscfg_fpu(c, 0); /* FPSCR is reset with the processor */
    for (unsigned irq = 0; irq < CPU_IRQS; irq++) {
        c->irq_sources[irq] = 0;
        cpu_irq(c->cpu, irq, false);
    }
    c->nmi_sources = 0;
    cpu_nmi(c->cpu, false);
}

void reset_core_domain(struct chip *c)
{
    reset_blocks(c, false, true);
    lower_interrupts(c);
}

static void lose_sram(struct chip *c, uint32_t from, uint32_t size)
{
    for (uint32_t i = from; i < from + size; i += 8) {
        uint64_t r = chip_random(c);
        memcpy(&c->mem.sram[i], &r, 8);
    }
    chip_sram_changed(c, from, size);
    if (from + size == SRAM_SIZE)
        parity_lost(c);
}

/* What the low-power mode that is being left has cost, or the option SRAM2_RST. */
static void lose_memory(struct chip *c, bool standby, bool shutdown)
{
    bool rrs = c->pwr.reg[PWR_CR3 / 4] & 1U << 8;
    bool powered = standby && c->pwr.debug_standby; /* DBG_STANDBY: the digital part was not unpowered */
    if ((standby && !powered) || shutdown) {
        lose_sram(c, 0, standby && rrs ? SRAM1_SIZE : SRAM_SIZE);
    } else if (!(flash_loaded_optr(c) & 1U << 25)) {
        memset(c->mem.sram + SRAM1_SIZE, 0, SRAM2_SIZE);
        chip_sram_changed(c, SRAM1_SIZE, SRAM2_SIZE);
        parity_written(c, 0, SRAM2_SIZE);
    }
}

void reset_begin(struct chip *c, enum chip_reset cause)
{
    bool standby = c->mode == MODE_STANDBY, shutdown = c->mode == MODE_SHUTDOWN;
    c->reset_pending = 0;
    /* Shutdown has no supervision of VDD: leaving it is a power-on reset for all but the backup domain. */
    c->reset_cause = shutdown ? RESET_POWER : cause;
    bool woke = standby && cause == RESET_LOWPOWER;
    c->wake_from = shutdown ? MODE_SHUTDOWN : woke ? MODE_STANDBY : MODE_RUN;
    c->locked_up = false;
    c->missing_count = 0;
    c->ignored_told = 0;
    flash_interrupted(c);
    bool power = c->reset_cause == RESET_POWER;
    c->mode = MODE_RESET;
    lose_memory(c, standby, shutdown);
    if (power || standby || cause == RESET_OBL)
        flash_load_options(c);
    if (woke) { /* these keep a part by themselves */
        rcc_reset(c, 0);
        pwr_reset(c, 0);
    }
    reset_blocks(c, power && c->backup_lost, woke);
    if (power)
        c->backup_lost = false;
    rcc_update(c);
    lower_interrupts(c);
    c->held_until = chip_now(c) + (power ? PULSE_POWER : PULSE_INTERNAL);
    if (power || cause == RESET_OBL)
        c->brown_out = pwr_brown_out(c, power);
    if (c->tell->reset)
        c->tell->reset(c->tell->owner, cause);
    if (c->brown_out)
        chip_say(c, "VDD is below the brown-out level of the option bytes (BOR_LEV): "
                    "the chip stays in reset");
}

/* MEM_MODE by option bytes and the BOOT0 pin. RDP level 2 boots from flash only. */
static uint8_t boot_selection(const struct chip *c)
{
    uint32_t optr = flash_loaded_optr(c);
    bool from_pin = optr & 1U << 26, nboot0 = optr & 1U << 27, nboot1 = optr & 1U << 23;
    bool boot0 = from_pin ? gpio_pin_level(c, 7, 3) : !nboot0;
    if (!boot0 || flash_rdp(optr) == 2)
        return 0;
    return nboot1 ? 1 : 3;
}

bool reset_selects_flash(const struct chip *c)
{
    return boot_selection(c) == 0;
}

/* The empty check diverts to system memory, unless nSWBOOT0 = 0 or RDP level 2. */
static bool empty_check(const struct chip *c)
{
    uint32_t optr = flash_loaded_optr(c);
    return optr & 1U << 26 && flash_rdp(optr) != 2 && flash_empty(c);
}

void reset_end(struct chip *c)
{
    flash_reset_ends(c);
    c->boot_mode = boot_selection(c);
    c->booted_empty = c->boot_mode == 0 && empty_check(c);
    if (c->booted_empty)
        c->boot_mode = 1;
    syscfg_boot(c);
    c->mode = MODE_RUN;
    rcc_update(c);
    parity_reset_ends(c);
    chip_map_memories(c);
    flash_update_gate(c);
    rom_reset_ends(c);
    cpu_reset(c->cpu);
}

void chip_nrst(struct chip *c, bool low)
{
    bool falls = low && !c->nrst_low;
    c->nrst_low = low;
    if (falls)
        chip_request_reset(c, RESET_PIN);
}

void chip_vdd12(struct chip *c, bool supplied)
{
    c->vdd12 = supplied;
    flash_clock_changed(c); /* in range 2 without it HCLK may be too fast now */
}

void chip_power_on(struct chip *c)
{
    if (c->mode != MODE_OFF)
        return;
    lose_sram(c, 0, SRAM_SIZE);
    flash_cells_power_on(c);
    c->flash.ops = 0;
    eeprom_power_on(c);
    cpu_power_on(c->cpu);
    reset_begin(c, RESET_POWER);
}

void chip_power_off(struct chip *c, bool vbat)
{
    if (!vbat)
        c->backup_lost = true;
    if (c->mode == MODE_OFF)
        return;
    flash_interrupted(c);
    if (vbat)
        rtc_on_vbat(c);
    c->reset_pending = 0;
    c->mode = MODE_OFF;
    reset_blocks(c, !vbat, false);
    lower_interrupts(c);
    rcc_update(c);
    if (c->time.in_cpu)
        cpu_stop(c->cpu);
}
