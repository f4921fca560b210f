/* What the cells of the flash hold: 64 data and 8 check bits for each double word, good or not.
 * mem.nvm.flash always has what a read returns, so the processor can execute from it: where a single bit
 * of data is wrong, the corrected data is there and the error is kept in the check bits instead, which
 * no program can tell from the original. */
#include <string.h>

#include "chip/ecc.h"
#include "chip/state.h"

#define ECCR_FLAGS (3U << 30)
#define ECCR_SYSF  (1U << 20)

static void set_suspect(struct chip *c, uint8_t *map, uint32_t dword, bool on)
{
    uint8_t bit = (uint8_t)(1U << (dword % 8));
    if (!(map[dword / 8] & bit) == !on)
        return;
    map[dword / 8] ^= bit;
    c->flash.suspects += on ? 1U : -1U;
    flash_update_gate(c);
}

/* Stores 72 cells as they are, in the normal form described above. */
static void put(struct chip *c, uint32_t off, uint64_t data, uint8_t check, bool program)
{
    uint64_t read = data;
    uint8_t right = check;
    enum ecc_result result = ecc_decode(&read, &right);
    if (result == ECC_CORRECTED && read != data) {
        data = read;
        check = right ^ 1;
    }
    c->mem.nvm.flash_ecc[off / 8] = check;
    set_suspect(c, c->flash.suspect, off / 8, result != ECC_GOOD);
    flash_line_changed(c, off, (const uint8_t *)&data, program);
}

static bool is_weak(uint32_t addr, uint32_t off)
{
    return addr && addr - FLASH_BASE == off;
}

static void get(const struct chip *c, uint32_t off, uint64_t *data, uint8_t *check)
{
    memcpy(data, flash_bytes(c, off), 8);
    *check = c->mem.nvm.flash_ecc[off / 8];
}

bool flash_cells_blank(const struct chip *c, uint32_t off)
{
    uint64_t data;
    uint8_t check;
    get(c, off, &data, &check);
    return data == UINT64_MAX && check == 0xFF;
}

void flash_cells_program(struct chip *c, uint32_t off, uint64_t data)
{
    uint64_t old;
    uint8_t check;
    get(c, off, &old, &check);
    uint64_t stays = 0; /* two cells: more than ECC corrects */
    if (is_weak(c->config.weak_high, off)) {
        stays = ~data & (data + 1);
        stays |= ~(data | stays) & ((data | stays) + 1);
    }
    /* Programming pulls cells down; fast programming may do so over what is there. */
    put(c, off, old & (data | stays), check & ecc_encode(data), true);
}

static uint64_t random_mask(struct chip *c, unsigned permille)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 64; i++)
        mask |= (uint64_t)(chip_random(c) % 1000 < permille) << i;
    return mask;
}

void flash_cells_tear(struct chip *c, uint32_t off, uint64_t data, unsigned permille)
{
    uint64_t old;
    uint8_t check;
    get(c, off, &old, &check);
    uint64_t reached = random_mask(c, permille);
    uint8_t reached_check = (uint8_t)random_mask(c, permille);
    put(c, off, old & (data | ~reached), check & (uint8_t)(ecc_encode(data) | ~reached_check), true);
}

void flash_cells_erase(struct chip *c, uint32_t page)
{
    for (uint32_t off = page * FLASH_PAGE; off < (page + 1) * FLASH_PAGE; off += 8)
        put(c, off, UINT64_MAX, is_weak(c->config.weak_low, off) ? 0xFE : 0xFF, false);
}

/* An erase that ended early leaves one of these: noise; nearly blank; blank to a reader, but cells that
 * programming trips over; rows that are done and rows that are not. */
void flash_cells_half_erase(struct chip *c, uint32_t page)
{
    enum { NOISE, NEARLY_BLANK, LOOKS_BLANK, SOME_ROWS, KINDS };
    unsigned kind = (unsigned)(chip_random(c) % KINDS);
    uint32_t rows = (uint32_t)(chip_random(c) % 8);
    for (uint32_t off = page * FLASH_PAGE; off < (page + 1) * FLASH_PAGE; off += 8) {
        uint64_t data;
        uint8_t check;
        get(c, off, &data, &check);
        uint64_t risen = UINT64_MAX;
        uint8_t risen_check = 0xFF;
        if (kind == NOISE || kind == NEARLY_BLANK) {
            unsigned permille = kind == NOISE ? 500 : 990;
            risen = random_mask(c, permille);
            risen_check = (uint8_t)random_mask(c, permille);
        } else if (kind == LOOKS_BLANK) {
            risen_check = chip_random(c) % 4 ? 0xFF : (uint8_t) ~(1U << chip_random(c) % 8);
        } else if (off % FLASH_PAGE / 256 >= rows) {
            continue;
        }
        put(c, off, data | risen, check | risen_check, false);
    }
}

/* ---- one-time programmable area ---- */

bool flash_otp_blank(const struct chip *c, uint32_t off)
{
    uint64_t data;
    memcpy(&data, &c->mem.nvm.otp[off], 8);
    return data == UINT64_MAX && c->mem.nvm.otp_ecc[off / 8] == 0xFF;
}

void flash_otp_program(struct chip *c, uint32_t off, uint64_t data)
{
    memcpy(&c->mem.nvm.otp[off], &data, 8);
    c->mem.nvm.otp_ecc[off / 8] = ecc_encode(data);
}

/* ---- reading ---- */

static void ecc_event(struct chip *c, uint32_t off, bool otp, enum ecc_result result)
{
    uint32_t *eccr = &c->flash.eccr;
    if (!(*eccr & ECCR_FLAGS)) /* the address is frozen while a flag is set */
        *eccr = (*eccr & 1U << 24) | off | (otp ? ECCR_SYSF : 0);
    if (result == ECC_CORRECTED) {
        *eccr |= 1U << 30;
        flash_irq(c);
        return;
    }
    *eccr |= 1U << 31;
    chip_nmi(c, NMI_FLASH_ECC, false); /* each detection is a request of its own */
    chip_nmi(c, NMI_FLASH_ECC, true);
}

uint64_t flash_cells_read(struct chip *c, uint32_t off, bool otp)
{
    uint64_t data;
    memcpy(&data, otp ? &c->mem.nvm.otp[off] : flash_bytes(c, off), 8);
    const uint8_t *map = otp ? c->flash.otp_suspect : c->flash.suspect;
    if (c->flash.suspects && map[off / 64] >> (off / 8 % 8) & 1) {
        uint64_t copy = data;
        uint8_t check = otp ? c->mem.nvm.otp_ecc[off / 8] : c->mem.nvm.flash_ecc[off / 8];
        ecc_event(c, otp ? OTP_BASE - SYSMEM_BASE + off : off, otp, ecc_decode(&copy, &check));
    }
    return data;
}

static enum ecc_result check_word(const uint8_t *bytes, uint8_t check)
{
    uint64_t data;
    memcpy(&data, bytes, 8);
    return ecc_decode(&data, &check);
}

void flash_cells_power_on(struct chip *c)
{
    struct chip_nvm *n = &c->mem.nvm;
    if (!c->flash.unchecked)
        return;
    c->flash.unchecked = false;
    for (uint32_t off = 0; off < FLASH_SIZE; off += 8) {
        enum ecc_result r = check_word(&n->flash[off], n->flash_ecc[off / 8]);
        set_suspect(c, c->flash.suspect, off / 8, r != ECC_GOOD);
    }
    for (uint32_t off = 0; off < OTP_SIZE; off += 8) {
        enum ecc_result r = check_word(&n->otp[off], n->otp_ecc[off / 8]);
        set_suspect(c, c->flash.otp_suspect, off / 8, r != ECC_GOOD);
    }
    chip_flash_changed(c, 0, FLASH_SIZE);
    cpu_code_changed(c->cpu, SYSMEM_BASE, SYSMEM_SIZE);
}

/* ---- the debugger's and the loader's view ---- */

void flash_peek(const struct chip *c, uint32_t off, uint8_t *bytes, size_t size)
{
    if (!c->flash.stale_lines) {
        memcpy(bytes, c->mem.nvm.flash + off, size);
        return;
    }
    for (size_t i = 0; i < size; i++)
        bytes[i] = *flash_bytes(c, off + (uint32_t)i);
}

void flash_poke(struct chip *c, uint32_t off, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint32_t at = off + (uint32_t)i, first = at % 8;
        size_t n = size - i < 8 - first ? size - i : 8 - first;
        uint64_t data;
        uint8_t check;
        get(c, at & ~7U, &data, &check);
        memcpy((uint8_t *)&data + first, bytes + i, n);
        flash_forget(c, at);
        put(c, at & ~7U, data, data == UINT64_MAX ? 0xFF : ecc_encode(data), true);
        i += n;
    }
}

bool chip_ecc_damage(struct chip *c, uint32_t addr, unsigned bits)
{
    uint32_t off = addr - FLASH_BASE;
    if (off >= FLASH_SIZE || addr % 8 || (bits != 1 && bits != 2))
        return false;
    uint64_t data;
    uint8_t check;
    get(c, off, &data, &check);
    enum ecc_result want = bits == 1 ? ECC_CORRECTED : ECC_BAD;
    for (unsigned tries = 0; tries < 1000; tries++) {
        unsigned a = (unsigned)(chip_random(c) % 64), b = (unsigned)(chip_random(c) % 64);
        uint64_t broken = data ^ 1ULL << a ^ (bits == 2 ? 1ULL << b : 0), copy = broken;
        uint8_t copy_check = check;
        if ((bits == 2 && a == b) || ecc_decode(&copy, &copy_check) != want)
            continue;
        flash_forget(c, off);
        put(c, off, broken, check, true);
        return true;
    }
    return false;
}
